// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {NewGrant, ScopeKind, Tag} from "../src/interfaces/IGrantRegistry.sol";
import {
    IRecordRegistry,
    NewRecord,
    NewVersion,
    Record,
    RecordId,
    RecordStatus
} from "../src/interfaces/IRecordRegistry.sol";
import {Authorization, ISignedActions} from "../src/interfaces/ISignedActions.sol";
import {Roles} from "../src/libraries/Codes.sol";
import {BaseTest} from "./BaseTest.sol";
import {Messages} from "./Messages.sol";

/// @dev Leaves of RecordRegistry.tree.
contract RecordRegistryTest is BaseTest {
    uint256 private constant DEADLINE = START + 1 hours;
    uint8 private constant DAG_PB = 0x70;

    function register(address uploader, NewRecord memory record) private {
        vm.prank(uploader);
        records.registerRecord(record);
    }

    function registerVersion(address uploader, NewVersion memory version) private {
        vm.prank(uploader);
        records.registerVersion(version);
    }

    function setStatus(address signer, RecordId id, RecordStatus status, bytes32 salt) private {
        vm.prank(signer);
        records.setRecordStatus(id, status, salt);
    }

    function labRecord() private view returns (NewRecord memory record) {
        record = newRecord();
        record.writeSalt = WRITE_SALT;
    }

    function labVersion(RecordId id, uint16 replaced) private pure returns (NewVersion memory version) {
        version = newVersion(id, replaced);
        (version.salt, version.writeSalt) = (RECORD_SALT, WRITE_SALT);
    }

    function assertUploadRefused(address uploader, NewRecord memory record) private {
        vm.expectRevert(abi.encodeWithSelector(IRecordRegistry.UploadNotAllowed.selector, uploader));
        register(uploader, record);
    }

    function assertRecord(RecordId id, Record memory expected) private view {
        assertEq(abi.encode(records.recordOf(id)), abi.encode(expected));
    }

    function testFuzz_RegisterRecord_StoresAndEmits(
        address who,
        bytes32 salt,
        uint16 category,
        bool raw,
        bytes32 digest
    ) public {
        vm.assume(who != address(0) && digest != 0);
        NewRecord memory record = NewRecord(who, salt, category, raw ? RAW : DAG_PB, digest, 0);
        RecordId id = recordIdOf(who, salt);
        vm.expectEmit();
        emit IRecordRegistry.RecordRegistered(id, who, category, who, 1, record.codec, digest);
        register(who, record);
        assertRecord(id, Record(who, START, category, 1, RecordStatus.Active, record.codec));
    }

    function test_RegisterRecord_Relayed() public {
        NewRecord memory record = newRecord();
        bytes32 message = Messages.registerRecord(patient.addr, record, 1, DEADLINE);
        Authorization memory auth = sign(patient, records, message, 1, DEADLINE);
        NewRecord memory changed = newRecord();
        changed.digest = keccak256("another envelope");
        vm.expectRevert(ISignedActions.InvalidSignature.selector);
        records.registerRecordBySig(patient.addr, changed, auth);
        records.registerRecordBySig(patient.addr, record, auth);
        assertEq(records.recordOf(recordIdOf(patient.addr, RECORD_SALT)).version, 1);
    }

    function test_RegisterRecord_ByUploaderWithWrite() public {
        RecordId id = givenLabRecord();
        assertRecord(id, Record(patient.addr, START, LABORATORY, 1, RecordStatus.Active, RAW));

        givenGrant(newWriteGrant(doctor.addr, ScopeKind.All, 0));
        vm.expectEmit();
        emit IRecordRegistry.RecordRegistered(
            recordIdOf(doctor.addr, RECORD_SALT), patient.addr, LABORATORY, doctor.addr, 1, RAW, DIGEST
        );
        register(doctor.addr, labRecord());
    }

    function testFuzz_RegisterRecord_ByUploaderRolesAlone(uint8 roles) public {
        roles = uint8(bound(roles, 1, Roles.ALL));
        vm.prank(clinic.addr);
        accreditation.accredit(stranger.addr, roles, VALID_FROM, VALID_UNTIL, 0);
        givenGrant(newWriteGrant(stranger.addr, ScopeKind.All, 0));
        uint8 uploaders = Roles.DOCTOR + Roles.NURSE + Roles.LAB + Roles.PHARMACY + Roles.EMERGENCY;
        if (roles & uploaders == 0) return assertUploadRefused(stranger.addr, labRecord());
        register(stranger.addr, labRecord());
        assertEq(records.recordOf(recordIdOf(stranger.addr, RECORD_SALT)).version, 1);
    }

    function test_RevertWhen_UploaderHasNoWriteNow() public {
        assertUploadRefused(lab.addr, labRecord());
        givenGrant(newWriteGrant(lab.addr, ScopeKind.Category, categoryId(LABORATORY + 1)));
        assertUploadRefused(lab.addr, labRecord());

        Tag tag = tagOf(lab.addr, WRITE_SALT);
        NewGrant memory made = newGrant(tag, ScopeKind.All, 0);
        givenGrant(made);
        assertUploadRefused(lab.addr, labRecord());

        made = newWriteGrant(lab.addr, ScopeKind.Category, categoryId(LABORATORY));
        givenGrant(made);
        vm.warp(made.notAfter);
        assertUploadRefused(lab.addr, labRecord());
        vm.warp(made.notBefore);
        vm.prank(patient.addr);
        grants.revoke(refOf(tag, ScopeKind.Category, categoryId(LABORATORY)));
        assertUploadRefused(lab.addr, labRecord());
    }

    function test_RevertWhen_UploaderIsNotAccreditedNow() public {
        givenGrant(newWriteGrant(sister.addr, ScopeKind.All, 0));
        assertUploadRefused(sister.addr, labRecord());
        givenGrant(newWriteGrant(lab.addr, ScopeKind.All, 0));
        vm.prank(clinic.addr);
        accreditation.suspend(lab.addr);
        assertUploadRefused(lab.addr, labRecord());
    }

    function test_RevertWhen_WriteSaltIsAnothers() public {
        givenGrant(newWriteGrant(lab.addr, ScopeKind.All, 0));
        NewRecord memory record = labRecord();
        assertUploadRefused(doctor.addr, record);
        record.writeSalt = READ_SALT;
        assertUploadRefused(lab.addr, record);
    }

    function test_RevertWhen_RecordExists() public {
        RecordId id = givenRecord();
        vm.expectRevert(abi.encodeWithSelector(IRecordRegistry.RecordExists.selector, id));
        register(patient.addr, newRecord());
        setStatus(patient.addr, id, RecordStatus.Tombstoned, 0);
        vm.expectRevert(abi.encodeWithSelector(IRecordRegistry.RecordExists.selector, id));
        register(patient.addr, newRecord());
    }

    function test_RegisterRecord_SameSaltOfAnotherUploader() public {
        RecordId first = givenRecord();
        RecordId second = givenLabRecord();
        assertTrue(RecordId.unwrap(first) != RecordId.unwrap(second));
        assertEq(records.recordOf(first).version, 1);
    }

    function testFuzz_RevertWhen_NewRecordIsOutOfRange(uint8 codec) public {
        vm.assume(codec != RAW && codec != DAG_PB);
        NewRecord memory record = newRecord();
        record.codec = codec;
        vm.expectRevert(IRecordRegistry.InvalidRecord.selector);
        register(patient.addr, record);
        record = newRecord();
        record.digest = 0;
        vm.expectRevert(IRecordRegistry.InvalidRecord.selector);
        register(patient.addr, record);
        record = newRecord();
        record.patient = address(0);
        vm.expectRevert(IRecordRegistry.InvalidRecord.selector);
        register(address(0), record);
    }

    function test_RegisterVersion_ByThePatient() public {
        RecordId id = givenLabRecord();
        vm.warp(START + 1 days);
        NewVersion memory version = newVersion(id, 1);
        version.codec = DAG_PB;
        vm.expectEmit();
        emit IRecordRegistry.RecordRegistered(id, patient.addr, LABORATORY, patient.addr, 2, DAG_PB, version.digest);
        registerVersion(patient.addr, version);
        assertRecord(id, Record(patient.addr, START, LABORATORY, 2, RecordStatus.Active, DAG_PB));
    }

    function test_RegisterVersion_Relayed() public {
        NewVersion memory version = newVersion(givenRecord(), 1);
        bytes32 message = Messages.registerVersion(patient.addr, version, 1, DEADLINE);
        Authorization memory auth = sign(patient, records, message, 1, DEADLINE);
        records.registerVersionBySig(patient.addr, version, auth);
        assertEq(records.recordOf(version.record).version, 2);
    }

    function test_RegisterVersion_ByTheFirstUploader() public {
        RecordId id = givenLabRecord();
        registerVersion(lab.addr, labVersion(id, 1));
        registerVersion(lab.addr, labVersion(id, 2));
        assertEq(records.recordOf(id).version, 3);
    }

    function test_RevertWhen_FirstUploaderLostWrite() public {
        RecordId id = givenLabRecord();
        vm.prank(patient.addr);
        grants.revokeAll();
        vm.expectRevert(abi.encodeWithSelector(IRecordRegistry.UploadNotAllowed.selector, lab.addr));
        registerVersion(lab.addr, labVersion(id, 1));
    }

    function test_RevertWhen_UploaderIsNotTheFirst() public {
        RecordId id = givenLabRecord();
        givenGrant(newWriteGrant(doctor.addr, ScopeKind.All, 0));
        vm.expectRevert(abi.encodeWithSelector(IRecordRegistry.UploadNotAllowed.selector, doctor.addr));
        registerVersion(doctor.addr, labVersion(id, 1));
    }

    function testFuzz_RevertWhen_VersionIsStale(uint16 replaced) public {
        vm.assume(replaced != 2);
        RecordId id = givenRecord();
        registerVersion(patient.addr, newVersion(id, 1));
        vm.expectRevert(abi.encodeWithSelector(IRecordRegistry.StaleVersion.selector, 2));
        registerVersion(patient.addr, newVersion(id, replaced));
    }

    function testFuzz_RevertWhen_VersionOfUnknownRecord(bytes32 id) public {
        vm.expectRevert(abi.encodeWithSelector(IRecordRegistry.UnknownRecord.selector, id));
        registerVersion(patient.addr, newVersion(RecordId.wrap(id), 0));
    }

    function test_RevertWhen_VersionOfTombstonedRecord() public {
        RecordId id = givenRecord();
        setStatus(patient.addr, id, RecordStatus.Tombstoned, 0);
        vm.expectRevert(abi.encodeWithSelector(IRecordRegistry.RecordIsTombstoned.selector, id));
        registerVersion(patient.addr, newVersion(id, 1));
    }

    function test_RegisterVersion_OfSupersededRecord() public {
        RecordId id = givenRecord();
        setStatus(patient.addr, id, RecordStatus.Superseded, 0);
        registerVersion(patient.addr, newVersion(id, 1));
        assertRecord(id, Record(patient.addr, START, LABORATORY, 2, RecordStatus.Superseded, RAW));
    }

    function testFuzz_RevertWhen_NewVersionIsOutOfRange(uint8 codec) public {
        vm.assume(codec != RAW && codec != DAG_PB);
        NewVersion memory version = newVersion(givenRecord(), 1);
        version.codec = codec;
        vm.expectRevert(IRecordRegistry.InvalidRecord.selector);
        registerVersion(patient.addr, version);
        version.codec = RAW;
        version.digest = 0;
        vm.expectRevert(IRecordRegistry.InvalidRecord.selector);
        registerVersion(patient.addr, version);
    }

    function test_RevertWhen_VersionIsTheLast() public {
        RecordId id = givenRecord();
        vm.record();
        records.recordOf(id);
        (bytes32[] memory reads,) = vm.accesses(address(records));
        bytes32 lastVersion = bytes32(uint256(type(uint16).max) << 216);
        vm.store(address(records), reads[0], vm.load(address(records), reads[0]) | lastVersion);
        assertEq(records.recordOf(id).version, type(uint16).max);
        vm.expectRevert(IRecordRegistry.InvalidRecord.selector);
        registerVersion(patient.addr, newVersion(id, type(uint16).max));
    }

    function test_SetRecordStatus_ByThePatient() public {
        RecordId id = givenLabRecord();
        vm.expectEmit();
        emit IRecordRegistry.RecordStatusChanged(id, patient.addr, RecordStatus.Superseded);
        setStatus(patient.addr, id, RecordStatus.Superseded, 0);
        vm.expectEmit();
        emit IRecordRegistry.RecordStatusChanged(id, patient.addr, RecordStatus.Tombstoned);
        setStatus(patient.addr, id, RecordStatus.Tombstoned, 0);
        assertRecord(id, Record(patient.addr, START, LABORATORY, 1, RecordStatus.Tombstoned, RAW));
    }

    function test_SetRecordStatus_Relayed() public {
        RecordId id = givenRecord();
        bytes32 message = Messages.setRecordStatus(patient.addr, id, RecordStatus.Tombstoned, 0, 1, DEADLINE);
        Authorization memory auth = sign(patient, records, message, 1, DEADLINE);
        vm.expectRevert(ISignedActions.InvalidSignature.selector);
        records.setRecordStatusBySig(patient.addr, id, RecordStatus.Superseded, 0, auth);
        records.setRecordStatusBySig(patient.addr, id, RecordStatus.Tombstoned, 0, auth);
        assertEq(uint8(records.recordOf(id).status), uint8(RecordStatus.Tombstoned));
    }

    function test_SetRecordStatus_ByTheFirstUploader() public {
        RecordId id = givenLabRecord();
        vm.prank(patient.addr);
        grants.revokeAll();
        setStatus(lab.addr, id, RecordStatus.Tombstoned, RECORD_SALT);
        assertEq(uint8(records.recordOf(id).status), uint8(RecordStatus.Tombstoned));
    }

    function testFuzz_RevertWhen_StatusCallerIsNeither(address caller, bytes32 salt) public {
        RecordId id = givenLabRecord();
        vm.assume(caller != patient.addr && !(caller == lab.addr && salt == RECORD_SALT));
        vm.expectRevert(abi.encodeWithSelector(IRecordRegistry.StatusChangeNotAllowed.selector, caller));
        setStatus(caller, id, RecordStatus.Tombstoned, salt);
        vm.expectRevert(abi.encodeWithSelector(IRecordRegistry.StatusChangeNotAllowed.selector, lab.addr));
        setStatus(lab.addr, id, RecordStatus.Tombstoned, 0);
    }

    function testFuzz_RevertWhen_StatusWouldNotMoveForward(uint8 from, uint8 to) public {
        RecordStatus current = RecordStatus(bound(from, 1, 3));
        RecordStatus next = RecordStatus(bound(to, 0, uint8(current)));
        RecordId id = givenRecord();
        if (current != RecordStatus.Active) setStatus(patient.addr, id, current, 0);
        vm.expectRevert(abi.encodeWithSelector(IRecordRegistry.InvalidStatus.selector, current));
        setStatus(patient.addr, id, next, 0);
    }

    function test_RevertWhen_StatusOfUnknownRecord() public {
        RecordId id = recordIdOf(patient.addr, RECORD_SALT);
        vm.expectRevert(abi.encodeWithSelector(IRecordRegistry.UnknownRecord.selector, id));
        setStatus(patient.addr, id, RecordStatus.Tombstoned, RECORD_SALT);
    }
}
