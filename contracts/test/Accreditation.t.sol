// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IAccreditation, Practitioner} from "../src/interfaces/IAccreditation.sol";
import {Authorization, ISignedActions} from "../src/interfaces/ISignedActions.sol";
import {Roles} from "../src/libraries/Codes.sol";
import {BaseTest} from "./BaseTest.sol";
import {Messages} from "./Messages.sol";

/// @dev Leaves of Accreditation.tree.
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

    function test_SetAccreditor_StoresAndEmits() public {
        vm.expectEmit();
        emit IAccreditation.AccreditorSet(stranger.addr, true);
        vm.prank(owner.addr);
        accreditation.setAccreditor(stranger.addr, true);
        assertTrue(accreditation.isAccreditor(stranger.addr));
    }

    function test_SetAccreditor_PractitionersFollow() public {
        assertTrue(isAccreditedNow(doctor.addr));
        vm.prank(owner.addr);
        accreditation.setAccreditor(clinic.addr, false);
        assertFalse(isAccreditedNow(doctor.addr));
        assertFalse(isAccreditedNow(lab.addr));
        vm.prank(owner.addr);
        accreditation.setAccreditor(clinic.addr, true);
        assertTrue(isAccreditedNow(doctor.addr));
    }

    function test_SetAccreditor_Relayed() public {
        bytes32 message = Messages.setAccreditor(owner.addr, stranger.addr, true, 3, DEADLINE);
        accreditation.setAccreditorBySig(stranger.addr, true, sign(owner, accreditation, message, 3, DEADLINE));
        assertTrue(accreditation.isAccreditor(stranger.addr));
    }

    function testFuzz_RevertWhen_SetAccreditorCallerIsNotOwner(address caller, bool active) public {
        vm.assume(caller != owner.addr);
        vm.expectRevert(abi.encodeWithSelector(IAccreditation.NotOwner.selector, caller));
        vm.prank(caller);
        accreditation.setAccreditor(caller, active);
    }

    function test_RevertWhen_FormerOwnerSigned() public {
        bytes32 message = Messages.setAccreditor(owner.addr, stranger.addr, true, 3, DEADLINE);
        Authorization memory auth = sign(owner, accreditation, message, 3, DEADLINE);
        vm.prank(owner.addr);
        accreditation.transferOwnership(sister.addr);
        vm.prank(sister.addr);
        accreditation.acceptOwnership();
        vm.expectRevert(ISignedActions.InvalidSignature.selector);
        accreditation.setAccreditorBySig(stranger.addr, true, auth);
    }

    function testFuzz_Accredit_StoresAndEmits(address who, uint8 roles, uint40 from, uint40 until) public {
        vm.assume(who != doctor.addr && who != lab.addr);
        roles = uint8(bound(roles, 1, Roles.ALL));
        from = uint40(bound(from, 0, type(uint40).max - 1));
        until = uint40(bound(until, from + 1, type(uint40).max));
        vm.expectEmit();
        emit IAccreditation.Accredited(clinic.addr, who, roles, from, until);
        vm.prank(clinic.addr);
        accreditation.accredit(who, roles, from, until);
        Practitioner memory stored = accreditation.practitionerOf(who);
        assertEq(abi.encode(stored), abi.encode(Practitioner(clinic.addr, from, until, roles, false)));
    }

    function test_Accredit_ReplacesAndEndsSuspension() public {
        vm.startPrank(clinic.addr);
        accreditation.setSuspended(doctor.addr, true);
        assertFalse(isAccreditedNow(doctor.addr));
        accreditation.accredit(doctor.addr, Roles.NURSE, VALID_FROM, VALID_UNTIL);
        assertTrue(isAccreditedNow(doctor.addr));
        assertEq(accreditation.practitionerOf(doctor.addr).roles, Roles.NURSE);
    }

    function test_RevertWhen_AnotherAccreditorVouchesNow() public {
        vm.expectRevert(abi.encodeWithSelector(IAccreditation.NotItsAccreditor.selector, otherClinic.addr, doctor.addr));
        vm.prank(otherClinic.addr);
        accreditation.accredit(doctor.addr, Roles.DOCTOR, VALID_FROM, VALID_UNTIL);
    }

    function test_Accredit_TakesOverWhatHasEnded() public {
        uint256 before = vm.snapshotState();
        vm.warp(VALID_UNTIL);
        takeOver();
        vm.revertToState(before);
        vm.prank(clinic.addr);
        accreditation.setSuspended(doctor.addr, true);
        takeOver();
        vm.revertToState(before);
        vm.prank(owner.addr);
        accreditation.setAccreditor(clinic.addr, false);
        takeOver();
    }

    function takeOver() private {
        vm.prank(otherClinic.addr);
        accreditation.accredit(doctor.addr, Roles.DOCTOR, VALID_FROM, VALID_UNTIL + 1);
        assertEq(accreditation.practitionerOf(doctor.addr).accreditor, otherClinic.addr);
        assertTrue(isAccreditedNow(doctor.addr));
    }

    function testFuzz_RevertWhen_RolesAreOutOfRange(uint8 roles) public {
        roles = uint8(bound(roles, uint256(Roles.ALL) + 1, 255));
        vm.startPrank(clinic.addr);
        vm.expectRevert(IAccreditation.InvalidAccreditation.selector);
        accreditation.accredit(sister.addr, roles, VALID_FROM, VALID_UNTIL);
        vm.expectRevert(IAccreditation.InvalidAccreditation.selector);
        accreditation.accredit(sister.addr, 0, VALID_FROM, VALID_UNTIL);
    }

    function testFuzz_RevertWhen_AccreditationPeriodIsEmpty(uint40 from, uint40 until) public {
        until = uint40(bound(until, 0, from));
        vm.expectRevert(IAccreditation.InvalidAccreditation.selector);
        vm.prank(clinic.addr);
        accreditation.accredit(sister.addr, Roles.NURSE, from, until);
    }

    function test_Accredit_Relayed() public {
        bytes32 message = Messages.accredit(clinic.addr, sister.addr, Roles.NURSE, VALID_FROM, VALID_UNTIL, 3, DEADLINE);
        Authorization memory auth = sign(clinic, accreditation, message, 3, DEADLINE);
        accreditation.accreditBySig(clinic.addr, sister.addr, Roles.NURSE, VALID_FROM, VALID_UNTIL, auth);
        assertTrue(isAccreditedNow(sister.addr));
    }

    function test_RevertWhen_AccreditCallerIsNotAccreditor() public {
        vm.expectRevert(abi.encodeWithSelector(IAccreditation.NotAccreditor.selector, owner.addr));
        vm.prank(owner.addr);
        accreditation.accredit(sister.addr, Roles.NURSE, VALID_FROM, VALID_UNTIL);

        vm.prank(owner.addr);
        accreditation.setAccreditor(clinic.addr, false);
        vm.expectRevert(abi.encodeWithSelector(IAccreditation.NotAccreditor.selector, clinic.addr));
        vm.prank(clinic.addr);
        accreditation.accredit(sister.addr, Roles.NURSE, VALID_FROM, VALID_UNTIL);
    }

    function test_SetSuspended_SuspendsAndReinstates() public {
        vm.startPrank(clinic.addr);
        vm.expectEmit();
        emit IAccreditation.AccreditationChanged(clinic.addr, doctor.addr, true);
        accreditation.setSuspended(doctor.addr, true);
        assertFalse(isAccreditedNow(doctor.addr));
        vm.expectEmit();
        emit IAccreditation.AccreditationChanged(clinic.addr, doctor.addr, false);
        accreditation.setSuspended(doctor.addr, false);
        Practitioner memory stored = accreditation.practitionerOf(doctor.addr);
        assertEq(
            abi.encode(stored), abi.encode(Practitioner(clinic.addr, VALID_FROM, VALID_UNTIL, Roles.DOCTOR, false))
        );
    }

    function test_SetSuspended_Relayed() public {
        bytes32 message = Messages.setSuspended(clinic.addr, doctor.addr, true, 3, DEADLINE);
        Authorization memory auth = sign(clinic, accreditation, message, 3, DEADLINE);
        accreditation.setSuspendedBySig(clinic.addr, doctor.addr, true, auth);
        assertFalse(isAccreditedNow(doctor.addr));
    }

    function test_RevertWhen_SuspendingAnothersPractitioner() public {
        vm.expectRevert(abi.encodeWithSelector(IAccreditation.NotItsAccreditor.selector, otherClinic.addr, doctor.addr));
        vm.prank(otherClinic.addr);
        accreditation.setSuspended(doctor.addr, true);
    }

    function test_RevertWhen_SuspendingAccreditorIsInactive() public {
        vm.prank(owner.addr);
        accreditation.setAccreditor(clinic.addr, false);
        vm.expectRevert(abi.encodeWithSelector(IAccreditation.NotAccreditor.selector, clinic.addr));
        vm.prank(clinic.addr);
        accreditation.setSuspended(doctor.addr, true);
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

    function test_IsAccredited_NotWhereNobodyVouched() public {
        // Not even when the owner makes the zero address an accreditor, which is what an empty slot names.
        vm.prank(owner.addr);
        accreditation.setAccreditor(address(0), true);
        assertFalse(isAccreditedNow(stranger.addr));
    }
}
