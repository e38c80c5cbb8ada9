// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Authorization, ISignedActions} from "./ISignedActions.sol";

/// @notice Who vouches for whom. One storage slot per practitioner.
/// @param accreditor Who vouches; zero where nobody ever did.
/// @param validFrom First second of the accreditation.
/// @param validUntil First second after it.
/// @param roles Bit set: DOCTOR 1, NURSE 2, LAB 4, PHARMACY 8, AUDITOR 16, EMERGENCY 32, RESEARCHER 64.
/// @param suspended Whether the accreditor has suspended it.
struct Practitioner {
    address accreditor;
    uint40 validFrom;
    uint40 validUntil;
    uint8 roles;
    bool suspended;
}

/// @title Who vouches for doctors, nurses, labs, pharmacies and auditors.
/// @notice One owner names accreditors and can do nothing else. Accreditors name practitioners.
/// A practitioner counts while its period runs, it is not suspended, and its accreditor is active.
interface IAccreditation is ISignedActions {
    /// @notice From this block on `accreditor` may (or may no longer) vouch; its practitioners follow it.
    event AccreditorSet(address indexed accreditor, bool active);
    /// @notice `accreditor` vouches for `practitioner` in `roles` during [validFrom, validUntil).
    /// @dev Readers may rely on: it replaces every earlier accreditation of that practitioner and ends a suspension.
    event Accredited(
        address indexed accreditor, address indexed practitioner, uint8 roles, uint40 validFrom, uint40 validUntil
    );
    /// @notice The accreditor suspended or reinstated its practitioner; period and roles are unchanged.
    event AccreditationChanged(address indexed accreditor, address indexed practitioner, bool suspended);
    /// @notice The owner named a successor, who must still accept.
    event OwnershipTransferStarted(address indexed owner, address indexed successor);
    /// @notice The successor accepted and is the owner now.
    event OwnershipTransferred(address indexed owner, address indexed successor);

    /// @notice Only the owner may do this.
    error NotOwner(address caller);
    /// @notice Only an active accreditor may do this.
    error NotAccreditor(address caller);
    /// @notice Only the practitioner's own accreditor may do this.
    error NotItsAccreditor(address caller, address practitioner);
    /// @notice Roles must not be empty or unknown, and the period must not be empty.
    error InvalidAccreditation();

    /// @notice Names or removes an accreditor. Only the owner.
    function setAccreditor(address accreditor, bool active) external;
    /// @notice The same, signed by the owner: `SetAccreditor(address owner,address accreditor,bool active,uint256 nonce,uint256 deadline)`.
    function setAccreditorBySig(address accreditor, bool active, Authorization calldata auth) external;

    /// @notice Vouches for a practitioner. A practitioner of another active accreditor can be taken over only after its
    /// accreditation has ended or was suspended.
    function accredit(address practitioner, uint8 roles, uint40 validFrom, uint40 validUntil) external;
    /// @notice The same, signed: `Accredit(address accreditor,address practitioner,uint8 roles,uint40 validFrom,uint40 validUntil,uint256 nonce,uint256 deadline)`.
    function accreditBySig(
        address accreditor,
        address practitioner,
        uint8 roles,
        uint40 validFrom,
        uint40 validUntil,
        Authorization calldata auth
    ) external;

    /// @notice Suspends or reinstates a practitioner. Only its own accreditor, while that is active.
    function setSuspended(address practitioner, bool suspended) external;
    /// @notice The same, signed: `SetSuspended(address accreditor,address practitioner,bool suspended,uint256 nonce,uint256 deadline)`.
    function setSuspendedBySig(address accreditor, address practitioner, bool suspended, Authorization calldata auth)
        external;

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
    /// @notice The stored accreditation, whether it counts now or not.
    function practitionerOf(address practitioner) external view returns (Practitioner memory);
    /// @notice Whether `practitioner` counts at `time` in at least one of `roles` (255 asks for any role), and the period.
    function isAccredited(address practitioner, uint8 roles, uint40 time)
        external
        view
        returns (bool accredited, uint40 validFrom, uint40 validUntil);
}
