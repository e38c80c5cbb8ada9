// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IAccreditation, Practitioner} from "./interfaces/IAccreditation.sol";
import {Authorization} from "./interfaces/ISignedActions.sol";
import {Roles} from "./libraries/Codes.sol";
import {SignedActions} from "./SignedActions.sol";

/// @title Accreditation
contract Accreditation is IAccreditation, SignedActions {
    bytes32 private constant SET_ACCREDITOR_TYPEHASH =
        keccak256("SetAccreditor(address owner,address accreditor,bool active,uint256 nonce,uint256 deadline)");
    bytes32 private constant ACCREDIT_TYPEHASH = keccak256(
        "Accredit(address accreditor,address practitioner,uint8 roles,uint40 validFrom,uint40 validUntil,uint256 nonce,uint256 deadline)"
    );
    bytes32 private constant SET_SUSPENDED_TYPEHASH = keccak256(
        "SetSuspended(address accreditor,address practitioner,bool suspended,uint256 nonce,uint256 deadline)"
    );

    /// @inheritdoc IAccreditation
    address public owner;
    /// @inheritdoc IAccreditation
    address public pendingOwner;
    /// @inheritdoc IAccreditation
    mapping(address accreditor => bool active) public isAccreditor;

    mapping(address practitioner => Practitioner accreditation) private _practitioners;

    /// @param firstOwner Names the accreditors: a multisig in production.
    constructor(address firstOwner) {
        if (firstOwner == address(0)) revert NotOwner(firstOwner);
        owner = firstOwner;
        emit OwnershipTransferred(address(0), firstOwner);
    }

    /// @inheritdoc IAccreditation
    function setAccreditor(address accreditor, bool active) external {
        _setAccreditor(msg.sender, accreditor, active);
    }

    /// @inheritdoc IAccreditation
    function setAccreditorBySig(address accreditor, bool active, Authorization calldata auth) external {
        address signer = owner;
        _authorize(
            signer,
            keccak256(abi.encode(SET_ACCREDITOR_TYPEHASH, signer, accreditor, active, auth.nonce, auth.deadline)),
            auth
        );
        _setAccreditor(signer, accreditor, active);
    }

    /// @inheritdoc IAccreditation
    function accredit(address practitioner, uint8 roles, uint40 validFrom, uint40 validUntil) external {
        _accredit(msg.sender, practitioner, roles, validFrom, validUntil);
    }

    /// @inheritdoc IAccreditation
    function accreditBySig(
        address accreditor,
        address practitioner,
        uint8 roles,
        uint40 validFrom,
        uint40 validUntil,
        Authorization calldata auth
    ) external {
        _authorize(accreditor, _hash(ACCREDIT_TYPEHASH, msg.data[4:164], auth), auth);
        _accredit(accreditor, practitioner, roles, validFrom, validUntil);
    }

    /// @inheritdoc IAccreditation
    function setSuspended(address practitioner, bool suspended) external {
        _setSuspended(msg.sender, practitioner, suspended);
    }

    /// @inheritdoc IAccreditation
    function setSuspendedBySig(address accreditor, address practitioner, bool suspended, Authorization calldata auth)
        external
    {
        _authorize(accreditor, _hash(SET_SUSPENDED_TYPEHASH, msg.data[4:100], auth), auth);
        _setSuspended(accreditor, practitioner, suspended);
    }

    /// @inheritdoc IAccreditation
    function transferOwnership(address successor) external {
        if (msg.sender != owner) revert NotOwner(msg.sender);
        pendingOwner = successor;
        emit OwnershipTransferStarted(msg.sender, successor);
    }

    /// @inheritdoc IAccreditation
    function acceptOwnership() external {
        if (msg.sender != pendingOwner) revert NotOwner(msg.sender);
        address previous = owner;
        owner = msg.sender;
        pendingOwner = address(0);
        emit OwnershipTransferred(previous, msg.sender);
    }

    /// @inheritdoc IAccreditation
    function practitionerOf(address practitioner) external view returns (Practitioner memory) {
        return _practitioners[practitioner];
    }

    /// @inheritdoc IAccreditation
    function isAccredited(address practitioner, uint8 roles, uint40 time)
        external
        view
        returns (bool accredited, uint40 validFrom, uint40 validUntil)
    {
        Practitioner memory stored = _practitioners[practitioner];
        if (stored.roles & roles == 0 || stored.suspended) return (false, 0, 0);
        if (time < stored.validFrom || time >= stored.validUntil) return (false, 0, 0);
        if (!isAccreditor[stored.accreditor]) return (false, 0, 0);
        return (true, stored.validFrom, stored.validUntil);
    }

    function _setAccreditor(address caller, address accreditor, bool active) private {
        if (caller != owner) revert NotOwner(caller);
        isAccreditor[accreditor] = active;
        emit AccreditorSet(accreditor, active);
    }

    function _accredit(address caller, address practitioner, uint8 roles, uint40 validFrom, uint40 validUntil) private {
        if (!isAccreditor[caller]) revert NotAccreditor(caller);
        if (roles == 0 || roles > Roles.ALL || validFrom >= validUntil) revert InvalidAccreditation();
        if (!_mayTakeOver(caller, practitioner)) revert NotItsAccreditor(caller, practitioner);

        _practitioners[practitioner] = Practitioner({
            accreditor: caller, validFrom: validFrom, validUntil: validUntil, roles: roles, suspended: false
        });
        emit Accredited(caller, practitioner, roles, validFrom, validUntil);
    }

    function _setSuspended(address caller, address practitioner, bool suspended) private {
        if (!isAccreditor[caller]) revert NotAccreditor(caller);
        if (_practitioners[practitioner].accreditor != caller) revert NotItsAccreditor(caller, practitioner);

        _practitioners[practitioner].suspended = suspended;
        emit AccreditationChanged(caller, practitioner, suspended);
    }

    /// @dev Nobody vouches for the practitioner now but, at most, the caller itself.
    function _mayTakeOver(address caller, address practitioner) private view returns (bool) {
        Practitioner memory stored = _practitioners[practitioner];
        return stored.accreditor == address(0) || stored.accreditor == caller || stored.suspended
            || block.timestamp >= stored.validUntil || !isAccreditor[stored.accreditor];
    }
}
