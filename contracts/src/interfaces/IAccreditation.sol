// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Authorization, ISignedActions} from "./ISignedActions.sol";

/// @notice An accreditation. Two storage slots per practitioner.
/// @param accreditor The accreditor; zero if there never was one.
/// @param validFrom First second of the accreditation.
/// @param validUntil First second after it.
/// @param roles Bit set: DOCTOR 1, NURSE 2, LAB 4, PHARMACY 8, AUDITOR 16, EMERGENCY 32, RESEARCHER 64.
/// @param suspended Whether the accreditor has suspended the practitioner.
/// @param epoch How often the practitioner was accredited or suspended. An `Accredit` names the epoch that it replaces.
/// @param accreditorEpoch The accreditor's epoch in which it vouched. In any other epoch the accreditation does not count.
/// @param controllerEpoch Zero. Reserved for a later contract that lets a person change the key that acts for them.
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

/// @title Accreditations of doctors, nurses, labs, pharmacies and auditors.
/// @notice One owner names accreditors and can do nothing else. Accreditors accredit practitioners. An accreditation is
///         valid during its period, while it is not suspended, and while its accreditor is active in the same epoch in
///         which it was given. An accreditor that is named again after a removal therefore starts without
///         practitioners.
interface IAccreditation is ISignedActions {
    /// @notice From this block on `accreditor` may (or may no longer) vouch. The accreditations that it gave in an
    ///         earlier epoch are not valid any more, and never will be again.
    /// @dev Readers may rely on: the epoch is one more than before, unless it was the last one. Also emitted when only
    ///      the epoch changed.
    event AccreditorSet(address indexed accreditor, bool active, uint32 epoch);
    /// @notice `accreditor` vouches for `practitioner` in `roles` during [validFrom, validUntil).
    /// @dev Readers may rely on: 1. it replaces every earlier accreditation of that practitioner and ends a suspension;
    ///      2. its epoch is one more than the one it replaces, and there was no suspension in between; 3.
    ///      `accreditorEpoch` is the accreditor's epoch in this block, and the accreditation is valid in no other one.
    event Accredited(
        address indexed accreditor,
        address indexed practitioner,
        uint8 roles,
        uint40 validFrom,
        uint40 validUntil,
        uint32 epoch,
        uint32 accreditorEpoch
    );
    /// @notice The accreditor suspended its practitioner, and no Accredit message that names an earlier epoch can ever
    ///         succeed. Period and roles are unchanged.
    /// @dev Readers may rely on: `suspended` is always true; a new `Accredited` ends the suspension. Also emitted when
    ///      the practitioner was already suspended.
    event AccreditationChanged(address indexed accreditor, address indexed practitioner, bool suspended, uint32 epoch);
    /// @notice The owner named a successor, who must still accept.
    /// @dev Readers may rely on: 1. only the owner caused it, and remains the owner; 2. an earlier successor can no
    ///      longer accept; 3. the zero address withdraws the offer.
    event OwnershipTransferStarted(address indexed owner, address indexed successor);
    /// @notice The successor accepted and is now the owner.
    /// @dev Readers may rely on: 1. only the successor of the last `OwnershipTransferStarted` caused it; 2. in the
    ///      first such event of a contract the previous owner is the zero address; 3. accreditors are unchanged.
    event OwnershipTransferred(address indexed owner, address indexed successor);

    /// @notice Only the owner may do this.
    error NotOwner(address caller);
    /// @notice Only an active accreditor may do this.
    error NotAccreditor(address caller);
    /// @notice Only the practitioner's own accreditor may do this.
    error NotItsAccreditor(address caller, address practitioner);
    /// @notice Roles must not be empty or unknown, the period must not be empty, and there is no epoch after the last
    ///         one.
    error InvalidAccreditation();
    /// @notice The message names a different epoch of the practitioner from the current one.
    error StaleAccreditationEpoch(uint32 current);
    /// @notice The message names a different epoch of the accreditor from the current one.
    error StaleAccreditorEpoch(uint32 current);

    /// @notice Names an accreditor. An accreditor that is named again must accredit its practitioners again. Only the
    ///         owner.
    /// @param epoch The accreditor's epoch that the call replaces: 0 for the first time.
    function addAccreditor(address accreditor, uint32 epoch) external;
    /// @notice The same, signed by the owner: `AddAccreditor(address owner,address accreditor,uint32 epoch,uint256 nonce,uint256 deadline)`.
    function addAccreditorBySig(address accreditor, uint32 epoch, Authorization calldata auth) external;

    /// @notice Removes an accreditor. Only the owner. Names no state and always works, even if the address was no
    ///         accreditor.
    function removeAccreditor(address accreditor) external;
    /// @notice The same, signed by the owner: `RemoveAccreditor(address owner,address accreditor,uint256 nonce,uint256 deadline)`.
    function removeAccreditorBySig(address accreditor, Authorization calldata auth) external;

    /// @notice Accredits a practitioner, which also ends a suspension. A practitioner of another active accreditor can
    ///         be taken over only before its accreditation begins, or after it has ended or was suspended.
    /// @param epoch The practitioner's epoch that the call replaces: 0 for the first time.
    /// @param accreditorEpoch The accreditor's own epoch. The accreditation is valid only in this epoch.
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

    /// @notice Suspends a practitioner. Only its own accreditor, while that accreditor is active. Names no state and
    ///         always works, even if the practitioner is already suspended.
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
    /// @notice How often `accreditor` was named or removed; 0 if never.
    function accreditorEpochOf(address accreditor) external view returns (uint32);
    /// @notice The stored accreditation, even if it is not valid now.
    function practitionerOf(address practitioner) external view returns (Practitioner memory);
    /// @notice Whether `practitioner` is accredited at `time` in at least one of `roles` (255 for any role), and the
    ///         period.
    function isAccredited(address practitioner, uint8 roles, uint40 time)
        external
        view
        returns (bool accredited, uint40 validFrom, uint40 validUntil);
}
