// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {GrantRef, IGrantRegistry, NewGrant, Scope, ScopeKind, Tag, Terms} from "./interfaces/IGrantRegistry.sol";
import {Authorization} from "./interfaces/ISignedActions.sol";
import {Purposes, Rights} from "./libraries/Codes.sol";
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
    /// @dev Epochs stop here instead of wrapping: nothing can be granted in the last epoch, so revoking always works.
    uint32 private constant LAST_EPOCH = type(uint32).max;

    mapping(address patient => mapping(Tag tag => mapping(ScopeKind kind => mapping(bytes32 id => Terms terms))))
        private _terms;

    /// @inheritdoc IGrantRegistry
    mapping(address patient => uint32 epoch) public patientEpochOf;

    /// @inheritdoc IGrantRegistry
    function grant(NewGrant calldata newGrant) external {
        _grant(msg.sender, newGrant);
    }

    /// @inheritdoc IGrantRegistry
    function grantBySig(address patient, NewGrant calldata newGrant, Authorization calldata auth) external {
        _authorize(
            patient,
            keccak256(
                abi.encode(
                    GRANT_TYPEHASH,
                    patient,
                    newGrant.tag,
                    newGrant.rights,
                    newGrant.purposes,
                    newGrant.notBefore,
                    newGrant.notAfter,
                    newGrant.patientEpoch,
                    _hash(newGrant.scopes),
                    auth.nonce,
                    auth.deadline
                )
            ),
            auth
        );
        _grant(patient, newGrant);
    }

    /// @inheritdoc IGrantRegistry
    function revoke(GrantRef[] calldata grants) external {
        _revoke(msg.sender, grants);
    }

    /// @inheritdoc IGrantRegistry
    function revokeBySig(address patient, GrantRef[] calldata grants, Authorization calldata auth) external {
        _authorize(
            patient, keccak256(abi.encode(REVOKE_TYPEHASH, patient, _hash(grants), auth.nonce, auth.deadline)), auth
        );
        _revoke(patient, grants);
    }

    /// @inheritdoc IGrantRegistry
    function revokeAll() external {
        _revokeAll(msg.sender);
    }

    /// @inheritdoc IGrantRegistry
    function revokeAllBySig(address patient, Authorization calldata auth) external {
        _authorize(patient, keccak256(abi.encode(REVOKE_ALL_TYPEHASH, patient, auth.nonce, auth.deadline)), auth);
        _revokeAll(patient);
    }

    /// @inheritdoc IGrantRegistry
    function termsOf(address patient, Tag tag, ScopeKind kind, bytes32 id) external view returns (Terms) {
        return _terms[patient][tag][kind][id];
    }

    /// @inheritdoc IGrantRegistry
    function isGranted(address patient, Tag tag, ScopeKind kind, bytes32 id, uint8 right, uint16 purpose, uint40 time)
        external
        view
        returns (bool granted, uint40 notBefore, uint40 notAfter)
    {
        if (right != Rights.READ && right != Rights.WRITE) return (false, 0, 0);
        if (purpose != 0 && !Purposes.isSingle(purpose)) return (false, 0, 0);
        Terms terms = _terms[patient][tag][kind][id];
        if (terms.rights() & right == 0) return (false, 0, 0);
        if (terms.purposes() & purpose != purpose) return (false, 0, 0);
        (notBefore, notAfter) = terms.period();
        if (time < notBefore || time >= notAfter) return (false, 0, 0);
        if (terms.patientEpoch() != patientEpochOf[patient]) return (false, 0, 0);
        return (true, notBefore, notAfter);
    }

    function _grant(address patient, NewGrant calldata newGrant) private {
        if (!_isInRange(newGrant)) revert InvalidGrant();
        uint32 patientEpoch = patientEpochOf[patient];
        if (newGrant.patientEpoch != patientEpoch) revert StalePatientEpoch(patientEpoch);
        if (patientEpoch == LAST_EPOCH) revert InvalidGrant();

        Terms shared =
            TermsLib.shared(newGrant.notBefore, newGrant.notAfter, patientEpoch, newGrant.purposes, newGrant.rights);
        mapping(ScopeKind kind => mapping(bytes32 id => Terms terms)) storage stored = _terms[patient][newGrant.tag];
        for (uint256 i = 0; i < newGrant.scopes.length; ++i) {
            Scope calldata scope = newGrant.scopes[i];
            if (!_isInRange(scope, newGrant.rights)) revert InvalidGrant();
            uint32 epoch = stored[scope.kind][scope.id].epoch();
            if (scope.epoch != epoch) revert StaleGrantEpoch(newGrant.tag, scope.id, epoch);
            if (epoch == LAST_EPOCH) revert InvalidGrant();

            Terms terms = shared.forScope(epoch + 1, scope.kind);
            stored[scope.kind][scope.id] = terms;
            emit Granted(patient, newGrant.tag, scope.id, terms, scope.bundleHash);
        }
    }

    function _revoke(address patient, GrantRef[] calldata grants) private {
        for (uint256 i = 0; i < grants.length; ++i) {
            GrantRef calldata ref = grants[i];
            uint32 epoch = _next(_terms[patient][ref.tag][ref.kind][ref.id].epoch());
            _terms[patient][ref.tag][ref.kind][ref.id] = TermsLib.ended(epoch, ref.kind);
            emit Revoked(patient, ref.tag, ref.id, ref.kind, epoch);
        }
    }

    function _revokeAll(address patient) private {
        uint32 epoch = _next(patientEpochOf[patient]);
        patientEpochOf[patient] = epoch;
        emit AllRevoked(patient, epoch);
    }

    function _next(uint32 epoch) private pure returns (uint32) {
        return epoch == LAST_EPOCH ? epoch : epoch + 1;
    }

    /// @dev Exactly one right, known purposes (READ needs at least one), a period, and a bounded number of scopes.
    function _isInRange(NewGrant calldata newGrant) private pure returns (bool) {
        if (newGrant.rights != Rights.READ && newGrant.rights != Rights.WRITE) return false;
        if (newGrant.purposes > Purposes.ALL) return false;
        if (newGrant.rights == Rights.READ && newGrant.purposes == 0) return false;
        if (newGrant.notBefore >= newGrant.notAfter) return false;
        return newGrant.scopes.length != 0 && newGrant.scopes.length <= MAX_SCOPES;
    }

    /// @dev The id fits the kind; WRITE covers no single record and has no bundle.
    function _isInRange(Scope calldata scope, uint8 right) private pure returns (bool) {
        if (right == Rights.WRITE && (scope.kind == ScopeKind.Record || scope.bundleHash != 0)) return false;
        if (scope.kind == ScopeKind.Category) return uint256(scope.id) <= type(uint16).max;
        if (scope.kind == ScopeKind.All) return scope.id == 0;
        return true;
    }

    /// @dev EIP-712 encoding of `Scope[]`: keccak256 of the struct hashes.
    function _hash(Scope[] calldata scopes) private pure returns (bytes32) {
        bytes32[] memory hashes = new bytes32[](scopes.length);
        for (uint256 i = 0; i < scopes.length; ++i) {
            hashes[i] = keccak256(abi.encode(SCOPE_TYPEHASH, scopes[i]));
        }
        return keccak256(abi.encodePacked(hashes));
    }

    /// @dev EIP-712 encoding of `GrantRef[]`: keccak256 of the struct hashes.
    function _hash(GrantRef[] calldata grants) private pure returns (bytes32) {
        bytes32[] memory hashes = new bytes32[](grants.length);
        for (uint256 i = 0; i < grants.length; ++i) {
            hashes[i] = keccak256(abi.encode(GRANT_REF_TYPEHASH, grants[i]));
        }
        return keccak256(abi.encodePacked(hashes));
    }
}
