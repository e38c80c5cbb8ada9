// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";

import {LogHandler} from "./invariants/LogHandler.sol";
import {PermissionHandler} from "./invariants/PermissionHandler.sol";
import {RecordHandler} from "./invariants/RecordHandler.sol";

/// @dev Permissions, for any actions of patients, clinic, relayer and stranger, in any order.
contract PermissionInvariants is Test {
    PermissionHandler private handler;

    function setUp() public {
        handler = new PermissionHandler();
        handler.setUp();
        bytes4[] memory selectors = new bytes4[](23);
        selectors[0] = PermissionHandler.grant.selector;
        selectors[1] = PermissionHandler.signGrant.selector;
        selectors[2] = PermissionHandler.submitHeld.selector;
        selectors[3] = PermissionHandler.revoke.selector;
        selectors[4] = PermissionHandler.revokeAll.selector;
        selectors[5] = PermissionHandler.meddle.selector;
        selectors[6] = PermissionHandler.suspend.selector;
        selectors[7] = PermissionHandler.reinstate.selector;
        selectors[8] = PermissionHandler.wait.selector;
        selectors[9] = PermissionHandler.signRevokeAll.selector;
        selectors[10] = PermissionHandler.submitRevokeAll.selector;
        selectors[11] = PermissionHandler.signReinstate.selector;
        selectors[12] = PermissionHandler.submitReinstate.selector;
        selectors[13] = PermissionHandler.addAccreditor.selector;
        selectors[14] = PermissionHandler.removeAccreditor.selector;
        selectors[15] = PermissionHandler.signAddAccreditor.selector;
        selectors[16] = PermissionHandler.submitAddAccreditor.selector;
        selectors[17] = PermissionHandler.lift.selector;
        selectors[18] = PermissionHandler.signLift.selector;
        selectors[19] = PermissionHandler.submitLift.selector;
        selectors[20] = PermissionHandler.meddleWithRecord.selector;
        selectors[21] = PermissionHandler.supersede.selector;
        selectors[22] = PermissionHandler.signTombstone.selector;
        targetSelector(FuzzSelector({addr: address(handler), selectors: selectors}));
        bytes4[] memory rare = new bytes4[](2);
        rare[0] = PermissionHandler.tombstone.selector;
        rare[1] = PermissionHandler.submitTombstone.selector;
        targetSelector(FuzzSelector({addr: address(handler), selectors: rare}));
        targetContract(address(handler));
    }

    /// @dev No access after expiry, revocation or a raised patient epoch; none for a suspended practitioner, or for one
    ///      whose accreditor vouched in an earlier epoch; none for a tombstoned record until it is lifted. Access in
    ///      every case that the patient intended. Only the patient changes grants.
    function invariant_AccessIsExactlyWhatThePatientMeant() public view {
        handler.check();
    }

    function invariant_GrantSignedBeforeRevokeNeverSucceedsAfterIt() public view {
        assertFalse(handler.hasStaleGrantSucceeded());
    }

    /// @dev The same for an accreditation that was signed in an earlier epoch of its accreditor.
    function invariant_AccreditSignedBeforeSuspendNeverSucceedsAfterIt() public view {
        assertFalse(handler.hasStaleAccreditSucceeded());
    }

    function invariant_LiftSucceedsForItsTombstoneInTimeAlone() public view {
        assertFalse(handler.hasStaleLiftSucceeded());
    }

    function invariant_TombstoneSignedBeforeATombstoneOrALiftNeverSucceedsAfterIt() public view {
        assertFalse(handler.hasStaleTombstoneSucceeded());
    }

    function invariant_OnlyThePatientClosesAndOpens() public view {
        assertFalse(handler.hasStrangerChangedARecord());
    }

    function invariant_AddAccreditorSignedBeforeRemoveNeverSucceedsAfterIt() public view {
        assertFalse(handler.hasStaleAddSucceeded());
    }

    function invariant_NonceWorksOnce() public view {
        assertFalse(handler.hasNonceWorkedTwice());
    }
}

/// @dev The log.
contract LogInvariants is Test {
    LogHandler private handler;

    function setUp() public {
        handler = new LogHandler();
        handler.setUp();
        bytes4[] memory selectors = new bytes4[](2);
        selectors[0] = LogHandler.append.selector;
        selectors[1] = LogHandler.replay.selector;
        targetSelector(FuzzSelector({addr: address(handler), selectors: selectors}));
        targetContract(address(handler));
    }

    function invariant_LogOnlyGrows() public view {
        handler.check();
    }

    function invariant_BatchLandsOnce() public view {
        assertFalse(handler.hasStaleBatchLanded());
    }
}

/// @dev Records.
contract RecordInvariants is Test {
    RecordHandler private handler;

    function setUp() public {
        handler = new RecordHandler();
        handler.setUp();
        bytes4[] memory selectors = new bytes4[](8);
        selectors[0] = RecordHandler.register.selector;
        selectors[1] = RecordHandler.addVersion.selector;
        selectors[2] = RecordHandler.supersede.selector;
        selectors[3] = RecordHandler.tombstone.selector;
        selectors[4] = RecordHandler.lift.selector;
        selectors[5] = RecordHandler.retract.selector;
        selectors[6] = RecordHandler.changeAuthority.selector;
        selectors[7] = RecordHandler.wait.selector;
        targetSelector(FuzzSelector({addr: address(handler), selectors: selectors}));
        targetContract(address(handler));
    }

    function invariant_RecordIdsAreUnique() public view {
        assertFalse(handler.hasIdBeenTakenTwice());
    }

    /// @dev A record has the state that the patient and the uploader gave it, each within their rights. An uploader
    ///      that is suspended, or whose WRITE was revoked, changes nothing about it.
    function invariant_RecordsAreWhatTheirPeopleMadeThem() public view {
        handler.check();
        assertFalse(handler.hasEndedAuthorityChangedARecord());
    }

    function invariant_OnlyThePatientClosesARecord() public view {
        assertFalse(handler.hasAnotherClosedARecord());
    }

    function invariant_WhatIsFinalStaysTombstoned() public view {
        assertFalse(handler.hasFinalTombstoneChanged());
    }
}
