// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Vm} from "forge-std/Vm.sol";

import {Access, Head} from "../src/interfaces/IAccessLog.sol";
import {NewGrant, Scope, ScopeKind, Tag} from "../src/interfaces/IGrantRegistry.sol";
import {RecordId} from "../src/interfaces/IRecordRegistry.sol";
import {BaseTest} from "./BaseTest.sol";

/// @title The logs contain nothing about a person except addresses, tags, digests, coarse codes and times.
/// @dev Runs a whole life cycle. After it, every word of every topic and of all data must be one of the words that are
///      allowed there. An event with a new field makes the test fail, and its author must explain the field here.
contract EventsTest is BaseTest {
    mapping(bytes32 word => bool isKnown) private known;
    bytes private key;

    function test_LogsHoldNothingButAddressesTagsDigestsCodesAndTimes() public {
        key = identityKey(7);
        vm.recordLogs();
        playLifeCycle();
        Vm.Log[] memory logs = vm.getRecordedLogs();
        assertEq(logs.length, 23, "the whole life cycle");

        knowTheWords();
        for (uint256 i = 0; i < logs.length; ++i) {
            // The first topic names the event.
            for (uint256 t = 1; t < logs[i].topics.length; ++t) {
                assertKnown(logs[i].topics[t]);
            }
            assertEq(logs[i].data.length % 32, 0, "whole words");
            for (uint256 offset = 0; offset < logs[i].data.length; offset += 32) {
                assertKnown(wordAt(logs[i].data, offset));
            }
        }
    }

    function test_ATagIsNeverOpenedByAGrantOrARead() public {
        vm.recordLogs();
        givenGrant(newGrant(tagOf(doctor.addr, READ_SALT), ScopeKind.All, 0));
        givenCheckpoint();
        Vm.Log[] memory logs = vm.getRecordedLogs();
        assertEq(logs.length, 3);
        for (uint256 i = 0; i < logs.length; ++i) {
            bytes memory all = abi.encodePacked(logs[i].topics, logs[i].data);
            for (uint256 offset = 0; offset < all.length; offset += 32) {
                assertTrue(wordAt(all, offset) != bytes32(uint256(uint160(doctor.addr))), "the grantee");
                assertTrue(wordAt(all, offset) != READ_SALT, "the salt");
            }
        }
    }

    function playLifeCycle() private {
        vm.startPrank(owner.addr);
        accreditation.addAccreditor(clinic.addr, 1);
        accreditation.removeAccreditor(otherClinic.addr);
        accreditation.transferOwnership(sister.addr);
        vm.stopPrank();
        vm.prank(sister.addr);
        accreditation.acceptOwnership();
        vm.startPrank(clinic.addr);
        accreditation.suspend(doctor.addr);
        accreditation.accredit(doctor.addr, 1, VALID_FROM, VALID_UNTIL, 2, 2);
        vm.stopPrank();

        vm.prank(clinic.addr);
        accreditation.accredit(lab.addr, 4, VALID_FROM, VALID_UNTIL, 1, 2);
        RecordId id = givenLabRecord();
        vm.prank(lab.addr);
        records.retract(id, 1, RECORD_SALT, WRITE_SALT);
        vm.startPrank(patient.addr);
        keys.registerKey(0, 0, KEM, key);
        keys.registerKey(1, 0, CATEGORY_KEM, key);
        records.registerVersion(newVersion(id, 1));
        records.supersede(id, 2);
        records.tombstone(id);
        records.liftTombstone(id, 1);
        grants.cancelNonce(9);
        vm.stopPrank();

        Tag tag = tagOf(doctor.addr, READ_SALT);
        givenGrant(newGrant(tag, ScopeKind.Record, RecordId.unwrap(id)));
        givenGrant(newGrant(tag, ScopeKind.All, 0));
        givenCheckpoint();
        vm.startPrank(patient.addr);
        grants.revoke(refOf(tag, ScopeKind.Record, RecordId.unwrap(id)));
        grants.revokeAll();
    }

    function knowTheWords() private {
        // Addresses of those who act.
        address[7] memory people =
            [owner.addr, clinic.addr, doctor.addr, lab.addr, patient.addr, operator.addr, otherClinic.addr];
        for (uint256 i = 0; i < people.length; ++i) {
            know(bytes32(uint256(uint160(people[i]))));
        }
        know(bytes32(uint256(uint160(sister.addr))));
        // Salted ids and tags.
        Access[] memory accesses = newAccesses(1);
        know(RecordId.unwrap(recordIdOf(lab.addr, RECORD_SALT)));
        know(RecordId.unwrap(accesses[0].record));
        know(Tag.unwrap(accesses[0].tag));
        know(Tag.unwrap(tagOf(doctor.addr, READ_SALT)));
        know(Tag.unwrap(tagOf(lab.addr, WRITE_SALT)));
        // Digests of ciphertext, capsules and leaves; heads and roots; public keys and their hashes.
        know(DIGEST);
        know(keccak256(abi.encode(DIGEST, uint16(1))));
        know(keccak256("bundle"));
        know(accesses[0].leaf);
        know(keccak256("first root"));
        know(headHash(Head({previous: 0, size: 1, root: keccak256("first root")})));
        know(keccak256(key));
        for (uint256 offset = 0; offset < key.length; offset += 32) {
            know(wordAt(key, offset));
        }
        know(bytes32(uint256(KEM)));
        know(bytes32(key.length));
        // Terms of grants: periods, epochs and codes.
        know(wordOf(newGrant(tagOf(doctor.addr, READ_SALT), ScopeKind.Record, 0)));
        know(wordOf(newGrant(tagOf(doctor.addr, READ_SALT), ScopeKind.All, 0)));
        know(wordOf(newWriteGrant(lab.addr, ScopeKind.Category, 0)));
        // Times.
        know(bytes32(uint256(VALID_FROM)));
        know(bytes32(uint256(VALID_UNTIL)));
        know(bytes32(uint256(START + LIFT_PERIOD)));
    }

    function wordOf(NewGrant memory made) private pure returns (bytes32) {
        Scope memory scope = made.scopes[0];
        return bytes32(
            uint256(made.notBefore) | uint256(made.notAfter) << 40 | uint256(1) << 80 | uint256(made.purposes) << 144
                | uint256(made.rights) << 160 | uint256(scope.kind) << 168
        );
    }

    function know(bytes32 word) private {
        known[word] = true;
    }

    /// @dev Codes, flags, counts, versions, lengths and offsets are all below 256.
    function assertKnown(bytes32 word) private view {
        assertTrue(known[word] || uint256(word) < 256, vm.toString(word));
    }

    function wordAt(bytes memory data, uint256 offset) private pure returns (bytes32 word) {
        for (uint256 i = 0; i < 32; ++i) {
            word |= bytes32(data[offset + i]) >> (8 * i);
        }
    }
}
