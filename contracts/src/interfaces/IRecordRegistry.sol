// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Authorization, ISignedActions} from "./ISignedActions.sol";

/// @notice A record id: keccak256(uploader20 ‖ salt32) of the first uploader.
type RecordId is bytes32;

/// @notice Where a record stands. It only ever moves to the right.
enum RecordStatus {
    None,
    Active,
    Superseded,
    Tombstoned
}

/// @notice What the chain remembers of a record; digests stand in the events. One storage slot.
struct Record {
    address patient;
    uint40 created;
    uint16 category;
    uint16 version;
    RecordStatus status;
    uint8 codec;
}

/// @notice The first version of a record.
/// @param patient Whose record it is.
/// @param salt Random; opens the record id for its uploader.
/// @param category Coarse folder, 0 = unspecified.
/// @param codec CID codec of the envelope: 0x55 raw or 0x70 dag-pb.
/// @param digest SHA-256 multihash digest of the envelope's CID.
/// @param writeSalt Opens the uploader's WRITE tag; zero when the patient uploads.
struct NewRecord {
    address patient;
    bytes32 salt;
    uint16 category;
    uint8 codec;
    bytes32 digest;
    bytes32 writeSalt;
}

/// @notice A further version of a record.
/// @param record Which record.
/// @param version The version that it replaces.
/// @param codec CID codec of the envelope: 0x55 raw or 0x70 dag-pb.
/// @param digest SHA-256 multihash digest of the envelope's CID.
/// @param salt Opens the record id for its first uploader; zero when the patient uploads.
/// @param writeSalt Opens the uploader's WRITE tag; zero when the patient uploads.
struct NewVersion {
    RecordId record;
    uint16 version;
    uint8 codec;
    bytes32 digest;
    bytes32 salt;
    bytes32 writeSalt;
}

/// @title Which records exist, whose they are, and the digest of every version.
interface IRecordRegistry is ISignedActions {
    /// @notice Version `version` of record `id` of `patient` is the envelope with this digest.
    /// @dev Readers may rely on: 1. versions of one id count up from 1 without gaps; 2. patient and category never
    ///      change; 3. the uploader was the patient, or accredited and holding a WRITE grant in this block.
    /// @dev Warning: anyone can register anyone's digest under an id of their own; the envelope's header decides.
    event RecordRegistered(
        RecordId indexed id,
        address indexed patient,
        uint16 indexed category,
        address uploader,
        uint16 version,
        uint8 codec,
        bytes32 digest
    );
    /// @notice The record was superseded (still readable) or tombstoned (never readable again, final).
    /// @dev Readers may rely on: 1. only the patient or the record's first uploader caused it; 2. the status is another one
    ///      than before and never goes back; 3. after tombstoned nothing follows for this record.
    event RecordStatusChanged(RecordId indexed id, address indexed patient, RecordStatus status);

    /// @notice No record has this id.
    error UnknownRecord(RecordId id);
    /// @notice This uploader has used this salt before.
    error RecordExists(RecordId id);
    /// @notice The record was tombstoned.
    error RecordIsTombstoned(RecordId id);
    /// @notice The message names another version than the one it would replace.
    error StaleVersion(uint16 current);
    /// @notice Neither the patient, nor an accredited uploader with a WRITE grant.
    error UploadNotAllowed(address uploader);
    /// @notice Neither the patient nor the first uploader.
    error StatusChangeNotAllowed(address caller);
    /// @notice The status would not move forward, or is not one that can be set.
    error InvalidStatus(RecordStatus current);
    /// @notice Category, codec, digest or patient is out of range.
    error InvalidRecord();

    /// @notice Registers the first version of a record; the caller is the uploader.
    function registerRecord(NewRecord calldata record) external;
    /// @notice The same, signed: `RegisterRecord(address uploader,address patient,bytes32 salt,uint16 category,uint8 codec,bytes32 digest,bytes32 writeSalt,uint256 nonce,uint256 deadline)`.
    function registerRecordBySig(address uploader, NewRecord calldata record, Authorization calldata auth) external;

    /// @notice Registers a further version: the patient, or the first uploader who still may write.
    function registerVersion(NewVersion calldata version) external;
    /// @notice The same, signed: `RegisterVersion(address uploader,bytes32 record,uint16 version,uint8 codec,bytes32 digest,bytes32 salt,bytes32 writeSalt,uint256 nonce,uint256 deadline)`.
    function registerVersionBySig(address uploader, NewVersion calldata version, Authorization calldata auth) external;

    /// @notice Supersedes or tombstones a record: the patient (salt zero), or the first uploader who opens the id.
    function setRecordStatus(RecordId record, RecordStatus status, bytes32 salt) external;
    /// @notice The same, signed: `SetRecordStatus(address signer,bytes32 record,uint8 status,bytes32 salt,uint256 nonce,uint256 deadline)`.
    function setRecordStatusBySig(
        address signer,
        RecordId record,
        RecordStatus status,
        bytes32 salt,
        Authorization calldata auth
    ) external;

    /// @notice The stored record; all zero where there is none.
    function recordOf(RecordId record) external view returns (Record memory);

    /// @notice Whether whoever opens a READ tag as `grantee` with `salt` may read the record for `purpose` at `time`.
    /// @dev Joins the record (not tombstoned), its three scopes, the patient's epoch, the period, and accreditation,
    ///      which every purpose but FAMRQT and PATRQT requires. Never reverts for an unknown record.
    /// @param purpose Exactly one bit of the purpose mask.
    /// @param time Seconds; the caller passes the later of its clock and the block's time.
    /// @return allowed The answer.
    /// @return notBefore First second of the period in which the answer stays yes, all else unchanged.
    /// @return notAfter First second after it.
    function isAllowed(RecordId record, address grantee, bytes32 salt, uint16 purpose, uint40 time)
        external
        view
        returns (bool allowed, uint40 notBefore, uint40 notAfter);
}
