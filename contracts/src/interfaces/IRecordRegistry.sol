// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Authorization, ISignedActions} from "./ISignedActions.sol";

/// @notice A record id: keccak256(uploader20 ‖ salt32) of the first uploader.
type RecordId is bytes32;

/// @notice The status of a record. Only its patient changes it: forward in this order, and from Tombstoned back to the
///         earlier status by lifting the tombstone in time.
enum RecordStatus {
    None,
    Active,
    Superseded,
    Tombstoned
}

/// @notice The stored part of a record. The events contain the digests. One storage slot.
/// @param patient The patient.
/// @param created Block time of the first version.
/// @param category The coarse category, 0 = unspecified.
/// @param version The newest version.
/// @param status The status.
/// @param codec CID codec of the newest version.
/// @param retracted The uploader warns not to rely on its versions up to this one; 0 for none.
struct Record {
    address patient;
    uint40 created;
    uint16 category;
    uint16 version;
    RecordStatus status;
    uint8 codec;
    uint16 retracted;
}

/// @notice The stored part of a record's tombstone. A separate storage slot, used from the first tombstone on.
/// @param epoch How often the record was tombstoned or its tombstone lifted. `Tombstone` and `LiftTombstone` name it.
/// @param liftableUntil The first second at which the tombstone is final; zero if there is none.
struct Tombstone {
    uint32 epoch;
    uint40 liftableUntil;
}

/// @notice The first version of a record.
/// @param patient The patient.
/// @param salt Random; opens the record id for its uploader.
/// @param category The coarse category, 0 = unspecified.
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
/// @param record The record.
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

/// @title The records, their patients, and the digest of every version.
interface IRecordRegistry is ISignedActions {
    /// @notice Version `version` of record `id` of `patient` is the envelope with this digest.
    /// @dev Readers may rely on: 1. the versions of one id count up from 1 without gaps; 2. patient and category never
    ///      change; 3. the uploader was the patient, or was accredited and had a WRITE grant in this block.
    /// @dev Warning: anyone can register any digest under an id of their own. The header of the envelope decides.
    event RecordRegistered(
        RecordId indexed id,
        address indexed patient,
        uint16 indexed category,
        address uploader,
        uint16 version,
        uint8 codec,
        bytes32 digest
    );
    /// @notice The patient superseded the record (still readable), tombstoned it (not readable from this block on), or
    ///         lifted its tombstone (it has its earlier status again).
    /// @dev Readers may rely on: 1. only the patient caused it; 2. `epoch` counts the record's tombstones and lifts,
    ///      and each of them raises it by one, unless it was the last one; nothing else changes it; 3. `liftableUntil`
    ///      is zero unless the status is Tombstoned; then it is the first second at which no lift can succeed any more,
    ///      so that the record stays tombstoned for ever; 4. tombstoning a tombstoned record does not change
    ///      `liftableUntil`.
    event RecordStatusChanged(
        RecordId indexed id, address indexed patient, RecordStatus status, uint32 epoch, uint40 liftableUntil
    );
    /// @notice The record's first uploader warns not to rely on its versions up to `version`.
    /// @dev Readers may rely on: 1. the record id was computed from `uploader`, which is not the patient, and was
    ///      accredited and had a WRITE grant in this block; 2. `version` exists and is higher than in every earlier
    ///      such event.
    /// @dev Warning: nothing is deleted, and permissions do not change. Later versions are not affected.
    event RecordRetracted(RecordId indexed id, address indexed patient, address uploader, uint16 version);

    /// @notice No record has this id.
    error UnknownRecord(RecordId id);
    /// @notice This uploader has used this salt before.
    error RecordExists(RecordId id);
    /// @notice The record was tombstoned.
    error RecordIsTombstoned(RecordId id);
    /// @notice The message names a different version from the current one.
    error StaleVersion(uint16 current);
    /// @notice The caller is neither the patient, nor an accredited uploader with a WRITE grant.
    error UploadNotAllowed(address uploader);
    /// @notice Only the patient of the record may do this.
    error NotItsPatient(address caller);
    /// @notice Only the first uploader of the record, who is not its patient, may do this.
    error NotItsUploader(address caller);
    /// @notice The record does not have the required status: active to be superseded, tombstoned to be lifted.
    error InvalidStatus(RecordStatus current);
    /// @notice The message names a different epoch of the record's tombstone from the current one.
    error StaleTombstone(uint32 current);
    /// @notice The time in which the tombstone could be lifted is over.
    error LiftPeriodOver(uint40 liftableUntil);
    /// @notice This version does not exist, or was already retracted.
    error InvalidRetraction(uint16 retracted, uint16 version);
    /// @notice Category, codec, digest or patient is out of range.
    error InvalidRecord();
    /// @notice The lift period must be at least a second and at most a year.
    error InvalidLiftPeriod();

    /// @notice Registers the first version of a record; the caller is the uploader.
    function registerRecord(NewRecord calldata record) external;
    /// @notice The same, signed: `RegisterRecord(address uploader,address patient,bytes32 salt,uint16 category,uint8 codec,bytes32 digest,bytes32 writeSalt,uint256 nonce,uint256 deadline)`.
    function registerRecordBySig(address uploader, NewRecord calldata record, Authorization calldata auth) external;

    /// @notice Registers a further version; the caller is the patient, or the first uploader, who must still have
    ///         WRITE.
    function registerVersion(NewVersion calldata version) external;
    /// @notice The same, signed: `RegisterVersion(address uploader,bytes32 record,uint16 version,uint8 codec,bytes32 digest,bytes32 salt,bytes32 writeSalt,uint256 nonce,uint256 deadline)`.
    function registerVersionBySig(address uploader, NewVersion calldata version, Authorization calldata auth) external;

    /// @notice Marks an active record as replaced by something newer; the caller is the patient. It stays readable.
    /// @param version The newest version, which is the one that the patient has seen.
    function supersede(RecordId record, uint16 version) external;
    /// @notice The same, signed: `Supersede(address patient,bytes32 record,uint16 version,uint256 nonce,uint256 deadline)`.
    function supersedeBySig(address patient, RecordId record, uint16 version, Authorization calldata auth) external;

    /// @notice Closes a record for everybody; the caller is the patient. Names no state and always works, even if the
    ///         record is already tombstoned. In that case it only prevents that a lift that names the earlier epoch
    ///         succeeds.
    function tombstone(RecordId record) external;
    /// @notice Closes a record that is not tombstoned, signed:
    /// `Tombstone(address patient,bytes32 record,uint32 epoch,uint256 nonce,uint256 deadline)`.
    /// @dev Only the patient's own tombstones and lifts raise the epoch, so nobody else can make the message stale. A
    ///      message that was held back cannot close a record that the patient has closed and opened since.
    /// @param epoch The record's current epoch: 0 if it was never tombstoned.
    function tombstoneBySig(address patient, RecordId record, uint32 epoch, Authorization calldata auth) external;

    /// @notice Opens a tombstoned record again, with its earlier status, while block time < `liftableUntil`; the caller
    ///         is the patient. Active grants are valid again.
    /// @param epoch The epoch of the tombstone that the call lifts.
    function liftTombstone(RecordId record, uint32 epoch) external;
    /// @notice The same, signed: `LiftTombstone(address patient,bytes32 record,uint32 epoch,uint256 nonce,uint256 deadline)`.
    function liftTombstoneBySig(address patient, RecordId record, uint32 epoch, Authorization calldata auth) external;

    /// @notice Warns not to rely on the caller's versions up to `version`. Only the first uploader, while it still has
    ///         WRITE. It sets a flag that readers see; nothing else changes.
    /// @param salt Opens the record id for its first uploader.
    /// @param writeSalt Opens the uploader's WRITE tag.
    function retract(RecordId record, uint16 version, bytes32 salt, bytes32 writeSalt) external;
    /// @notice The same, signed: `Retract(address uploader,bytes32 record,uint16 version,bytes32 salt,bytes32 writeSalt,uint256 nonce,uint256 deadline)`.
    function retractBySig(
        address uploader,
        RecordId record,
        uint16 version,
        bytes32 salt,
        bytes32 writeSalt,
        Authorization calldata auth
    ) external;

    /// @notice The time for which a tombstone can be lifted, in seconds.
    // forge-lint: disable-next-line(mixed-case-function)
    function LIFT_PERIOD() external view returns (uint40);

    /// @notice The stored record; all zero if there is none.
    function recordOf(RecordId record) external view returns (Record memory);

    /// @notice How often the record was tombstoned or its tombstone lifted, and until when its tombstone can be lifted.
    function tombstoneOf(RecordId record) external view returns (Tombstone memory);

    /// @notice Whether `grantee`, who opens a READ tag with `salt`, may read the record for `purpose` at `time`.
    /// @dev Checks the record (not tombstoned), its three scopes, the patient's epoch, the period, and the
    ///      accreditation, which every purpose except FAMRQT and PATRQT requires. Never reverts for an unknown record.
    /// @param purpose Exactly one bit of the purpose mask.
    /// @param time Seconds. The caller passes the later of its clock and the block's time.
    /// @return allowed Whether the read is allowed.
    /// @return notBefore First second of the period in which the answer stays true if nothing else changes.
    /// @return notAfter First second after that period.
    function isAllowed(RecordId record, address grantee, bytes32 salt, uint16 purpose, uint40 time)
        external
        view
        returns (bool allowed, uint40 notBefore, uint40 notAfter);
}
