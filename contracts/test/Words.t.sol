// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";

import {Access, Head} from "../src/interfaces/IAccessLog.sol";
import {IAccreditation} from "../src/interfaces/IAccreditation.sol";
import {GrantRef, ScopeKind} from "../src/interfaces/IGrantRegistry.sol";
import {NewRecord, NewVersion, RecordId} from "../src/interfaces/IRecordRegistry.sol";
import {Authorization, ISignedActions} from "../src/interfaces/ISignedActions.sol";
import {Roles} from "../src/libraries/Codes.sol";
import {BaseTest} from "./BaseTest.sol";

/// @title A word of a signed call that is out of its range makes the call fail, whoever signed it.
/// @dev Messages are hashed directly from call data. This check prevents that such a word is carried out as a value
///      other than the signed one. The signer here is a wallet contract that accepts every message.
contract WordsTest is BaseTest {
    address private wallet;

    function setUp() public override {
        super.setUp();
        wallet = makeAddr("wallet that accepts everything");
        vm.etch(wallet, hex"00");
        vm.mockCall(
            wallet,
            abi.encodeWithSelector(IERC1271.isValidSignature.selector),
            abi.encode(IERC1271.isValidSignature.selector)
        );
    }

    function testFuzz_RevertWhen_AWordOfARecordsMessageIsOutOfItsRange(uint256 bit) public {
        NewRecord memory record = newRecord();
        record.patient = wallet;
        bytes memory data = abi.encodeCall(records.registerRecordBySig, (wallet, record, auth(0)));
        check(records, data, words(4, 0, 160, 1, 160, 3, 16, 4, 8), bit, 0);

        RecordId id = recordIdOf(wallet, record.salt);
        NewVersion memory version = newVersion(id, 1);
        data = abi.encodeCall(records.registerVersionBySig, (wallet, version, auth(1)));
        check(records, data, words(3, 0, 160, 2, 16, 3, 8, 0, 0), bit, 1);

        data = abi.encodeCall(records.supersedeBySig, (wallet, id, 2, auth(2)));
        check(records, data, words(2, 0, 160, 2, 16, 0, 0, 0, 0), bit, 2);
        data = abi.encodeCall(records.tombstoneBySig, (wallet, id, 0, auth(3)));
        check(records, data, words(2, 0, 160, 2, 32, 0, 0, 0, 0), bit, 3);
        data = abi.encodeCall(records.liftTombstoneBySig, (wallet, id, 1, auth(4)));
        check(records, data, words(2, 0, 160, 2, 32, 0, 0, 0, 0), bit, 4);
    }

    function testFuzz_RevertWhen_AWordOfARetractionIsOutOfItsRange(uint256 bit) public {
        vm.prank(clinic.addr);
        accreditation.accredit(wallet, Roles.LAB, VALID_FROM, VALID_UNTIL, 0, 1);
        givenGrant(newWriteGrant(wallet, ScopeKind.All, 0));
        NewRecord memory record = newRecord();
        record.writeSalt = WRITE_SALT;
        vm.prank(wallet);
        records.registerRecord(record);
        RecordId id = recordIdOf(wallet, RECORD_SALT);
        bytes memory data = abi.encodeCall(records.retractBySig, (wallet, id, 1, RECORD_SALT, WRITE_SALT, auth(0)));
        check(records, data, words(2, 0, 160, 2, 16, 0, 0, 0, 0), bit, 0);
    }

    function testFuzz_RevertWhen_AWordOfARevocationIsOutOfItsRange(uint256 bit) public {
        GrantRef[] memory refs = refOf(tagOf(doctor.addr, READ_SALT), ScopeKind.Record, DIGEST);
        bytes memory data = abi.encodeCall(grants.revokeBySig, (wallet, refs, auth(0)));
        // After the signer and two offsets come the length, then tag and kind.
        check(grants, data, words(2, 0, 160, 5, 2, 0, 0, 0, 0), bit, 0);

        data = abi.encodeCall(grants.revokeAllBySig, (wallet, auth(1)));
        check(grants, data, words(1, 0, 160, 0, 0, 0, 0, 0, 0), bit, 1);
    }

    function testFuzz_RevertWhen_AWordOfAKeysMessageIsOutOfItsRange(uint256 bit) public {
        bytes memory data = abi.encodeCall(keys.registerKeyBySig, (wallet, 0, 0, KEM, identityKey(1), auth(0)));
        check(keys, data, words(4, 0, 160, 1, 8, 2, 32, 3, 16), bit, 0);
    }

    function testFuzz_RevertWhen_AWordOfAnAccreditationIsOutOfItsRange(uint256 bit) public {
        IAccreditation ours = IAccreditation(deployCode("Accreditation.sol", abi.encode(wallet)));
        bytes memory data = abi.encodeCall(ours.addAccreditorBySig, (wallet, 0, auth(0)));
        check(ours, data, words(2, 0, 160, 1, 32, 0, 0, 0, 0), bit, 0);

        data = abi.encodeCall(
            ours.accreditBySig, (wallet, doctor.addr, Roles.DOCTOR, VALID_FROM, VALID_UNTIL, 0, 1, auth(1))
        );
        uint256 snapshot = vm.snapshotState();
        check(ours, data, words(4, 0, 160, 1, 160, 2, 8, 3, 40), bit, 1);
        vm.revertToState(snapshot);
        check(ours, data, words(3, 4, 40, 5, 32, 6, 32, 0, 0), bit, 1);

        data = abi.encodeCall(ours.suspendBySig, (wallet, doctor.addr, auth(2)));
        check(ours, data, words(2, 0, 160, 1, 160, 0, 0, 0, 0), bit, 2);
        data = abi.encodeCall(ours.removeAccreditorBySig, (wallet, auth(3)));
        check(ours, data, words(1, 0, 160, 0, 0, 0, 0, 0, 0), bit, 3);
    }

    function testFuzz_RevertWhen_AWordOfACheckpointIsOutOfItsRange(uint256 bit) public {
        Access[] memory accesses = newAccesses(2);
        Head memory empty;
        bytes memory data = abi.encodeCall(accessLog.checkpointBySig, (wallet, empty, DIGEST, accesses, auth(0)));
        // The size; and after seven words of head and the length, the purposes of both accesses.
        check(accessLog, data, words(4, 0, 160, 2, 64, 10, 16, 14, 16), bit, 0);
    }

    /// @dev The call succeeds as given. It fails with one bit above the width of any of these words.
    function check(ISignedActions target, bytes memory data, uint256[2][] memory places, uint256 bit, uint256 nonce)
        private
    {
        for (uint256 i = 0; i < places.length; ++i) {
            (uint256 word, uint256 width) = (places[i][0], places[i][1]);
            uint256 mask = 1 << bound(bit, width, 255);
            (bool done, bytes memory answer) = address(target).call(withBit(data, word, mask));
            assertFalse(done, "carried out although a word is out of its range");
            assertEq(answer.length, 0, "refused as no call of this function at all");
            assertFalse(target.isNonceUsed(wallet, nonce));
        }
        (bool success,) = address(target).call(data);
        assertTrue(success, "the call itself is carried out");
        assertTrue(target.isNonceUsed(wallet, nonce));
    }

    function withBit(bytes memory data, uint256 word, uint256 mask) private pure returns (bytes memory changed) {
        changed = bytes.concat(data);
        for (uint256 i = 0; i < 32; ++i) {
            changed[4 + word * 32 + i] |= bytes32(mask)[i];
        }
    }

    function auth(uint256 nonce) private pure returns (Authorization memory) {
        return Authorization({nonce: nonce, deadline: START + 1, signature: hex"01"});
    }

    /// @dev The first `count` of four words: the position of each after the selector, and the number of bits that it
    ///      may have.
    function words(
        uint256 count,
        uint256 word0,
        uint256 width0,
        uint256 word1,
        uint256 width1,
        uint256 word2,
        uint256 width2,
        uint256 word3,
        uint256 width3
    ) private pure returns (uint256[2][] memory places) {
        uint256[2][4] memory all = [[word0, width0], [word1, width1], [word2, width2], [word3, width3]];
        places = new uint256[2][](count);
        for (uint256 i = 0; i < count; ++i) {
            places[i] = all[i];
        }
    }
}
