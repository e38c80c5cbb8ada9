// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IAccreditation, Practitioner} from "./interfaces/IAccreditation.sol";
import {Authorization} from "./interfaces/ISignedActions.sol";
import {Roles} from "./libraries/Codes.sol";
import {Hashes} from "./libraries/Hashes.sol";
import {PractitionerLib, PractitionerWord, StandingLib, StandingWord} from "./libraries/PractitionerLib.sol";
import {SignedActions} from "./SignedActions.sol";

/// @title Accreditation
contract Accreditation is IAccreditation, SignedActions {
    bytes32 private constant ADD_ACCREDITOR_TYPEHASH =
        keccak256("AddAccreditor(address owner,address accreditor,uint32 epoch,uint256 nonce,uint256 deadline)");
    bytes32 private constant REMOVE_ACCREDITOR_TYPEHASH =
        keccak256("RemoveAccreditor(address owner,address accreditor,uint256 nonce,uint256 deadline)");
    bytes32 private constant ACCREDIT_TYPEHASH = keccak256(
        "Accredit(address accreditor,address practitioner,uint8 roles,uint40 validFrom,uint40 validUntil,uint32 epoch,uint32 accreditorEpoch,uint256 nonce,uint256 deadline)"
    );
    bytes32 private constant SUSPEND_TYPEHASH =
        keccak256("Suspend(address accreditor,address practitioner,uint256 nonce,uint256 deadline)");

    /// @dev The last epoch of an accreditor, so that epochs do not wrap. Nobody can be named in it, so removing always
    ///      works.
    uint32 private constant LAST_EPOCH = type(uint32).max;
    /// @dev The lowest bit of an accreditor's word. The epoch is above it.
    uint256 private constant ACTIVE = 1;

    /// @inheritdoc IAccreditation
    address public owner;
    /// @inheritdoc IAccreditation
    address public pendingOwner;
    /// @dev Whether the accreditor is ACTIVE, and above that the epoch.
    mapping(address accreditor => uint256 word) private _accreditors;

    /// @dev Two words. A suspension changes only the second one.
    struct Slot {
        PractitionerWord accreditation;
        StandingWord standing;
    }

    mapping(address practitioner => Slot slot) private _practitioners;

    /// @param firstOwner The owner, who names the accreditors: a multisig in production.
    constructor(address firstOwner) {
        if (firstOwner == address(0)) revert NotOwner(firstOwner);
        owner = firstOwner;
        emit OwnershipTransferred(address(0), firstOwner);
    }

    /// @inheritdoc IAccreditation
    function addAccreditor(address accreditor, uint32 epoch) external {
        _addAccreditor(msg.sender, accreditor, epoch);
    }

    /// @inheritdoc IAccreditation
    function addAccreditorBySig(address accreditor, uint32 epoch, Authorization calldata auth) external {
        address signer = owner;
        _authorize(
            signer,
            keccak256(abi.encode(ADD_ACCREDITOR_TYPEHASH, signer, accreditor, epoch, auth.nonce, auth.deadline)),
            auth
        );
        _addAccreditor(signer, accreditor, epoch);
    }

    /// @inheritdoc IAccreditation
    function removeAccreditor(address accreditor) external {
        _removeAccreditor(msg.sender, accreditor);
    }

    /// @inheritdoc IAccreditation
    function removeAccreditorBySig(address accreditor, Authorization calldata auth) external {
        address signer = owner;
        _authorize(
            signer,
            keccak256(abi.encode(REMOVE_ACCREDITOR_TYPEHASH, signer, accreditor, auth.nonce, auth.deadline)),
            auth
        );
        _removeAccreditor(signer, accreditor);
    }

    /// @inheritdoc IAccreditation
    function accredit(
        address practitioner,
        uint8 roles,
        uint40 validFrom,
        uint40 validUntil,
        uint32 epoch,
        uint32 accreditorEpoch
    ) external {
        _accredit(msg.sender, practitioner, roles, validFrom, validUntil, epoch, accreditorEpoch);
    }

    /// @inheritdoc IAccreditation
    function accreditBySig(
        address accreditor,
        address practitioner,
        uint8 roles,
        uint40 validFrom,
        uint40 validUntil,
        uint32 epoch,
        uint32 accreditorEpoch,
        Authorization calldata auth
    ) external {
        _authorize(accreditor, Hashes.message(ACCREDIT_TYPEHASH, 7, auth), auth);
        _accredit(accreditor, practitioner, roles, validFrom, validUntil, epoch, accreditorEpoch);
    }

    /// @inheritdoc IAccreditation
    function suspend(address practitioner) external {
        _suspend(msg.sender, practitioner);
    }

    /// @inheritdoc IAccreditation
    function suspendBySig(address accreditor, address practitioner, Authorization calldata auth) external {
        _authorize(accreditor, Hashes.message(SUSPEND_TYPEHASH, 2, auth), auth);
        _suspend(accreditor, practitioner);
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
    function isAccreditor(address accreditor) public view returns (bool) {
        return _accreditors[accreditor] & ACTIVE != 0;
    }

    /// @inheritdoc IAccreditation
    function accreditorEpochOf(address accreditor) public view returns (uint32) {
        return uint32(_accreditors[accreditor] >> 1);
    }

    /// @inheritdoc IAccreditation
    function practitionerOf(address practitioner) external view returns (Practitioner memory) {
        Slot storage slot = _practitioners[practitioner];
        return slot.accreditation.unpack(slot.standing);
    }

    /// @inheritdoc IAccreditation
    function isAccredited(address practitioner, uint8 roles, uint40 time)
        external
        view
        returns (bool accredited, uint40 validFrom, uint40 validUntil)
    {
        Slot storage slot = _practitioners[practitioner];
        PractitionerWord stored = slot.accreditation;
        if (stored.roles() & roles == 0) return (false, 0, 0);
        (validFrom, validUntil) = (stored.validFrom(), stored.validUntil());
        if (time < validFrom || time >= validUntil) return (false, 0, 0);
        if (!_isVouchedFor(stored.accreditor(), slot.standing)) return (false, 0, 0);
        return (true, validFrom, validUntil);
    }

    function _addAccreditor(address caller, address accreditor, uint32 epoch) private {
        if (caller != owner) revert NotOwner(caller);
        uint32 current = accreditorEpochOf(accreditor);
        if (epoch != current) revert StaleAccreditorEpoch(current);
        if (current == LAST_EPOCH) revert InvalidAccreditation();

        _accreditors[accreditor] = _activeIn(epoch + 1);
        emit AccreditorSet(accreditor, true, epoch + 1);
    }

    function _removeAccreditor(address caller, address accreditor) private {
        if (caller != owner) revert NotOwner(caller);
        uint32 epoch = accreditorEpochOf(accreditor);
        if (epoch != LAST_EPOCH) ++epoch;

        _accreditors[accreditor] = uint256(epoch) << 1;
        emit AccreditorSet(accreditor, false, epoch);
    }

    function _accredit(
        address caller,
        address practitioner,
        uint8 roles,
        uint40 validFrom,
        uint40 validUntil,
        uint32 epoch,
        uint32 accreditorEpoch
    ) private {
        uint256 word = _accreditors[caller];
        if (word & ACTIVE == 0) revert NotAccreditor(caller);
        if (word != _activeIn(accreditorEpoch)) revert StaleAccreditorEpoch(uint32(word >> 1));
        if (roles == 0 || roles > Roles.ALL) revert InvalidAccreditation();
        if (validFrom >= validUntil) revert InvalidAccreditation();
        Slot storage slot = _practitioners[practitioner];
        (PractitionerWord stored, StandingWord standing) = (slot.accreditation, slot.standing);
        uint32 current = standing.epoch();
        if (epoch != current) revert StaleAccreditationEpoch(current);
        if (current == StandingLib.LAST_EPOCH) revert InvalidAccreditation();
        if (!_mayTakeOver(caller, stored, standing)) revert NotItsAccreditor(caller, practitioner);

        slot.accreditation = PractitionerLib.create(caller, validFrom, validUntil, roles);
        slot.standing = StandingLib.create(epoch + 1, accreditorEpoch);
        emit Accredited(caller, practitioner, roles, validFrom, validUntil, epoch + 1, accreditorEpoch);
    }

    function _suspend(address caller, address practitioner) private {
        if (!isAccreditor(caller)) revert NotAccreditor(caller);
        Slot storage slot = _practitioners[practitioner];
        if (slot.accreditation.accreditor() != caller) revert NotItsAccreditor(caller, practitioner);
        StandingWord standing = slot.standing;
        uint32 epoch = standing.epoch();
        if (epoch != StandingLib.LAST_EPOCH) ++epoch;

        slot.standing = standing.withSuspension(epoch);
        emit AccreditationChanged(caller, practitioner, true, epoch);
    }

    /// @dev Whether no accreditor except the caller vouches for the practitioner now.
    function _mayTakeOver(address caller, PractitionerWord stored, StandingWord standing) private view returns (bool) {
        address accreditor = stored.accreditor();
        return accreditor == address(0) || accreditor == caller || block.timestamp < stored.validFrom()
            || block.timestamp >= stored.validUntil() || !_isVouchedFor(accreditor, standing);
    }

    /// @dev Whether the practitioner is not suspended, and its accreditor is active in the same epoch in which it
    ///      vouched.
    function _isVouchedFor(address accreditor, StandingWord standing) private view returns (bool) {
        return !standing.suspended() && _accreditors[accreditor] == _activeIn(standing.accreditorEpoch());
    }

    /// @dev The word of an accreditor that is active in this epoch.
    function _activeIn(uint32 epoch) private pure returns (uint256) {
        return uint256(epoch) << 1 | ACTIVE;
    }
}
