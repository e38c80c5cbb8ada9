// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Authorization, ISignedActions} from "./ISignedActions.sol";

/// @notice The salted pseudonym of a grantee for one patient and one kind of right: keccak256(grantee20 ‖ salt32).
type Tag is bytes32;

/// @notice The kind of scope of a grant. For a record, the scope id is the record id; for a category, it is the
///         category in the low bytes; for everything, it is zero.
enum ScopeKind {
    Record,
    Category,
    All
}

/// @notice The terms of a grant, packed as in storage and in the event, from the lowest bit: notBefore 40 · notAfter 40
///         · epoch 32 · patient epoch 32 · purposes 16 · rights 8 · scope kind 8. Rights: READ 1, WRITE 2. Zero rights:
///         revoked, or never granted.
type Terms is uint256;

/// @notice One scope of a signed Grant.
/// @param kind The kind of scope.
/// @param id Record id, category, or zero.
/// @param epoch The grant epoch that it replaces (0 if there never was a grant).
/// @param bundleHash SHA-256 of the capsules that belong to it; zero for WRITE.
struct Scope {
    ScopeKind kind;
    bytes32 id;
    uint32 epoch;
    bytes32 bundleHash;
}

/// @notice The rights that a patient gives to one tag, over one scope or several.
/// @param tag The grantee's tag for this patient and this right.
/// @param rights Exactly one of READ 1 and WRITE 2. WRITE may not cover a single record.
/// @param purposes Bit set of PurposeOfUse codes.
/// @param notBefore First second of the grant.
/// @param notAfter First second after it.
/// @param patientEpoch The patient's epoch at the time of signing.
/// @param scopes At least one, at most 64.
struct NewGrant {
    Tag tag;
    uint8 rights;
    uint16 purposes;
    uint40 notBefore;
    uint40 notAfter;
    uint32 patientEpoch;
    Scope[] scopes;
}

/// @notice Identifies one grant of a patient.
struct GrantRef {
    Tag tag;
    ScopeKind kind;
    bytes32 id;
}

/// @title The grants that patients give.
interface IGrantRegistry is ISignedActions {
    /// @notice The person who can open `tag` may use the rights in `terms` on `scopeId` from this block on.
    /// @dev Readers may rely on: 1. only the patient caused it; 2. it replaces the terms of the same patient, tag,
    ///      scope kind and id; 3. its epoch is one more than the one it replaces, and there was no revocation in
    ///      between; 4. `terms` is the storage word.
    /// @dev Warning: the chain records permission. It cannot take back a key that somebody already has.
    event Granted(address indexed patient, Tag indexed tag, bytes32 indexed scopeId, Terms terms, bytes32 bundleHash);
    /// @notice The grant ended, and no Grant message that names an earlier epoch can ever succeed.
    /// @dev Readers may rely on: also emitted when there was no grant.
    event Revoked(address indexed patient, Tag indexed tag, bytes32 indexed scopeId, ScopeKind kind, uint32 epoch);
    /// @notice Every grant of the patient with an older patient epoch ended.
    /// @dev Readers may rely on: 1. only the patient caused it; 2. the epoch is one more than before, unless it was the
    ///      last one; 3. no `Revoked` is emitted for the grants that it ends. Also emitted when there was no grant.
    event AllRevoked(address indexed patient, uint32 patientEpoch);

    /// @notice The message names a different grant epoch from the current one.
    error StaleGrantEpoch(Tag tag, bytes32 scopeId, uint32 current);
    /// @notice The patient has revoked everything since this was signed.
    error StalePatientEpoch(uint32 current);
    /// @notice Rights, purposes, period, scope kind or number of scopes is out of range.
    error InvalidGrant();

    /// @notice Grants; the caller is the patient.
    function grant(NewGrant calldata newGrant) external;
    /// @notice The same, signed: `Grant(address patient,bytes32 tag,uint8 rights,uint16 purposes,uint40 notBefore,uint40 notAfter,uint32 patientEpoch,Scope[] scopes,uint256 nonce,uint256 deadline)Scope(uint8 kind,bytes32 id,uint32 epoch,bytes32 bundleHash)`.
    function grantBySig(address patient, NewGrant calldata newGrant, Authorization calldata auth) external;

    /// @notice Ends grants; the caller is the patient. Names no state, and works for every existing or future grant.
    function revoke(GrantRef[] calldata grants) external;
    /// @notice The same, signed: `Revoke(address patient,GrantRef[] grants,uint256 nonce,uint256 deadline)GrantRef(bytes32 tag,uint8 kind,bytes32 id)`.
    function revokeBySig(address patient, GrantRef[] calldata grants, Authorization calldata auth) external;

    /// @notice Ends every grant of the caller at once.
    function revokeAll() external;
    /// @notice The same, signed: `RevokeAll(address patient,uint256 nonce,uint256 deadline)`.
    function revokeAllBySig(address patient, Authorization calldata auth) external;

    /// @notice The stored terms; zero if there never was a grant. They are valid only if their patient epoch equals the
    ///         patient's.
    function termsOf(address patient, Tag tag, ScopeKind kind, bytes32 id) external view returns (Terms);
    /// @notice The patient's epoch, which every RevokeAll raises.
    function patientEpochOf(address patient) external view returns (uint32);
    /// @notice Whether the grant permits `right` for `purpose` at `time`, and its period. Does not check the
    ///         accreditation.
    /// @param right READ 1 or WRITE 2.
    /// @param purpose A bit of the purpose mask, or 0 for any purpose.
    function isGranted(address patient, Tag tag, ScopeKind kind, bytes32 id, uint8 right, uint16 purpose, uint40 time)
        external
        view
        returns (bool granted, uint40 notBefore, uint40 notAfter);
}
