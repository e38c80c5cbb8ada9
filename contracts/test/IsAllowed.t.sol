// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {NewGrant, ScopeKind, Tag} from "../src/interfaces/IGrantRegistry.sol";
import {RecordId} from "../src/interfaces/IRecordRegistry.sol";
import {Purposes, Roles} from "../src/libraries/Codes.sol";
import {BaseTest} from "./BaseTest.sol";

/// @dev One test for each leaf of IsAllowed.tree. The doctor asks for a laboratory record that the patient uploaded.
contract IsAllowedTest is BaseTest {
    RecordId private id;
    Tag private tag;

    function setUp() public override {
        super.setUp();
        id = givenRecord();
        tag = tagOf(doctor.addr, READ_SALT);
    }

    function ask(address grantee, uint16 purpose, uint40 time) private view returns (bool allowed) {
        (allowed,,) = records.isAllowed(id, grantee, READ_SALT, purpose, time);
    }

    function assertPeriod(uint40 time, uint40 from, uint40 until) private view {
        (bool allowed, uint40 notBefore, uint40 notAfter) =
            records.isAllowed(id, doctor.addr, READ_SALT, Purposes.TREAT, time);
        assertEq(allowed, from != until);
        assertEq(notBefore, from);
        assertEq(notAfter, until);
    }

    function givenRead() private {
        givenGrant(newGrant(tag, ScopeKind.Record, RecordId.unwrap(id)));
    }

    function test_IsAllowed_ByEachScope() public {
        uint256 before = vm.snapshotState();
        givenRead();
        assertPeriod(START, START, START + 30 days);
        vm.revertToState(before);
        givenGrant(newGrant(tag, ScopeKind.Category, categoryId(LABORATORY)));
        assertPeriod(START, START, START + 30 days);
        vm.revertToState(before);
        givenGrant(newGrant(tag, ScopeKind.All, 0));
        assertPeriod(START, START, START + 30 days);
        vm.revertToState(before);
        givenGrant(newGrant(tag, ScopeKind.Category, categoryId(LABORATORY + 1)));
        givenGrant(newGrant(tag, ScopeKind.Record, keccak256("another record")));
        assertPeriod(START, 0, 0);
    }

    function testFuzz_IsAllowed_InThePeriodAlone(uint40 time) public {
        givenRead();
        bool inside = time >= START && time < START + 30 days;
        assertPeriod(time, inside ? START : 0, inside ? START + 30 days : 0);
    }

    function test_IsAllowed_NarrowestScopeNamesThePeriod() public {
        NewGrant memory made = newGrant(tag, ScopeKind.All, 0);
        made.notAfter = START + 3 days;
        givenGrant(made);
        made = newGrant(tag, ScopeKind.Category, categoryId(LABORATORY));
        made.notAfter = START + 2 days;
        givenGrant(made);
        made = newGrant(tag, ScopeKind.Record, RecordId.unwrap(id));
        made.notAfter = START + 1 days;
        givenGrant(made);
        assertPeriod(START, START, START + 1 days);
        assertPeriod(START + 1 days, START, START + 2 days);
        assertPeriod(START + 2 days, START, START + 3 days);
        assertPeriod(START + 3 days, 0, 0);
    }

    function testFuzz_IsAllowed_NamesTheIntersection(uint40 from, uint40 until) public {
        from = uint40(bound(from, 0, START));
        until = uint40(bound(until, START + 1, LAST_TIME));
        vm.prank(clinic.addr);
        accreditation.accredit(doctor.addr, Roles.DOCTOR, from, until, 1, 1);
        NewGrant memory made = newGrant(tag, ScopeKind.All, 0);
        made.notBefore = START - 1 days;
        givenGrant(made);
        assertPeriod(
            START, from > START - 1 days ? from : START - 1 days, until < START + 30 days ? until : START + 30 days
        );
    }

    function test_IsAllowed_SupersededRecord() public {
        givenRead();
        vm.prank(patient.addr);
        records.supersede(id, 1);
        assertTrue(ask(doctor.addr, Purposes.TREAT, START));
    }

    function testFuzz_IsAllowed_NotForAnotherPurpose(uint16 purposes, uint16 purpose) public {
        NewGrant memory made = newGrant(tag, ScopeKind.All, 0);
        made.purposes = uint16(bound(purposes, 1, Purposes.ALL));
        givenGrant(made);
        bool isOne = purpose != 0 && purpose & (purpose - 1) == 0;
        assertEq(ask(doctor.addr, purpose, START), isOne && made.purposes & purpose != 0);
        assertFalse(ask(doctor.addr, 0, START));
        for (uint16 bit = 1; bit != 0; bit <<= 1) {
            assertEq(ask(doctor.addr, bit, START), made.purposes & bit != 0);
        }
    }

    function testFuzz_IsAllowed_NotForWhoCannotOpenTheTag(address grantee, bytes32 salt) public {
        givenRead();
        vm.assume(salt != READ_SALT);
        (bool allowed,,) = records.isAllowed(id, doctor.addr, salt, Purposes.TREAT, START);
        assertFalse(allowed);
        if (grantee != doctor.addr) assertFalse(ask(grantee, Purposes.TREAT, START));
        assertFalse(ask(lab.addr, Purposes.TREAT, START));
    }

    function test_IsAllowed_NotForTombstonedRecord() public {
        givenRead();
        assertTrue(ask(doctor.addr, Purposes.TREAT, START));
        vm.prank(patient.addr);
        records.tombstone(id);
        assertPeriod(START, 0, 0);
    }

    function test_IsAllowed_AgainOnceTheTombstoneIsLifted() public {
        givenRead();
        vm.startPrank(patient.addr);
        records.tombstone(id);
        records.liftTombstone(id, 1);
        vm.stopPrank();
        assertPeriod(START, START, START + 30 days);
    }

    function test_IsAllowed_NotByAGrantThatWasRevokedWhileTombstoned() public {
        givenRead();
        vm.startPrank(patient.addr);
        records.tombstone(id);
        grants.revokeAll();
        records.liftTombstone(id, 1);
        vm.stopPrank();
        assertPeriod(START, 0, 0);
    }

    function test_IsAllowed_RetractedRecord() public {
        id = givenLabRecord();
        givenGrant(newGrant(tag, ScopeKind.All, 0));
        vm.prank(lab.addr);
        records.retract(id, 1, RECORD_SALT, WRITE_SALT);
        assertTrue(ask(doctor.addr, Purposes.TREAT, START));
    }

    function test_IsAllowed_NotAfterRevocation() public {
        givenRead();
        uint256 before = vm.snapshotState();
        vm.prank(patient.addr);
        grants.revoke(refOf(tag, ScopeKind.Record, RecordId.unwrap(id)));
        assertPeriod(START, 0, 0);
        vm.revertToState(before);
        vm.prank(patient.addr);
        grants.revokeAll();
        assertPeriod(START, 0, 0);
    }

    function testFuzz_IsAllowed_NotWithoutAccreditation(uint8 bit) public {
        uint16 purpose = uint16(1 << bound(bit, 0, 9));
        bool isForFamily = purpose == Purposes.FAMRQT || purpose == Purposes.PATRQT;
        NewGrant memory made = newGrant(tag, ScopeKind.All, 0);
        made.purposes = Purposes.ALL;
        givenGrant(made);
        made = newGrant(tagOf(sister.addr, READ_SALT), ScopeKind.All, 0);
        made.purposes = Purposes.ALL;
        givenGrant(made);

        assertTrue(ask(doctor.addr, purpose, START));
        assertEq(ask(sister.addr, purpose, START), isForFamily);
        uint256 before = vm.snapshotState();
        vm.prank(clinic.addr);
        accreditation.suspend(doctor.addr);
        assertEq(ask(doctor.addr, purpose, START), isForFamily);
        vm.revertToState(before);
        vm.prank(owner.addr);
        accreditation.removeAccreditor(clinic.addr);
        assertEq(ask(doctor.addr, purpose, START), isForFamily);
        vm.prank(owner.addr);
        accreditation.addAccreditor(clinic.addr, 2);
        assertEq(ask(doctor.addr, purpose, START), isForFamily);
    }

    function test_IsAllowed_FamilyNeedsNoAccreditation() public {
        NewGrant memory made = newGrant(tagOf(sister.addr, READ_SALT), ScopeKind.All, 0);
        made.purposes = Purposes.FAMRQT | Purposes.PATRQT;
        givenGrant(made);
        assertTrue(ask(sister.addr, Purposes.FAMRQT, START));
        assertTrue(ask(sister.addr, Purposes.PATRQT, START));
        (, uint40 notBefore, uint40 notAfter) = records.isAllowed(id, sister.addr, READ_SALT, Purposes.FAMRQT, START);
        assertEq(notBefore, made.notBefore);
        assertEq(notAfter, made.notAfter);
    }

    function test_IsAllowed_NotOutsideTheAccreditation() public {
        NewGrant memory made = newGrant(tag, ScopeKind.All, 0);
        made.notBefore = 0;
        made.notAfter = type(uint40).max;
        givenGrant(made);
        assertPeriod(VALID_FROM - 1, 0, 0);
        assertPeriod(VALID_FROM, VALID_FROM, VALID_UNTIL);
        assertPeriod(VALID_UNTIL, 0, 0);
    }

    function test_IsAllowed_NotByWrite() public {
        NewGrant memory made = newWriteGrant(doctor.addr, ScopeKind.All, 0);
        made.tag = tag;
        made.purposes = Purposes.TREAT;
        givenGrant(made);
        assertPeriod(START, 0, 0);
    }

    function test_IsAllowed_NotByAnotherPatientsGrant() public {
        vm.prank(stranger.addr);
        grants.grant(newGrant(tag, ScopeKind.Record, RecordId.unwrap(id)));
        vm.prank(stranger.addr);
        grants.grant(newGrant(tag, ScopeKind.All, 0));
        assertPeriod(START, 0, 0);
    }

    function testFuzz_IsAllowed_NotForUnknownRecord(
        bytes32 record,
        address grantee,
        bytes32 salt,
        uint16 purpose,
        uint40 time
    ) public {
        givenGrant(newGrant(tag, ScopeKind.All, 0));
        vm.assume(record != RecordId.unwrap(id));
        (bool allowed, uint40 notBefore, uint40 notAfter) =
            records.isAllowed(RecordId.wrap(record), grantee, salt, purpose, time);
        assertFalse(allowed);
        assertEq(uint256(notBefore) + notAfter, 0);
    }
}
