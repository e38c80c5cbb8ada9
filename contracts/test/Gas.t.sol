// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {console} from "forge-std/console.sol";
import {Vm} from "forge-std/Vm.sol";

import {Access, Head} from "../src/interfaces/IAccessLog.sol";
import {NewGrant, ScopeKind, Tag} from "../src/interfaces/IGrantRegistry.sol";
import {NewRecord, NewVersion, RecordId} from "../src/interfaces/IRecordRegistry.sol";
import {Authorization} from "../src/interfaces/ISignedActions.sol";
import {Roles} from "../src/libraries/Codes.sol";
import {BaseTest} from "./BaseTest.sol";
import {Messages} from "./Messages.sol";

/// @title The gas of each action, compared with the least gas that it could use.
/// @notice Floor of an operation = 21,000 + calldata (16 a non-zero byte, 4 a zero byte) + slots (22,100 new, 5,000
///         changed, 2,100 only read) + 2,600 per other contract asked + logs (375 + 375 a topic + 8 a byte) + 3,000 per
///         ecrecover, or the calldata floor of EIP-7623 (21,000 + 40 a non-zero byte, 10 a zero byte) where that is higher.
/// @dev Every measured call is a separate transaction (isolation), so the figure is the one in a receipt. The patient
///      also sends the `…BySig` calls, which use a nonce in a word that is already in use. contracts/gas.json has the
///      committed figures; MEDLOCK_GAS_UPDATE=true rewrites it.
/// forge-config: default.isolate = true
contract GasTest is BaseTest {
    /// @dev The highest allowed ratio of figure to floor, in thousandths, of a direct or a signed operation.
    uint256 private constant MAX_PERMILLE = 1060;
    /// @dev The same for an operation that calls other contracts. The floor does not include the encoding of two calls
    ///      and the decoding of their answers, which is all that such an operation uses in addition.
    uint256 private constant MAX_PERMILLE_ASKING = 1115;
    string private constant SNAPSHOT = "contracts/gas.json";

    /// @dev The storage, logs and calls that an operation needs. Calldata and logs are counted, not stated.
    struct Needs {
        uint256 newSlots;
        uint256 changedSlots;
        uint256 readSlots;
        uint256 signatures;
        uint256 contracts;
    }

    uint256 private worst;
    uint256 private worstAsking;
    string private report;

    function test_EveryOperationIsNearItsFloorAndTheSnapshotIsFresh() public {
        measureRecords();
        measureUploader();
        measureGrants();
        measureKeysAndAccreditation();
        measureLog();

        string memory text = string.concat(report, "\n");
        text = string.concat("{\n", text, "}\n");
        console.log("worst over floor (thousandths): %d, asking other contracts: %d", worst, worstAsking);
        if (vm.envOr("MEDLOCK_GAS_UPDATE", false)) {
            vm.writeFile(SNAPSHOT, text);
        } else {
            assertEq(vm.readFile(SNAPSHOT), text, "contracts/gas.json is stale: run contracts/bench-gas.mjs --update");
        }
        assertLe(worst, MAX_PERMILLE, "an operation is too far above its floor");
        assertLe(worstAsking, MAX_PERMILLE_ASKING, "an operation that asks other contracts is too far above its floor");
    }

    function measureRecords() private {
        spendNeighbour(patient.addr);
        NewRecord memory record = newRecord();
        measure("register", address(records), abi.encodeCall(records.registerRecord, (record)), Needs(1, 0, 0, 0, 0));

        record.salt = keccak256("second record");
        Authorization memory auth =
            sign(patient, records, Messages.registerRecord(patient.addr, record, 1, START + 1), 1, START + 1);
        measure(
            "register, relayed",
            address(records),
            abi.encodeCall(records.registerRecordBySig, (patient.addr, record, auth)),
            Needs(1, 1, 0, 1, 0)
        );

        RecordId id = recordIdOf(patient.addr, RECORD_SALT);
        NewVersion memory version = newVersion(id, 1);
        measure(
            "new version", address(records), abi.encodeCall(records.registerVersion, (version)), Needs(0, 1, 0, 0, 0)
        );
        version = newVersion(id, 2);
        auth = sign(patient, records, Messages.registerVersion(patient.addr, version, 2, START + 1), 2, START + 1);
        measure(
            "new version, relayed",
            address(records),
            abi.encodeCall(records.registerVersionBySig, (patient.addr, version, auth)),
            Needs(0, 2, 0, 1, 0)
        );

        measure("supersede", address(records), abi.encodeCall(records.supersede, (id, 3)), Needs(0, 1, 1, 0, 0));
        measure("tombstone", address(records), abi.encodeCall(records.tombstone, (id)), Needs(1, 1, 0, 0, 0));
        measure(
            "lift tombstone", address(records), abi.encodeCall(records.liftTombstone, (id, 1)), Needs(0, 2, 0, 0, 0)
        );
        auth = sign(patient, records, Messages.tombstone(patient.addr, id, 2, 3, START + 1), 3, START + 1);
        measure(
            "tombstone again, relayed",
            address(records),
            abi.encodeCall(records.tombstoneBySig, (patient.addr, id, 2, auth)),
            Needs(0, 3, 0, 1, 0)
        );
        auth = sign(patient, records, Messages.liftTombstone(patient.addr, id, 3, 4, START + 1), 4, START + 1);
        measure(
            "lift tombstone, relayed",
            address(records),
            abi.encodeCall(records.liftTombstoneBySig, (patient.addr, id, 3, auth)),
            Needs(0, 3, 0, 1, 0)
        );
    }

    /// @dev An upload by somebody other than the patient, and a retraction, ask Accreditation (two words of the
    ///      practitioner, one of its accreditor) and GrantRegistry (the grant and the patient's epoch).
    function measureUploader() private {
        spendNeighbour(lab.addr);
        givenGrant(newWriteGrant(lab.addr, ScopeKind.Category, categoryId(LABORATORY)));
        NewRecord memory record = newRecord();
        record.writeSalt = WRITE_SALT;
        measureFrom(
            lab.addr,
            "register, by a laboratory",
            address(records),
            abi.encodeCall(records.registerRecord, (record)),
            Needs(1, 0, 5, 0, 2)
        );
        RecordId id = recordIdOf(lab.addr, RECORD_SALT);
        Authorization memory auth =
            sign(lab, records, Messages.retract(lab.addr, id, 1, RECORD_SALT, WRITE_SALT, 1, START + 1), 1, START + 1);
        measure(
            "retract, relayed",
            address(records),
            abi.encodeCall(records.retractBySig, (lab.addr, id, 1, RECORD_SALT, WRITE_SALT, auth)),
            Needs(0, 2, 5, 1, 2)
        );
    }

    function measureGrants() private {
        // The patient has revoked everything once before, so that its epoch slot is in use.
        vm.startPrank(patient.addr);
        grants.revokeAll();
        grants.cancelNonce(0);
        vm.stopPrank();

        Tag tag = tagOf(doctor.addr, READ_SALT);
        bytes32 id = RecordId.unwrap(recordIdOf(patient.addr, RECORD_SALT));
        NewGrant memory made = newGrant(tag, ScopeKind.Record, id);
        made.patientEpoch = 1;
        measure("grant", address(grants), abi.encodeCall(grants.grant, (made)), Needs(1, 0, 1, 0, 0));

        made.scopes[0].id = keccak256("another record");
        Authorization memory auth =
            sign(patient, grants, Messages.grant(patient.addr, made, 1, START + 1), 1, START + 1);
        measure(
            "grant, relayed",
            address(grants),
            abi.encodeCall(grants.grantBySig, (patient.addr, made, auth)),
            Needs(1, 1, 1, 1, 0)
        );

        measure(
            "revoke",
            address(grants),
            abi.encodeCall(grants.revoke, (refOf(tag, ScopeKind.Record, id))),
            Needs(0, 1, 0, 0, 0)
        );
        auth = sign(
            patient,
            grants,
            Messages.revoke(patient.addr, refOf(tag, ScopeKind.Record, made.scopes[0].id), 2, START + 1),
            2,
            START + 1
        );
        measure(
            "revoke, relayed",
            address(grants),
            abi.encodeCall(grants.revokeBySig, (patient.addr, refOf(tag, ScopeKind.Record, made.scopes[0].id), auth)),
            Needs(0, 2, 0, 1, 0)
        );

        measure("revoke all", address(grants), abi.encodeCall(grants.revokeAll, ()), Needs(0, 1, 0, 0, 0));
        auth = sign(patient, grants, Messages.revokeAll(patient.addr, 3, START + 1), 3, START + 1);
        measure(
            "revoke all, relayed",
            address(grants),
            abi.encodeCall(grants.revokeAllBySig, (patient.addr, auth)),
            Needs(0, 2, 0, 1, 0)
        );
    }

    function measureKeysAndAccreditation() private {
        vm.prank(patient.addr);
        keys.cancelNonce(0);
        bytes memory key = identityKey(1);
        measure("register key", address(keys), abi.encodeCall(keys.registerKey, (0, 0, KEM, key)), Needs(2, 0, 0, 0, 0));
        key = identityKey(2);
        Authorization memory auth =
            sign(patient, keys, Messages.registerKey(patient.addr, 0, 1, KEM, key, 1, START + 1), 1, START + 1);
        measure(
            "replace key, relayed",
            address(keys),
            abi.encodeCall(keys.registerKeyBySig, (patient.addr, 0, 1, KEM, key, auth)),
            Needs(0, 3, 0, 1, 0)
        );

        measureFrom(
            owner.addr,
            "add accreditor",
            address(accreditation),
            abi.encodeCall(accreditation.addAccreditor, (doctor.addr, 0)),
            Needs(1, 0, 1, 0, 0)
        );
        measureFrom(
            owner.addr,
            "remove accreditor",
            address(accreditation),
            abi.encodeCall(accreditation.removeAccreditor, (doctor.addr)),
            Needs(0, 1, 1, 0, 0)
        );
        measureFrom(
            clinic.addr,
            "cancel nonce",
            address(accreditation),
            abi.encodeCall(accreditation.cancelNonce, (0)),
            Needs(1, 0, 0, 0, 0)
        );
        measureFrom(
            clinic.addr,
            "accredit",
            address(accreditation),
            abi.encodeCall(accreditation.accredit, (sister.addr, Roles.NURSE, VALID_FROM, VALID_UNTIL, 0, 1)),
            Needs(2, 0, 1, 0, 0)
        );
        auth = sign(
            clinic,
            accreditation,
            Messages.accredit(clinic.addr, stranger.addr, Roles.NURSE, VALID_FROM, VALID_UNTIL, 0, 1, 1, START + 1),
            1,
            START + 1
        );
        measure(
            "accredit, relayed",
            address(accreditation),
            abi.encodeCall(
                accreditation.accreditBySig,
                (clinic.addr, stranger.addr, Roles.NURSE, VALID_FROM, VALID_UNTIL, 0, 1, auth)
            ),
            Needs(2, 1, 1, 1, 0)
        );
        measureFrom(
            clinic.addr,
            "suspend",
            address(accreditation),
            abi.encodeCall(accreditation.suspend, (sister.addr)),
            Needs(0, 1, 2, 0, 0)
        );
        auth = sign(clinic, accreditation, Messages.suspend(clinic.addr, stranger.addr, 2, START + 1), 2, START + 1);
        measure(
            "suspend, relayed",
            address(accreditation),
            abi.encodeCall(accreditation.suspendBySig, (clinic.addr, stranger.addr, auth)),
            Needs(0, 2, 2, 1, 0)
        );
    }

    function measureLog() private {
        vm.prank(operator.addr);
        accessLog.cancelNonce(0);
        Head memory head = givenCheckpoint();
        head = measureCheckpoint("checkpoint, 1 read", head, 1);
        head = measureCheckpoint("checkpoint, 10 reads", head, 10);
        head = measureCheckpoint("checkpoint, 100 reads", head, 100);
        head = measureSignedCheckpoint("checkpoint, 1 read, relayed", head, 1, 1);
        head = measureSignedCheckpoint("checkpoint, 10 reads, relayed", head, 10, 2);
        measureSignedCheckpoint("checkpoint, 100 reads, relayed", head, 100, 3);
    }

    function measureCheckpoint(string memory name, Head memory head, uint256 count) private returns (Head memory) {
        bytes32 root = keccak256(abi.encode("root", name));
        measureFrom(
            operator.addr,
            name,
            address(accessLog),
            abi.encodeCall(accessLog.checkpoint, (head, root, newAccesses(count))),
            Needs(0, 1, 0, 0, 0)
        );
        return Head({previous: headHash(head), size: uint64(head.size + count), root: root});
    }

    function measureSignedCheckpoint(string memory name, Head memory head, uint256 count, uint256 nonce)
        private
        returns (Head memory)
    {
        bytes32 root = keccak256(abi.encode("root", name));
        Access[] memory accesses = newAccesses(count);
        Authorization memory auth = sign(
            operator,
            accessLog,
            Messages.checkpoint(operator.addr, head, headHash(head), root, accesses, nonce, START + 1),
            nonce,
            START + 1
        );
        measure(
            name,
            address(accessLog),
            abi.encodeCall(accessLog.checkpointBySig, (operator.addr, head, root, accesses, auth)),
            Needs(0, 2, 0, 1, 0)
        );
        return Head({previous: headHash(head), size: uint64(head.size + count), root: root});
    }

    /// @dev Uses up a nonce whose word the measured messages share.
    function spendNeighbour(address signer) private {
        vm.prank(signer);
        records.cancelNonce(0);
    }

    function measure(string memory name, address target, bytes memory data, Needs memory needs) private {
        measureFrom(patient.addr, name, target, data, needs);
    }

    function measureFrom(address sender, string memory name, address target, bytes memory data, Needs memory needs)
        private
    {
        vm.recordLogs();
        vm.prank(sender);
        (bool success,) = target.call(data);
        uint256 used = vm.lastCallGas().gasTotalUsed;
        assertTrue(success, name);

        uint256 floor = floorOf(data, needs, vm.getRecordedLogs());
        uint256 permille = (used * 1000 + floor - 1) / floor;
        if (needs.contracts == 0 && permille > worst) worst = permille;
        if (needs.contracts != 0 && permille > worstAsking) worstAsking = permille;
        report = string.concat(
            report,
            bytes(report).length == 0 ? "" : ",\n",
            string.concat(
                "  \"",
                name,
                "\": { \"gas\": ",
                vm.toString(used),
                ", \"floor\": ",
                vm.toString(floor),
                asked(needs),
                " }"
            )
        );
    }

    function asked(Needs memory needs) private pure returns (string memory) {
        return needs.contracts == 0 ? "" : string.concat(", \"asked\": ", vm.toString(needs.contracts));
    }

    function floorOf(bytes memory data, Needs memory needs, Vm.Log[] memory logs) private pure returns (uint256) {
        uint256 zeros = 0;
        for (uint256 i = 0; i < data.length; ++i) {
            if (data[i] == 0) ++zeros;
        }
        uint256 others = data.length - zeros;

        uint256 work = others * 16 + zeros * 4 + needs.newSlots * 22_100 + needs.changedSlots * 5000 + needs.readSlots
            * 2100 + needs.contracts * 2600 + needs.signatures * 3000;
        for (uint256 i = 0; i < logs.length; ++i) {
            work += 375 + logs[i].topics.length * 375 + logs[i].data.length * 8;
        }
        uint256 calldataFloor = others * 40 + zeros * 10;
        return 21_000 + (work > calldataFloor ? work : calldataFloor);
    }
}
