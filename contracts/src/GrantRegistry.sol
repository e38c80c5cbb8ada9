// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {StorageSlot} from "@openzeppelin/contracts/utils/StorageSlot.sol";
import {EfficientHashLib} from "solady/utils/EfficientHashLib.sol";

import {GrantRef, IGrantRegistry, NewGrant, Scope, ScopeKind, Tag, Terms} from "./interfaces/IGrantRegistry.sol";
import {Authorization} from "./interfaces/ISignedActions.sol";
import {Purposes, Rights} from "./libraries/Codes.sol";
import {Hashes} from "./libraries/Hashes.sol";
import {TermsLib} from "./libraries/TermsLib.sol";
import {SignedActions} from "./SignedActions.sol";

/// @title GrantRegistry
contract GrantRegistry is IGrantRegistry, SignedActions {
    using TermsLib for Terms;

    bytes32 private constant GRANT_TYPEHASH = keccak256(
        "Grant(address patient,bytes32 tag,uint8 rights,uint16 purposes,uint40 notBefore,uint40 notAfter,uint32 patientEpoch,Scope[] scopes,uint256 nonce,uint256 deadline)Scope(uint8 kind,bytes32 id,uint32 epoch,bytes32 bundleHash)"
    );
    bytes32 private constant SCOPE_TYPEHASH = keccak256("Scope(uint8 kind,bytes32 id,uint32 epoch,bytes32 bundleHash)");
    bytes32 private constant REVOKE_TYPEHASH = keccak256(
        "Revoke(address patient,GrantRef[] grants,uint256 nonce,uint256 deadline)GrantRef(bytes32 tag,uint8 kind,bytes32 id)"
    );
    bytes32 private constant GRANT_REF_TYPEHASH = keccak256("GrantRef(bytes32 tag,uint8 kind,bytes32 id)");
    bytes32 private constant REVOKE_ALL_TYPEHASH =
        keccak256("RevokeAll(address patient,uint256 nonce,uint256 deadline)");

    uint256 private constant MAX_SCOPES = 64;
    /// @dev The last epoch, so that epochs do not wrap. Nothing can be granted in it, so revoking always works.
    uint32 private constant LAST_EPOCH = type(uint32).max;

    /// @dev An epoch fills its slot, so that Solidity need not read the slot again to write it.
    mapping(address patient => uint256 epoch) private _patientEpochs;

    /// @inheritdoc IGrantRegistry
    function grant(NewGrant calldata newGrant) external {
        _grant(msg.sender, newGrant.tag, _sharedTerms(newGrant), newGrant.scopes);
    }

    /// @inheritdoc IGrantRegistry
    function grantBySig(address patient, NewGrant calldata newGrant, Authorization calldata auth) external {
        (Tag tag, Terms shared, Scope[] calldata scopes) = (newGrant.tag, _sharedTerms(newGrant), newGrant.scopes);
        _authorize(patient, _hash(patient, newGrant, scopes, auth), auth);
        _grant(patient, tag, shared, scopes);
    }

    /// @inheritdoc IGrantRegistry
    function revoke(GrantRef[] calldata grants) external {
        _revoke(msg.sender, grants);
    }

    /// @inheritdoc IGrantRegistry
    function revokeBySig(address patient, GrantRef[] calldata grants, Authorization calldata auth) external {
        _authorize(patient, _hash(patient, grants, auth), auth);
        _revoke(patient, grants);
    }

    /// @inheritdoc IGrantRegistry
    function revokeAll() external {
        _revokeAll(msg.sender);
    }

    /// @inheritdoc IGrantRegistry
    function revokeAllBySig(address patient, Authorization calldata auth) external {
        _authorize(patient, Hashes.message(REVOKE_ALL_TYPEHASH, 1, auth), auth);
        _revokeAll(patient);
    }

    /// @inheritdoc IGrantRegistry
    function termsOf(address patient, Tag tag, ScopeKind kind, bytes32 id) external view returns (Terms) {
        return Terms.wrap(_slotOf(patient, tag, kind, id).value);
    }

    /// @inheritdoc IGrantRegistry
    function patientEpochOf(address patient) public view returns (uint32) {
        // forge-lint: disable-next-line(unsafe-typecast) only _revokeAll writes it, a uint32
        return uint32(_patientEpochs[patient]);
    }

    /// @inheritdoc IGrantRegistry
    function isGranted(address patient, Tag tag, ScopeKind kind, bytes32 id, uint8 right, uint16 purpose, uint40 time)
        external
        view
        returns (bool granted, uint40 notBefore, uint40 notAfter)
    {
        if (right != Rights.READ && right != Rights.WRITE) return (false, 0, 0);
        if (purpose != 0 && !Purposes.isSingle(purpose)) return (false, 0, 0);
        Terms terms = Terms.wrap(_slotOf(patient, tag, kind, id).value);
        if (terms.rights() & right == 0) return (false, 0, 0);
        if (terms.purposes() & purpose != purpose) return (false, 0, 0);
        (notBefore, notAfter) = terms.period();
        if (time < notBefore || time >= notAfter) return (false, 0, 0);
        if (terms.patientEpoch() != patientEpochOf(patient)) return (false, 0, 0);
        return (true, notBefore, notAfter);
    }

    function _grant(address patient, Tag tag, Terms shared, Scope[] calldata scopes) private {
        if (scopes.length == 0) revert InvalidGrant();
        if (scopes.length > MAX_SCOPES) revert InvalidGrant();
        uint32 patientEpoch = patientEpochOf(patient);
        if (shared.patientEpoch() != patientEpoch) revert StalePatientEpoch(patientEpoch);
        if (patientEpoch == LAST_EPOCH) revert InvalidGrant();

        for (uint256 i = 0; i < scopes.length; ++i) {
            Scope calldata scope = scopes[i];
            (ScopeKind kind, bytes32 id, bytes32 bundleHash) = (scope.kind, scope.id, scope.bundleHash);
            if (!_isInRange(kind, id, bundleHash, shared.rights())) revert InvalidGrant();
            StorageSlot.Uint256Slot storage slot = _slotOf(patient, tag, kind, id);
            uint32 epoch = Terms.wrap(slot.value).epoch();
            if (scope.epoch != epoch) revert StaleGrantEpoch(tag, id, epoch);
            if (epoch == LAST_EPOCH) revert InvalidGrant();

            Terms terms = shared.forScope(_next(epoch), kind);
            slot.value = Terms.unwrap(terms);
            emit Granted(patient, tag, id, terms, bundleHash);
        }
    }

    function _revoke(address patient, GrantRef[] calldata grants) private {
        for (uint256 i = 0; i < grants.length; ++i) {
            GrantRef calldata ref = grants[i];
            (Tag tag, ScopeKind kind, bytes32 id) = (ref.tag, ref.kind, ref.id);
            StorageSlot.Uint256Slot storage slot = _slotOf(patient, tag, kind, id);
            uint32 epoch = _next(Terms.wrap(slot.value).epoch());
            slot.value = Terms.unwrap(TermsLib.ended(epoch, kind));
            emit Revoked(patient, tag, id, kind, epoch);
        }
    }

    function _revokeAll(address patient) private {
        uint32 epoch = _next(patientEpochOf(patient));
        _patientEpochs[patient] = epoch;
        emit AllRevoked(patient, epoch);
    }

    function _next(uint32 epoch) private pure returns (uint32) {
        unchecked {
            return epoch == LAST_EPOCH ? epoch : epoch + 1;
        }
    }

    /// @dev The storage slot of a grant's terms: keccak256(patient ‖ tag ‖ scope kind ‖ scope id), one word each. These
    ///      are 128 bytes. For a mapping by a value type, the only kind here, Solidity hashes 64 bytes, so the slots
    ///      cannot collide.
    function _slotOf(address patient, Tag tag, ScopeKind kind, bytes32 id)
        private
        pure
        returns (StorageSlot.Uint256Slot storage)
    {
        return StorageSlot.getUint256Slot(
            EfficientHashLib.hash(bytes32(uint256(uint160(patient))), Tag.unwrap(tag), bytes32(uint256(kind)), id)
        );
    }

    /// @dev The part of the terms that all scopes share. Checks it: exactly one right, known purposes (READ needs at
    ///      least one), and a period that is not empty.
    function _sharedTerms(NewGrant calldata newGrant) private pure returns (Terms) {
        (uint8 right, uint16 purposes) = (newGrant.rights, newGrant.purposes);
        (uint40 notBefore, uint40 notAfter) = (newGrant.notBefore, newGrant.notAfter);
        if (right == Rights.READ ? purposes == 0 : right != Rights.WRITE) revert InvalidGrant();
        if (purposes > Purposes.ALL) revert InvalidGrant();
        if (notBefore >= notAfter) revert InvalidGrant();
        return TermsLib.shared(notBefore, notAfter, newGrant.patientEpoch, purposes, right);
    }

    /// @dev Whether the id fits the kind; WRITE may not cover a single record or have a bundle.
    function _isInRange(ScopeKind kind, bytes32 id, bytes32 bundleHash, uint8 right) private pure returns (bool) {
        if (right == Rights.WRITE && (kind == ScopeKind.Record || bundleHash != 0)) return false;
        if (kind == ScopeKind.Record) return true;
        return uint256(id) <= (kind == ScopeKind.Category ? type(uint16).max : 0);
    }

    /// @dev EIP-712 struct hash of Grant.
    function _hash(address patient, NewGrant calldata newGrant, Scope[] calldata scopes, Authorization calldata auth)
        private
        pure
        returns (bytes32)
    {
        bytes32 scopesHash = Hashes.array(SCOPE_TYPEHASH, scopes);
        return Hashes.message(GRANT_TYPEHASH, patient, Hashes.words(newGrant), scopesHash, auth);
    }

    /// @dev EIP-712 struct hash of Revoke.
    function _hash(address patient, GrantRef[] calldata grants, Authorization calldata auth)
        private
        pure
        returns (bytes32)
    {
        bytes32 grantsHash = Hashes.array(GRANT_REF_TYPEHASH, grants);
        return EfficientHashLib.hash(
            uint256(REVOKE_TYPEHASH), uint256(uint160(patient)), uint256(grantsHash), auth.nonce, auth.deadline
        );
    }
}
