// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {NewGrant, ScopeKind, Tag} from "../src/interfaces/IGrantRegistry.sol";
import {
    IRecordRegistry,
    NewRecord,
    NewVersion,
    Record,
    RecordId,
    RecordStatus,
    Tombstone
} from "../src/interfaces/IRecordRegistry.sol";
import {Authorization, ISignedActions} from "../src/interfaces/ISignedActions.sol";
import {Roles} from "../src/libraries/Codes.sol";
import {BaseTest} from "./BaseTest.sol";
import {Messages} from "./Messages.sol";

/// @dev One test for each leaf of RecordRegistry.tree.
contract RecordRegistryTest is BaseTest {
    uint256 private constant DEADLINE = START + 1 hours;
    /// @dev A deadline for messages that are held back for a long time.
    uint256 private constant MONTH = START + 30 days;
    uint8 private constant DAG_PB = 0x70;

    function register(address uploader, NewRecord memory record) private {
        vm.prank(uploader);
        records.registerRecord(record);
    }

    function registerVersion(address uploader, NewVersion memory version) private {
        vm.prank(uploader);
        records.registerVersion(version);
    }

    function tombstone(RecordId id) private {
        vm.prank(patient.addr);
        records.tombstone(id);
    }

    function retract(address uploader, RecordId id, uint16 version) private {
        vm.prank(uploader);
        records.retract(id, version, RECORD_SALT, WRITE_SALT);
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
        assertRecord(id, Record(who, START, category, 1, RecordStatus.Active, record.codec, 0));
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
        assertRecord(id, Record(patient.addr, START, LABORATORY, 1, RecordStatus.Active, RAW, 0));

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
        accreditation.accredit(stranger.addr, roles, VALID_FROM, VALID_UNTIL, 0, 1);
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
        tombstone(id);
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
        assertRecord(id, Record(patient.addr, START, LABORATORY, 2, RecordStatus.Active, DAG_PB, 0));
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

    function test_RevertWhen_FirstUploaderLostAccreditation() public {
        RecordId id = givenLabRecord();
        vm.prank(clinic.addr);
        accreditation.suspend(lab.addr);
        vm.expectRevert(abi.encodeWithSelector(IRecordRegistry.UploadNotAllowed.selector, lab.addr));
        registerVersion(lab.addr, labVersion(id, 1));
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
        tombstone(id);
        vm.expectRevert(abi.encodeWithSelector(IRecordRegistry.RecordIsTombstoned.selector, id));
        registerVersion(patient.addr, newVersion(id, 1));
    }

    function test_RegisterVersion_OfSupersededRecord() public {
        RecordId id = givenRecord();
        vm.prank(patient.addr);
        records.supersede(id, 1);
        registerVersion(patient.addr, newVersion(id, 1));
        assertRecord(id, Record(patient.addr, START, LABORATORY, 2, RecordStatus.Superseded, RAW, 0));
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

    function assertStatus(RecordId id, RecordStatus status, uint32 epoch, uint40 liftableUntil) private view {
        assertEq(uint8(records.recordOf(id).status), uint8(status));
        Tombstone memory stored = records.tombstoneOf(id);
        assertEq(stored.epoch, epoch);
        assertEq(stored.liftableUntil, liftableUntil);
    }

    function expectStatus(RecordId id, RecordStatus status, uint32 epoch, uint40 liftableUntil) private {
        vm.expectEmit();
        emit IRecordRegistry.RecordStatusChanged(id, patient.addr, status, epoch, liftableUntil);
    }

    function testFuzz_Constructor_TakesALiftPeriodOfASecondToAYear(uint40 period) public {
        bool isInRange = period > 0 && period <= 365 days;
        if (!isInRange) vm.expectRevert(IRecordRegistry.InvalidLiftPeriod.selector);
        address deployed = deployCode("RecordRegistry.sol", abi.encode(grants, accreditation, period));
        if (isInRange) assertEq(IRecordRegistry(deployed).LIFT_PERIOD(), period);
    }

    function test_Supersede_ByThePatient() public {
        RecordId id = givenLabRecord();
        expectStatus(id, RecordStatus.Superseded, 0, 0);
        vm.prank(patient.addr);
        records.supersede(id, 1);
        assertRecord(id, Record(patient.addr, START, LABORATORY, 1, RecordStatus.Superseded, RAW, 0));
    }

    function test_Supersede_Relayed() public {
        RecordId id = givenRecord();
        Authorization memory auth =
            sign(patient, records, Messages.supersede(patient.addr, id, 1, 1, DEADLINE), 1, DEADLINE);
        records.supersedeBySig(patient.addr, id, 1, auth);
        assertStatus(id, RecordStatus.Superseded, 0, 0);
    }

    function test_RevertWhen_SupersedeWasSignedBeforeANewVersion() public {
        RecordId id = givenRecord();
        Authorization memory auth =
            sign(patient, records, Messages.supersede(patient.addr, id, 1, 1, DEADLINE), 1, DEADLINE);
        registerVersion(patient.addr, newVersion(id, 1));
        vm.expectRevert(abi.encodeWithSelector(IRecordRegistry.StaleVersion.selector, 2));
        records.supersedeBySig(patient.addr, id, 1, auth);
    }

    function test_RevertWhen_SupersedingWhatIsNotActive() public {
        RecordId id = givenRecord();
        vm.startPrank(patient.addr);
        records.supersede(id, 1);
        vm.expectRevert(abi.encodeWithSelector(IRecordRegistry.InvalidStatus.selector, RecordStatus.Superseded));
        records.supersede(id, 1);
        records.tombstone(id);
        vm.expectRevert(abi.encodeWithSelector(IRecordRegistry.InvalidStatus.selector, RecordStatus.Tombstoned));
        records.supersede(id, 1);
    }

    function test_Tombstone_ByThePatient() public {
        RecordId id = givenLabRecord();
        uint256 before = vm.snapshotState();
        expectStatus(id, RecordStatus.Tombstoned, 1, START + LIFT_PERIOD);
        tombstone(id);
        assertStatus(id, RecordStatus.Tombstoned, 1, START + LIFT_PERIOD);
        assertRecord(id, Record(patient.addr, START, LABORATORY, 1, RecordStatus.Tombstoned, RAW, 0));
        vm.revertToState(before);
        vm.prank(patient.addr);
        records.supersede(id, 1);
        tombstone(id);
        assertStatus(id, RecordStatus.Tombstoned, 1, START + LIFT_PERIOD);
    }

    function test_Tombstone_Relayed() public {
        RecordId id = givenRecord();
        Authorization memory auth = signTombstone(id, 0);
        vm.expectRevert(ISignedActions.InvalidSignature.selector);
        records.tombstoneBySig(patient.addr, recordIdOf(lab.addr, RECORD_SALT), 0, auth);
        expectStatus(id, RecordStatus.Tombstoned, 1, START + LIFT_PERIOD);
        records.tombstoneBySig(patient.addr, id, 0, auth);
        assertStatus(id, RecordStatus.Tombstoned, 1, START + LIFT_PERIOD);
    }

    function test_Tombstone_RelayedAgainAfterALift() public {
        RecordId id = givenRecord();
        tombstone(id);
        vm.prank(patient.addr);
        records.liftTombstone(id, 1);
        records.tombstoneBySig(patient.addr, id, 2, signTombstone(id, 2));
        assertStatus(id, RecordStatus.Tombstoned, 3, START + LIFT_PERIOD);
    }

    function signTombstone(RecordId id, uint32 epoch) private returns (Authorization memory) {
        uint256 nonce = 100 + uint256(epoch);
        return sign(patient, records, Messages.tombstone(patient.addr, id, epoch, nonce, MONTH), nonce, MONTH);
    }

    function test_RevertWhen_TombstoneWasSignedBeforeALift() public {
        // Held back from before the patient closed the record, from while it was closed, and from after it was opened.
        RecordId id = givenRecord();
        Authorization memory first = signTombstone(id, 0);
        tombstone(id);
        Authorization memory second = signTombstone(id, 1);
        vm.prank(patient.addr);
        records.liftTombstone(id, 1);
        bytes memory stale = abi.encodeWithSelector(IRecordRegistry.StaleTombstone.selector, 2);
        vm.expectRevert(stale);
        records.tombstoneBySig(patient.addr, id, 0, first);
        vm.expectRevert(stale);
        records.tombstoneBySig(patient.addr, id, 1, second);
        assertStatus(id, RecordStatus.Active, 2, 0);
    }

    function testFuzz_RevertWhen_TombstoneNamesAnotherEpoch(uint32 epoch) public {
        vm.assume(epoch != 2);
        RecordId id = givenRecord();
        tombstone(id);
        vm.prank(patient.addr);
        records.liftTombstone(id, 1);
        Authorization memory auth = signTombstone(id, epoch);
        vm.expectRevert(abi.encodeWithSelector(IRecordRegistry.StaleTombstone.selector, 2));
        records.tombstoneBySig(patient.addr, id, epoch, auth);
    }

    function test_RevertWhen_ASecondSignedTombstoneWouldEndALift() public {
        // Two messages for one tombstone. The second one is held back until the last second in which the patient can
        // lift it.
        RecordId id = givenRecord();
        bytes32 again = Messages.tombstone(patient.addr, id, 0, 7, MONTH);
        Authorization memory second = sign(patient, records, again, 7, MONTH);
        records.tombstoneBySig(patient.addr, id, 0, signTombstone(id, 0));
        Authorization memory third = signTombstone(id, 1);
        vm.warp(START + LIFT_PERIOD - 1);
        vm.expectRevert(abi.encodeWithSelector(IRecordRegistry.StaleTombstone.selector, 1));
        records.tombstoneBySig(patient.addr, id, 0, second);
        vm.expectRevert(abi.encodeWithSelector(IRecordRegistry.RecordIsTombstoned.selector, id));
        records.tombstoneBySig(patient.addr, id, 1, third);
        vm.prank(patient.addr);
        records.liftTombstone(id, 1);
        assertStatus(id, RecordStatus.Active, 2, 0);
    }

    function testFuzz_Tombstone_AgainRaisesTheEpochAndNothingElse(uint8 times, uint40 later) public {
        RecordId id = givenRecord();
        tombstone(id);
        for (uint32 i = 0; i < times; ++i) {
            vm.warp(block.timestamp + later % 30 days);
            expectStatus(id, RecordStatus.Tombstoned, i + 2, START + LIFT_PERIOD);
            tombstone(id);
        }
        assertStatus(id, RecordStatus.Tombstoned, 1 + uint32(times), START + LIFT_PERIOD);
    }

    function test_Tombstone_LastEpochDoesNotWrap() public {
        RecordId id = givenRecord();
        tombstone(id);
        vm.record();
        records.tombstoneOf(id);
        (bytes32[] memory reads,) = vm.accesses(address(records));
        uint256 word = uint256(vm.load(address(records), reads[0])) & ~(uint256(type(uint32).max) << 40);
        vm.store(address(records), reads[0], bytes32(word | uint256(type(uint32).max - 1) << 40));
        uint256 before = vm.snapshotState();
        tombstone(id);
        tombstone(id);
        assertNoLiftInTheLastEpoch(id);
        // A lift into the last epoch is refused too, because a message of that epoch could always close the record
        // again.
        vm.revertToState(before);
        vm.prank(patient.addr);
        records.liftTombstone(id, type(uint32).max - 1);
        assertStatus(id, RecordStatus.Active, type(uint32).max, 0);
        records.tombstoneBySig(patient.addr, id, type(uint32).max, signTombstone(id, type(uint32).max));
        assertNoLiftInTheLastEpoch(id);
    }

    function assertNoLiftInTheLastEpoch(RecordId id) private {
        assertStatus(id, RecordStatus.Tombstoned, type(uint32).max, START + LIFT_PERIOD);
        vm.expectRevert(abi.encodeWithSelector(IRecordRegistry.InvalidStatus.selector, RecordStatus.Tombstoned));
        vm.prank(patient.addr);
        records.liftTombstone(id, type(uint32).max);
    }

    function testFuzz_LiftTombstone_LeadsBackToWhereItStood(bool isSuperseded, uint40 later) public {
        RecordId id = givenLabRecord();
        retract(lab.addr, id, 1);
        vm.startPrank(patient.addr);
        if (isSuperseded) records.supersede(id, 1);
        records.tombstone(id);
        vm.warp(START + bound(later, 0, LIFT_PERIOD - 1));
        RecordStatus before = isSuperseded ? RecordStatus.Superseded : RecordStatus.Active;
        expectStatus(id, before, 2, 0);
        records.liftTombstone(id, 1);
        assertStatus(id, before, 2, 0);
        assertRecord(id, Record(patient.addr, START, LABORATORY, 1, before, RAW, 1));
    }

    function test_LiftTombstone_Relayed() public {
        RecordId id = givenRecord();
        tombstone(id);
        Authorization memory auth =
            sign(patient, records, Messages.liftTombstone(patient.addr, id, 1, 1, DEADLINE), 1, DEADLINE);
        records.liftTombstoneBySig(patient.addr, id, 1, auth);
        assertStatus(id, RecordStatus.Active, 2, 0);
    }

    function testFuzz_RevertWhen_LiftingAfterThePeriod(uint40 later) public {
        RecordId id = givenRecord();
        tombstone(id);
        // Tombstoning again in the last second does not buy time.
        vm.warp(START + LIFT_PERIOD - 1);
        tombstone(id);
        vm.warp(START + bound(later, LIFT_PERIOD, 1000 days));
        vm.expectRevert(abi.encodeWithSelector(IRecordRegistry.LiftPeriodOver.selector, START + LIFT_PERIOD));
        vm.prank(patient.addr);
        records.liftTombstone(id, 2);
    }

    function testFuzz_RevertWhen_LiftWasSignedForAnotherTombstone(uint32 epoch, bool wasLifted) public {
        uint32 current = wasLifted ? 3 : 2;
        vm.assume(epoch != current);
        RecordId id = givenRecord();
        vm.startPrank(patient.addr);
        records.tombstone(id);
        // Both in one second, so the two tombstones cannot be distinguished by time.
        if (wasLifted) records.liftTombstone(id, 1);
        records.tombstone(id);
        vm.expectRevert(abi.encodeWithSelector(IRecordRegistry.StaleTombstone.selector, current));
        records.liftTombstone(id, epoch);
    }

    function test_RevertWhen_LiftWasSignedBeforeTheRecordWasTombstonedAgain() public {
        // The patient signed a lift, then changed their mind. The relayer still has the first message.
        RecordId id = givenRecord();
        tombstone(id);
        Authorization memory auth =
            sign(patient, records, Messages.liftTombstone(patient.addr, id, 1, 1, DEADLINE), 1, DEADLINE);
        tombstone(id);
        vm.expectRevert(abi.encodeWithSelector(IRecordRegistry.StaleTombstone.selector, 2));
        records.liftTombstoneBySig(patient.addr, id, 1, auth);
        assertStatus(id, RecordStatus.Tombstoned, 2, START + LIFT_PERIOD);
    }

    function testFuzz_RevertWhen_LiftingWhatIsNotTombstoned(bool wasLifted) public {
        RecordId id = givenRecord();
        vm.startPrank(patient.addr);
        if (wasLifted) {
            records.tombstone(id);
            records.liftTombstone(id, 1);
        }
        vm.expectRevert(abi.encodeWithSelector(IRecordRegistry.InvalidStatus.selector, RecordStatus.Active));
        records.liftTombstone(id, wasLifted ? 2 : 0);
    }

    function testFuzz_RevertWhen_StatusCallerIsNotThePatient(address caller) public {
        // The first uploader cannot do it either, with any permission.
        RecordId id = givenLabRecord();
        vm.assume(caller != patient.addr);
        assertOnlyThePatient(id, caller);
        assertOnlyThePatient(id, lab.addr);
    }

    function assertOnlyThePatient(RecordId id, address caller) private {
        bytes memory refused = abi.encodeWithSelector(IRecordRegistry.NotItsPatient.selector, caller);
        uint256 before = vm.snapshotState();
        vm.startPrank(caller);
        vm.expectRevert(refused);
        records.supersede(id, 1);
        vm.expectRevert(refused);
        records.tombstone(id);
        vm.stopPrank();
        tombstone(id);
        vm.expectRevert(refused);
        vm.prank(caller);
        records.liftTombstone(id, 1);
        vm.revertToState(before);
    }

    function test_RevertWhen_StatusOfUnknownRecord() public {
        RecordId id = recordIdOf(patient.addr, RECORD_SALT);
        bytes memory refused = abi.encodeWithSelector(IRecordRegistry.UnknownRecord.selector, id);
        vm.startPrank(patient.addr);
        vm.expectRevert(refused);
        records.supersede(id, 0);
        vm.expectRevert(refused);
        records.tombstone(id);
        vm.expectRevert(refused);
        records.liftTombstone(id, 0);
        vm.expectRevert(refused);
        records.retract(id, 1, RECORD_SALT, 0);
    }

    function test_Retract_ByTheFirstUploader() public {
        RecordId id = givenLabRecord();
        vm.expectEmit();
        emit IRecordRegistry.RecordRetracted(id, patient.addr, lab.addr, 1);
        retract(lab.addr, id, 1);
        assertRecord(id, Record(patient.addr, START, LABORATORY, 1, RecordStatus.Active, RAW, 1));
    }

    function test_Retract_Relayed() public {
        RecordId id = givenLabRecord();
        bytes32 message = Messages.retract(lab.addr, id, 1, RECORD_SALT, WRITE_SALT, 1, DEADLINE);
        Authorization memory auth = sign(lab, records, message, 1, DEADLINE);
        records.retractBySig(lab.addr, id, 1, RECORD_SALT, WRITE_SALT, auth);
        assertEq(records.recordOf(id).retracted, 1);
    }

    function test_Retract_DoesNotMeanALaterVersion() public {
        // The relayer holds back the retraction of version 1 until the corrected version 2 is registered.
        RecordId id = givenLabRecord();
        bytes32 message = Messages.retract(lab.addr, id, 1, RECORD_SALT, WRITE_SALT, 1, DEADLINE);
        Authorization memory auth = sign(lab, records, message, 1, DEADLINE);
        registerVersion(lab.addr, labVersion(id, 1));
        records.retractBySig(lab.addr, id, 1, RECORD_SALT, WRITE_SALT, auth);
        assertRecord(id, Record(patient.addr, START, LABORATORY, 2, RecordStatus.Active, RAW, 1));
        retract(lab.addr, id, 2);
        registerVersion(lab.addr, labVersion(id, 2));
        assertRecord(id, Record(patient.addr, START, LABORATORY, 3, RecordStatus.Active, RAW, 2));
    }

    function testFuzz_RevertWhen_RetractedVersionIsOutOfRange(uint16 version) public {
        RecordId id = givenLabRecord();
        registerVersion(lab.addr, labVersion(id, 1));
        registerVersion(lab.addr, labVersion(id, 2));
        retract(lab.addr, id, 1);
        vm.assume(version < 2 || version > 3);
        vm.expectRevert(abi.encodeWithSelector(IRecordRegistry.InvalidRetraction.selector, 1, 3));
        retract(lab.addr, id, version);
    }

    function testFuzz_RevertWhen_RetractingIsNotTheUploaders(address caller, bytes32 salt) public {
        RecordId id = givenLabRecord();
        vm.assume(!(caller == lab.addr && salt == RECORD_SALT));
        vm.expectRevert(abi.encodeWithSelector(IRecordRegistry.NotItsUploader.selector, caller));
        vm.prank(caller);
        records.retract(id, 1, salt, WRITE_SALT);
        vm.expectRevert(abi.encodeWithSelector(IRecordRegistry.NotItsUploader.selector, lab.addr));
        vm.prank(lab.addr);
        records.retract(id, 1, 0, WRITE_SALT);
        id = givenRecord();
        vm.expectRevert(abi.encodeWithSelector(IRecordRegistry.NotItsUploader.selector, patient.addr));
        retract(patient.addr, id, 1);
    }

    function test_RevertWhen_RetractingAfterAuthorityHasEnded() public {
        RecordId id = givenLabRecord();
        uint256 before = vm.snapshotState();
        vm.prank(patient.addr);
        grants.revoke(refOf(tagOf(lab.addr, WRITE_SALT), ScopeKind.Category, categoryId(LABORATORY)));
        assertRetractionRefused(id);
        vm.revertToState(before);
        vm.prank(patient.addr);
        grants.revokeAll();
        assertRetractionRefused(id);
        vm.revertToState(before);
        vm.warp(START + 30 days);
        assertRetractionRefused(id);
        vm.revertToState(before);
        vm.prank(clinic.addr);
        accreditation.suspend(lab.addr);
        assertRetractionRefused(id);
        vm.revertToState(before);
        vm.startPrank(owner.addr);
        accreditation.removeAccreditor(clinic.addr);
        vm.stopPrank();
        assertRetractionRefused(id);
        vm.prank(owner.addr);
        accreditation.addAccreditor(clinic.addr, 2);
        assertRetractionRefused(id);
    }

    function assertRetractionRefused(RecordId id) private {
        vm.expectRevert(abi.encodeWithSelector(IRecordRegistry.UploadNotAllowed.selector, lab.addr));
        retract(lab.addr, id, 1);
    }

    function test_RevertWhen_RetractingATombstonedRecord() public {
        RecordId id = givenLabRecord();
        tombstone(id);
        vm.expectRevert(abi.encodeWithSelector(IRecordRegistry.RecordIsTombstoned.selector, id));
        retract(lab.addr, id, 1);
    }
}
