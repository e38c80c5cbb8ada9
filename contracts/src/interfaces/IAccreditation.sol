// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Authorization, ISignedActions} from "./ISignedActions.sol";

/// @notice Who vouches for whom. Two storage slots per practitioner.
/// @param accreditor Who vouches; zero where nobody ever did.
/// @param validFrom First second of the accreditation.
/// @param validUntil First second after it.
/// @param roles Bit set: DOCTOR 1, NURSE 2, LAB 4, PHARMACY 8, AUDITOR 16, EMERGENCY 32, RESEARCHER 64.
/// @param suspended Whether the accreditor has suspended it.
/// @param epoch How often it was accredited or suspended. An `Accredit` names the epoch that it replaces.
/// @param accreditorEpoch The accreditor's epoch in which it vouched. In any other epoch the accreditation does not count.
/// @param controllerEpoch Zero; kept for a later contract that lets a person change the key that speaks for it.
struct Practitioner {
    address accreditor;
    uint40 validFrom;
    uint40 validUntil;
    uint8 roles;
    bool suspended;
    uint32 epoch;
    uint32 accreditorEpoch;
    uint32 controllerEpoch;
}

/// @title Who vouches for doctors, nurses, labs, pharmacies and auditors.
/// @notice One owner names accreditors and can do nothing else. Accreditors name practitioners.
/// A practitioner counts while its period runs, it is not suspended, and its accreditor is active in the very epoch in
/// which it vouched: an accreditor that is named again after a removal begins with no practitioners.
interface IAccreditation is ISignedActions {
    /// @notice From this block on `accreditor` may (or may no longer) vouch. Whom it vouched for in an earlier epoch no
    ///         longer counts, and never will by that accreditation.
    /// @dev Readers may rely on: the epoch is one more than before, unless it was the last one. Emitted also where
    ///      nothing but the epoch changed.
    event AccreditorSet(address indexed accreditor, bool active, uint32 epoch);
    /// @notice `accreditor` vouches for `practitioner` in `roles` during [validFrom, validUntil).
    /// @dev Readers may rely on: 1. it replaces every earlier accreditation of that practitioner and ends a suspension;
    ///      2. its epoch is one more than the one it replaces, and no suspension lies between; 3. `accreditorEpoch` is the
    ///      accreditor's in this block, and the accreditation counts in no other.
    event Accredited(
        address indexed accreditor,
        address indexed practitioner,
        uint8 roles,
        uint40 validFrom,
        uint40 validUntil,
        uint32 epoch,
        uint32 accreditorEpoch
    );
    /// @notice The accreditor suspended its practitioner, and no Accredit message that names an epoch before this one can
    ///         ever succeed. Period and roles are unchanged.
    /// @dev Readers may rely on: `suspended` is always true; a new `Accredited` ends it. Emitted also where the
    ///      practitioner was suspended already.
    event AccreditationChanged(address indexed accreditor, address indexed practitioner, bool suspended, uint32 epoch);
    /// @notice The owner named a successor, who must still accept.
    /// @dev Readers may rely on: 1. only the owner caused it, and stays the owner; 2. an earlier successor can no longer
    ///      accept; 3. the zero address takes the offer back.
    event OwnershipTransferStarted(address indexed owner, address indexed successor);
    /// @notice The successor accepted and is the owner now.
    /// @dev Readers may rely on: 1. only the successor of the last `OwnershipTransferStarted` caused it; 2. the first one of
    ///      a contract names the zero address as the owner before; 3. accreditors stay as they were.
    event OwnershipTransferred(address indexed owner, address indexed successor);

    /// @notice Only the owner may do this.
    error NotOwner(address caller);
    /// @notice Only an active accreditor may do this.
    error NotAccreditor(address caller);
    /// @notice Only the practitioner's own accreditor may do this.
    error NotItsAccreditor(address caller, address practitioner);
    /// @notice Roles must not be empty or unknown, the period must not be empty, and no epoch follows the last one.
    error InvalidAccreditation();
    /// @notice The message names another epoch of the practitioner than the one it would replace.
    error StaleAccreditationEpoch(uint32 current);
    /// @notice The message names another epoch of the accreditor than the one it would replace, or is to count in.
    error StaleAccreditorEpoch(uint32 current);

    /// @notice Names an accreditor, or names it again: then it vouches for nobody until it does so anew. Only the owner.
    /// @param epoch The accreditor's epoch that it replaces: 0 for the first time.
    function addAccreditor(address accreditor, uint32 epoch) external;
    /// @notice The same, signed by the owner: `AddAccreditor(address owner,address accreditor,uint32 epoch,uint256 nonce,uint256 deadline)`.
    function addAccreditorBySig(address accreditor, uint32 epoch, Authorization calldata auth) external;

    /// @notice Removes an accreditor. Only the owner. Names no state and always works, also where it was none.
    function removeAccreditor(address accreditor) external;
    /// @notice The same, signed by the owner: `RemoveAccreditor(address owner,address accreditor,uint256 nonce,uint256 deadline)`.
    function removeAccreditorBySig(address accreditor, Authorization calldata auth) external;

    /// @notice Vouches for a practitioner, and so ends a suspension. A practitioner of another active accreditor can be
    /// taken over only before its accreditation begins, and after it has ended or was suspended.
    /// @param epoch The practitioner's epoch that it replaces: 0 for the first time.
    /// @param accreditorEpoch The accreditor's own epoch, in which alone it counts.
    function accredit(
        address practitioner,
        uint8 roles,
        uint40 validFrom,
        uint40 validUntil,
        uint32 epoch,
        uint32 accreditorEpoch
    ) external;
    /// @notice The same, signed: `Accredit(address accreditor,address practitioner,uint8 roles,uint40 validFrom,uint40 validUntil,uint32 epoch,uint32 accreditorEpoch,uint256 nonce,uint256 deadline)`.
    function accreditBySig(
        address accreditor,
        address practitioner,
        uint8 roles,
        uint40 validFrom,
        uint40 validUntil,
        uint32 epoch,
        uint32 accreditorEpoch,
        Authorization calldata auth
    ) external;

    /// @notice Suspends a practitioner. Only its own accreditor, while that is active. Names no state and always works,
    /// also where it is suspended already.
    function suspend(address practitioner) external;
    /// @notice The same, signed: `Suspend(address accreditor,address practitioner,uint256 nonce,uint256 deadline)`.
    function suspendBySig(address accreditor, address practitioner, Authorization calldata auth) external;

    /// @notice Names the next owner, who must accept. Only the owner.
    function transferOwnership(address successor) external;
    /// @notice Accepts ownership. Only the named successor.
    function acceptOwnership() external;

    /// @notice The owner: a multisig in production.
    function owner() external view returns (address);
    /// @notice The successor who may accept, or zero.
    function pendingOwner() external view returns (address);
    /// @notice Whether `accreditor` may vouch now.
    function isAccreditor(address accreditor) external view returns (bool);
    /// @notice How often `accreditor` was named or removed; 0 where it never was.
    function accreditorEpochOf(address accreditor) external view returns (uint32);
    /// @notice The stored accreditation, whether it counts now or not.
    function practitionerOf(address practitioner) external view returns (Practitioner memory);
    /// @notice Whether `practitioner` counts at `time` in at least one of `roles` (255 asks for any role), and the period.
    function isAccredited(address practitioner, uint8 roles, uint40 time)
        external
        view
        returns (bool accredited, uint40 validFrom, uint40 validUntil);
}
