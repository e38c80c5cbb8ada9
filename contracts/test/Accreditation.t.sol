// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IAccreditation, Practitioner} from "../src/interfaces/IAccreditation.sol";
import {Authorization, ISignedActions} from "../src/interfaces/ISignedActions.sol";
import {Roles} from "../src/libraries/Codes.sol";
import {BaseTest} from "./BaseTest.sol";
import {Messages} from "./Messages.sol";

/// @dev One test for each leaf of Accreditation.tree.
contract AccreditationTest is BaseTest {
    uint256 private constant DEADLINE = START + 1 hours;

    function isAccreditedNow(address practitioner) private view returns (bool accredited) {
        (accredited,,) = accreditation.isAccredited(practitioner, Roles.ANY, uint40(block.timestamp));
    }

    function test_Constructor_NamesTheOwner() public {
        vm.expectEmit();
        emit IAccreditation.OwnershipTransferred(address(0), stranger.addr);
        address deployed = deployCode("Accreditation.sol", abi.encode(stranger.addr));
        assertEq(IAccreditation(deployed).owner(), stranger.addr);
    }

    function test_RevertWhen_OwnerIsZero() public {
        vm.expectRevert(abi.encodeWithSelector(IAccreditation.NotOwner.selector, address(0)));
        deployCode("Accreditation.sol", abi.encode(address(0)));
    }

    function test_AddAccreditor_StoresAndEmits() public {
        assertEq(accreditation.accreditorEpochOf(stranger.addr), 0);
        vm.expectEmit();
        emit IAccreditation.AccreditorSet(stranger.addr, true, 1);
        vm.prank(owner.addr);
        accreditation.addAccreditor(stranger.addr, 0);
        assertTrue(accreditation.isAccreditor(stranger.addr));
        assertEq(accreditation.accreditorEpochOf(stranger.addr), 1);
    }

    function testFuzz_AddAccreditor_PractitionersDoNotComeBack(uint8 removals) public {
        removals = uint8(bound(removals, 1, 5));
        vm.startPrank(owner.addr);
        for (uint256 i = 0; i < removals; ++i) {
            accreditation.removeAccreditor(clinic.addr);
        }
        accreditation.addAccreditor(clinic.addr, 1 + removals);
        vm.stopPrank();
        assertTrue(accreditation.isAccreditor(clinic.addr));
        assertFalse(isAccreditedNow(doctor.addr));
        assertFalse(isAccreditedNow(lab.addr));
        // Only a new accreditation makes it valid again.
        vm.prank(clinic.addr);
        accreditation.accredit(doctor.addr, Roles.DOCTOR, VALID_FROM, VALID_UNTIL, 1, 2 + removals);
        assertTrue(isAccreditedNow(doctor.addr));
        assertFalse(isAccreditedNow(lab.addr));
    }

    function test_AddAccreditor_AgainWhileActiveBeginsAnew() public {
        vm.prank(owner.addr);
        accreditation.addAccreditor(clinic.addr, 1);
        assertFalse(isAccreditedNow(doctor.addr));
    }

    function test_AddAccreditor_Relayed() public {
        bytes32 message = Messages.addAccreditor(owner.addr, stranger.addr, 0, 3, DEADLINE);
        accreditation.addAccreditorBySig(stranger.addr, 0, sign(owner, accreditation, message, 3, DEADLINE));
        assertTrue(accreditation.isAccreditor(stranger.addr));
    }

    function testFuzz_RevertWhen_AddNamesAnotherEpoch(uint32 epoch) public {
        vm.assume(epoch != 1);
        vm.expectRevert(abi.encodeWithSelector(IAccreditation.StaleAccreditorEpoch.selector, 1));
        vm.prank(owner.addr);
        accreditation.addAccreditor(clinic.addr, epoch);
    }

    function testFuzz_RevertWhen_AddWasSignedBeforeRemove(bool wasActive) public {
        // The owner signed the addition, then changed its mind. The relayer still has the first message.
        address who = wasActive ? clinic.addr : stranger.addr;
        uint32 epoch = accreditation.accreditorEpochOf(who);
        bytes32 message = Messages.addAccreditor(owner.addr, who, epoch, 3, DEADLINE);
        Authorization memory auth = sign(owner, accreditation, message, 3, DEADLINE);
        vm.prank(owner.addr);
        accreditation.removeAccreditor(who);
        vm.expectRevert(abi.encodeWithSelector(IAccreditation.StaleAccreditorEpoch.selector, epoch + 1));
        accreditation.addAccreditorBySig(who, epoch, auth);
        assertFalse(accreditation.isAccreditor(who));
    }

    function testFuzz_RevertWhen_AddCallerIsNotOwner(address caller) public {
        vm.assume(caller != owner.addr);
        vm.expectRevert(abi.encodeWithSelector(IAccreditation.NotOwner.selector, caller));
        vm.prank(caller);
        accreditation.addAccreditor(caller, 0);
    }

    function test_RevertWhen_FormerOwnerSigned() public {
        Authorization memory add =
            sign(owner, accreditation, Messages.addAccreditor(owner.addr, stranger.addr, 0, 3, DEADLINE), 3, DEADLINE);
        Authorization memory remove =
            sign(owner, accreditation, Messages.removeAccreditor(owner.addr, clinic.addr, 4, DEADLINE), 4, DEADLINE);
        vm.prank(owner.addr);
        accreditation.transferOwnership(sister.addr);
        vm.prank(sister.addr);
        accreditation.acceptOwnership();
        vm.expectRevert(ISignedActions.InvalidSignature.selector);
        accreditation.addAccreditorBySig(stranger.addr, 0, add);
        vm.expectRevert(ISignedActions.InvalidSignature.selector);
        accreditation.removeAccreditorBySig(clinic.addr, remove);
    }

    function test_RemoveAccreditor_PractitionersFollow() public {
        assertTrue(isAccreditedNow(doctor.addr));
        vm.expectEmit();
        emit IAccreditation.AccreditorSet(clinic.addr, false, 2);
        vm.prank(owner.addr);
        accreditation.removeAccreditor(clinic.addr);
        assertFalse(accreditation.isAccreditor(clinic.addr));
        assertFalse(isAccreditedNow(doctor.addr));
        assertFalse(isAccreditedNow(lab.addr));
    }

    function testFuzz_RemoveAccreditor_RaisesTheEpochWhereNoneStands(address who, uint8 times) public {
        uint32 epoch = accreditation.accreditorEpochOf(who);
        vm.startPrank(owner.addr);
        for (uint256 i = 0; i < times; ++i) {
            accreditation.removeAccreditor(who);
        }
        assertEq(accreditation.accreditorEpochOf(who), epoch + times);
        assertEq(accreditation.isAccreditor(who), times == 0 && epoch != 0);
    }

    function test_RemoveAccreditor_Relayed() public {
        bytes32 message = Messages.removeAccreditor(owner.addr, clinic.addr, 3, DEADLINE);
        accreditation.removeAccreditorBySig(clinic.addr, sign(owner, accreditation, message, 3, DEADLINE));
        assertFalse(accreditation.isAccreditor(clinic.addr));
    }

    function testFuzz_RevertWhen_RemoveCallerIsNotOwner(address caller) public {
        vm.assume(caller != owner.addr);
        vm.expectRevert(abi.encodeWithSelector(IAccreditation.NotOwner.selector, caller));
        vm.prank(caller);
        accreditation.removeAccreditor(clinic.addr);
    }

    function test_Accreditor_LastEpochDoesNotWrap() public {
        // The word of an active accreditor in the epoch before the last one.
        uint256 word = uint256(type(uint32).max - 1) << 1 | 1;
        vm.store(address(accreditation), keccak256(abi.encode(clinic.addr, accreditorsSlot())), bytes32(word));
        assertEq(accreditation.accreditorEpochOf(clinic.addr), type(uint32).max - 1);
        vm.startPrank(owner.addr);
        accreditation.removeAccreditor(clinic.addr);
        accreditation.removeAccreditor(clinic.addr);
        assertEq(accreditation.accreditorEpochOf(clinic.addr), type(uint32).max);
        assertFalse(accreditation.isAccreditor(clinic.addr));
        vm.expectRevert(IAccreditation.InvalidAccreditation.selector);
        accreditation.addAccreditor(clinic.addr, type(uint32).max);
    }

    function testFuzz_Accredit_StoresAndEmits(address who, uint8 roles, uint40 from, uint40 until) public {
        vm.assume(who != doctor.addr && who != lab.addr);
        roles = uint8(bound(roles, 1, Roles.ALL));
        from = uint40(bound(from, 0, LAST_TIME - 1));
        until = uint40(bound(until, from + 1, LAST_TIME));
        vm.expectEmit();
        emit IAccreditation.Accredited(clinic.addr, who, roles, from, until, 1, 1);
        vm.prank(clinic.addr);
        accreditation.accredit(who, roles, from, until, 0, 1);
        Practitioner memory stored = accreditation.practitionerOf(who);
        assertEq(abi.encode(stored), abi.encode(Practitioner(clinic.addr, from, until, roles, false, 1, 1, 0)));
    }

    function test_Accredit_ReplacesAndEndsSuspension() public {
        vm.startPrank(clinic.addr);
        accreditation.suspend(doctor.addr);
        assertFalse(isAccreditedNow(doctor.addr));
        accreditation.accredit(doctor.addr, Roles.NURSE, VALID_FROM, VALID_UNTIL, 2, 1);
        assertTrue(isAccreditedNow(doctor.addr));
        assertEq(accreditation.practitionerOf(doctor.addr).roles, Roles.NURSE);
    }

    function test_RevertWhen_AnotherAccreditorVouchesNow() public {
        vm.expectRevert(abi.encodeWithSelector(IAccreditation.NotItsAccreditor.selector, otherClinic.addr, doctor.addr));
        vm.prank(otherClinic.addr);
        accreditation.accredit(doctor.addr, Roles.DOCTOR, VALID_FROM, VALID_UNTIL, 1, 1);
    }

    function test_Accredit_TakesOverWhatHasEnded() public {
        uint256 before = vm.snapshotState();
        vm.warp(VALID_UNTIL);
        takeOver();
        vm.revertToState(before);
        vm.prank(clinic.addr);
        accreditation.suspend(doctor.addr);
        takeOver();
        vm.revertToState(before);
        vm.prank(owner.addr);
        accreditation.removeAccreditor(clinic.addr);
        takeOver();
    }

    function testFuzz_Accredit_TakesOverWhatHasNotBegun(uint40 from) public {
        // An accreditation that begins later does not count before: a period far in the future does not reserve a
        // practitioner.
        from = uint40(bound(from, START, type(uint40).max - 1));
        uint32 epoch = accreditation.practitionerOf(doctor.addr).epoch;
        vm.prank(clinic.addr);
        accreditation.accredit(doctor.addr, Roles.DOCTOR, from, type(uint40).max, epoch, 1);
        if (from > START) return takeOver();
        vm.expectRevert(abi.encodeWithSelector(IAccreditation.NotItsAccreditor.selector, otherClinic.addr, doctor.addr));
        vm.prank(otherClinic.addr);
        accreditation.accredit(doctor.addr, Roles.DOCTOR, VALID_FROM, VALID_UNTIL, epoch + 1, 1);
    }

    function takeOver() private {
        uint32 epoch = accreditation.practitionerOf(doctor.addr).epoch;
        vm.prank(otherClinic.addr);
        accreditation.accredit(doctor.addr, Roles.DOCTOR, VALID_FROM, VALID_UNTIL + 1, epoch, 1);
        assertEq(accreditation.practitionerOf(doctor.addr).accreditor, otherClinic.addr);
        assertTrue(isAccreditedNow(doctor.addr));
    }

    function testFuzz_RevertWhen_RolesAreOutOfRange(uint8 roles) public {
        roles = uint8(bound(roles, uint256(Roles.ALL) + 1, 255));
        vm.startPrank(clinic.addr);
        vm.expectRevert(IAccreditation.InvalidAccreditation.selector);
        accreditation.accredit(sister.addr, roles, VALID_FROM, VALID_UNTIL, 0, 1);
        vm.expectRevert(IAccreditation.InvalidAccreditation.selector);
        accreditation.accredit(sister.addr, 0, VALID_FROM, VALID_UNTIL, 0, 1);
    }

    function testFuzz_RevertWhen_AccreditationPeriodIsEmpty(uint40 from, uint40 until) public {
        until = uint40(bound(until, 0, from));
        vm.expectRevert(IAccreditation.InvalidAccreditation.selector);
        vm.prank(clinic.addr);
        accreditation.accredit(sister.addr, Roles.NURSE, from, until, 0, 1);
    }

    function testFuzz_RevertWhen_AccreditNamesAnotherEpoch(uint32 epoch) public {
        vm.assume(epoch != 1);
        vm.expectRevert(abi.encodeWithSelector(IAccreditation.StaleAccreditationEpoch.selector, 1));
        vm.prank(clinic.addr);
        accreditation.accredit(doctor.addr, Roles.DOCTOR, VALID_FROM, VALID_UNTIL, epoch, 1);
    }

    function testFuzz_RevertWhen_AccreditNamesAnotherAccreditorEpoch(uint32 epoch) public {
        vm.assume(epoch != 1);
        vm.expectRevert(abi.encodeWithSelector(IAccreditation.StaleAccreditorEpoch.selector, 1));
        vm.prank(clinic.addr);
        accreditation.accredit(doctor.addr, Roles.DOCTOR, VALID_FROM, VALID_UNTIL, 1, epoch);
    }

    function test_RevertWhen_AccreditWasSignedBeforeTheAccreditorWasRemovedAndNamedAgain() public {
        // Somebody kept a message of the clinic until the owner named the clinic again.
        Authorization memory auth = signedAccredit(1, 3);
        vm.startPrank(owner.addr);
        accreditation.removeAccreditor(clinic.addr);
        accreditation.addAccreditor(clinic.addr, 2);
        vm.stopPrank();
        vm.expectRevert(abi.encodeWithSelector(IAccreditation.StaleAccreditorEpoch.selector, 3));
        accreditation.accreditBySig(clinic.addr, doctor.addr, Roles.DOCTOR, VALID_FROM, VALID_UNTIL, 1, 1, auth);
        vm.expectRevert(ISignedActions.InvalidSignature.selector);
        accreditation.accreditBySig(clinic.addr, doctor.addr, Roles.DOCTOR, VALID_FROM, VALID_UNTIL, 1, 3, auth);
        assertFalse(isAccreditedNow(doctor.addr));
    }

    function test_Accredit_TakesOverFromAnEarlierEpochOfAnActiveAccreditor() public {
        vm.startPrank(owner.addr);
        accreditation.removeAccreditor(clinic.addr);
        accreditation.addAccreditor(clinic.addr, 2);
        vm.stopPrank();
        takeOver();
    }

    function testFuzz_RevertWhen_AccreditWasSignedBeforeSuspend(uint8 suspensions, bool isRelayed) public {
        suspensions = uint8(bound(suspensions, 1, 5));
        // The clinic signs an accreditation. The relayer holds it back until the clinic has suspended the practitioner.
        Authorization memory auth = signedAccredit(1, 3);
        Authorization memory suspension =
            sign(clinic, accreditation, Messages.suspend(clinic.addr, doctor.addr, 4, DEADLINE), 4, DEADLINE);
        for (uint256 i = isRelayed ? 1 : 0; i < suspensions; ++i) {
            vm.prank(clinic.addr);
            accreditation.suspend(doctor.addr);
        }
        if (isRelayed) accreditation.suspendBySig(clinic.addr, doctor.addr, suspension);
        vm.expectRevert(abi.encodeWithSelector(IAccreditation.StaleAccreditationEpoch.selector, 1 + suspensions));
        accreditation.accreditBySig(clinic.addr, doctor.addr, Roles.DOCTOR, VALID_FROM, VALID_UNTIL, 1, 1, auth);
        assertFalse(isAccreditedNow(doctor.addr));
    }

    function test_RevertWhen_AccreditWasSignedWhileSuspendedAndSuspendedAgain() public {
        vm.prank(clinic.addr);
        accreditation.suspend(doctor.addr);
        Authorization memory auth = signedAccredit(2, 3);
        vm.prank(clinic.addr);
        accreditation.suspend(doctor.addr);
        vm.expectRevert(abi.encodeWithSelector(IAccreditation.StaleAccreditationEpoch.selector, 3));
        accreditation.accreditBySig(clinic.addr, doctor.addr, Roles.DOCTOR, VALID_FROM, VALID_UNTIL, 2, 1, auth);
    }

    /// @dev The clinic accredits the doctor again.
    function signedAccredit(uint32 epoch, uint256 nonce) private view returns (Authorization memory) {
        bytes32 message = Messages.accredit(
            clinic.addr, doctor.addr, Roles.DOCTOR, VALID_FROM, VALID_UNTIL, epoch, 1, nonce, DEADLINE
        );
        return sign(clinic, accreditation, message, nonce, DEADLINE);
    }

    function test_Accredit_Relayed() public {
        bytes32 message =
            Messages.accredit(clinic.addr, sister.addr, Roles.NURSE, VALID_FROM, VALID_UNTIL, 0, 1, 3, DEADLINE);
        Authorization memory auth = sign(clinic, accreditation, message, 3, DEADLINE);
        accreditation.accreditBySig(clinic.addr, sister.addr, Roles.NURSE, VALID_FROM, VALID_UNTIL, 0, 1, auth);
        assertTrue(isAccreditedNow(sister.addr));
    }

    function test_RevertWhen_AccreditCallerIsNotAccreditor() public {
        vm.expectRevert(abi.encodeWithSelector(IAccreditation.NotAccreditor.selector, owner.addr));
        vm.prank(owner.addr);
        accreditation.accredit(sister.addr, Roles.NURSE, VALID_FROM, VALID_UNTIL, 0, 1);

        vm.prank(owner.addr);
        accreditation.removeAccreditor(clinic.addr);
        vm.expectRevert(abi.encodeWithSelector(IAccreditation.NotAccreditor.selector, clinic.addr));
        vm.prank(clinic.addr);
        accreditation.accredit(sister.addr, Roles.NURSE, VALID_FROM, VALID_UNTIL, 0, 1);
    }

    function test_Suspend_StoresAndEmits() public {
        vm.expectEmit();
        emit IAccreditation.AccreditationChanged(clinic.addr, doctor.addr, true, 2);
        vm.prank(clinic.addr);
        accreditation.suspend(doctor.addr);
        assertFalse(isAccreditedNow(doctor.addr));
        Practitioner memory stored = accreditation.practitionerOf(doctor.addr);
        assertEq(
            abi.encode(stored),
            abi.encode(Practitioner(clinic.addr, VALID_FROM, VALID_UNTIL, Roles.DOCTOR, true, 2, 1, 0))
        );
    }

    function testFuzz_Suspend_RaisesTheEpochWhereSuspendedAlready(uint8 times) public {
        vm.startPrank(clinic.addr);
        for (uint256 i = 0; i < times; ++i) {
            accreditation.suspend(doctor.addr);
        }
        assertEq(accreditation.practitionerOf(doctor.addr).epoch, 1 + uint32(times));
    }

    function test_Suspend_Relayed() public {
        bytes32 message = Messages.suspend(clinic.addr, doctor.addr, 3, DEADLINE);
        Authorization memory auth = sign(clinic, accreditation, message, 3, DEADLINE);
        accreditation.suspendBySig(clinic.addr, doctor.addr, auth);
        assertFalse(isAccreditedNow(doctor.addr));
    }

    function test_Suspend_LastEpochDoesNotWrap() public {
        // The low 32 bits of the second word are the epoch.
        bytes32 slot = bytes32(uint256(keccak256(abi.encode(doctor.addr, accreditorsSlot() + 1))) + 1);
        uint256 word = uint256(vm.load(address(accreditation), slot)) & ~uint256(type(uint32).max);
        vm.store(address(accreditation), slot, bytes32(word | type(uint32).max - 1));
        assertEq(accreditation.practitionerOf(doctor.addr).epoch, type(uint32).max - 1);
        assertTrue(isAccreditedNow(doctor.addr));
        vm.startPrank(clinic.addr);
        accreditation.suspend(doctor.addr);
        accreditation.suspend(doctor.addr);
        assertEq(accreditation.practitionerOf(doctor.addr).epoch, type(uint32).max);
        assertEq(accreditation.practitionerOf(doctor.addr).accreditorEpoch, 1);
        assertFalse(isAccreditedNow(doctor.addr));
        vm.expectRevert(IAccreditation.InvalidAccreditation.selector);
        accreditation.accredit(doctor.addr, Roles.DOCTOR, VALID_FROM, VALID_UNTIL, type(uint32).max, 1);
    }

    /// @dev The storage slot of the accreditors. It comes after owner and successor, and before the practitioners.
    function accreditorsSlot() private pure returns (uint256) {
        return 2;
    }

    function test_RevertWhen_SuspendingAnothersPractitioner() public {
        vm.expectRevert(abi.encodeWithSelector(IAccreditation.NotItsAccreditor.selector, otherClinic.addr, doctor.addr));
        vm.prank(otherClinic.addr);
        accreditation.suspend(doctor.addr);
    }

    function test_RevertWhen_SuspendingAccreditorIsInactive() public {
        vm.prank(owner.addr);
        accreditation.removeAccreditor(clinic.addr);
        vm.expectRevert(abi.encodeWithSelector(IAccreditation.NotAccreditor.selector, clinic.addr));
        vm.prank(clinic.addr);
        accreditation.suspend(doctor.addr);
    }

    function test_Ownership_TakesTwoSteps() public {
        vm.expectEmit();
        emit IAccreditation.OwnershipTransferStarted(owner.addr, sister.addr);
        vm.prank(owner.addr);
        accreditation.transferOwnership(sister.addr);
        assertEq(accreditation.owner(), owner.addr);
        assertEq(accreditation.pendingOwner(), sister.addr);

        vm.expectEmit();
        emit IAccreditation.OwnershipTransferred(owner.addr, sister.addr);
        vm.prank(sister.addr);
        accreditation.acceptOwnership();
        assertEq(accreditation.owner(), sister.addr);
        assertEq(accreditation.pendingOwner(), address(0));
    }

    function test_RevertWhen_TransferCallerIsNotOwner() public {
        vm.expectRevert(abi.encodeWithSelector(IAccreditation.NotOwner.selector, stranger.addr));
        vm.prank(stranger.addr);
        accreditation.transferOwnership(stranger.addr);
    }

    function test_RevertWhen_AcceptCallerIsNotSuccessor() public {
        vm.prank(owner.addr);
        accreditation.transferOwnership(sister.addr);
        vm.expectRevert(abi.encodeWithSelector(IAccreditation.NotOwner.selector, stranger.addr));
        vm.prank(stranger.addr);
        accreditation.acceptOwnership();
    }

    function testFuzz_IsAccredited_InItsPeriodAlone(uint40 time) public view {
        (bool accredited, uint40 from, uint40 until) = accreditation.isAccredited(doctor.addr, Roles.ANY, time);
        assertEq(accredited, time >= VALID_FROM && time < VALID_UNTIL);
        assertEq(from, accredited ? VALID_FROM : 0);
        assertEq(until, accredited ? VALID_UNTIL : 0);
    }

    function testFuzz_IsAccredited_InItsRolesAlone(uint8 roles) public view {
        (bool accredited,,) = accreditation.isAccredited(doctor.addr, roles, START);
        assertEq(accredited, roles & Roles.DOCTOR != 0);
    }

    function testFuzz_IsAccredited_InOneEpochOfItsAccreditorAlone(uint32 epoch, bool active) public {
        uint256 word = uint256(epoch) << 1 | (active ? 1 : 0);
        vm.store(address(accreditation), keccak256(abi.encode(clinic.addr, accreditorsSlot())), bytes32(word));
        assertEq(isAccreditedNow(doctor.addr), active && epoch == 1);
    }

    function test_IsAccredited_NotWhereNobodyVouched() public {
        // Not even if the owner makes the zero address an accreditor, which is the accreditor in an empty slot.
        vm.prank(owner.addr);
        accreditation.addAccreditor(address(0), 0);
        assertFalse(isAccreditedNow(stranger.addr));
    }
}
