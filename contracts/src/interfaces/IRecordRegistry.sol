// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Authorization, ISignedActions} from "./ISignedActions.sol";

/// @notice A record id: keccak256(uploader20 ‖ salt32) of the first uploader.
type RecordId is bytes32;

/// @notice Where a record stands. Only its patient moves it: to the right, and from Tombstoned back to where it stood by
/// lifting the tombstone in time.
enum RecordStatus {
    None,
    Active,
    Superseded,
    Tombstoned
}

/// @notice What the chain remembers of a record; digests stand in the events. One storage slot.
/// @param patient Whose record it is.
/// @param created Block time of the first version.
/// @param category Coarse folder, 0 = unspecified.
/// @param version The newest version.
/// @param status Where it stands.
/// @param codec CID codec of the newest version.
/// @param retracted Its uploader says not to rely on the versions up to this one that it uploaded; 0 for none.
struct Record {
    address patient;
    uint40 created;
    uint16 category;
    uint16 version;
    RecordStatus status;
    uint8 codec;
    uint16 retracted;
}

/// @notice What the chain remembers of a record's tombstone. A storage slot of its own, used by the first tombstone.
/// @param epoch How often the record was tombstoned or its tombstone lifted. `Tombstone` and `LiftTombstone` name it.
/// @param liftableUntil The first second at which the tombstone is final; zero where none stands.
struct Tombstone {
    uint32 epoch;
    uint40 liftableUntil;
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
    /// @notice The patient superseded the record (still readable), tombstoned it (not readable from this block on), or
    ///         lifted its tombstone (the status is again the one from before).
    /// @dev Readers may rely on: 1. only the patient caused it; 2. `epoch` counts the record's tombstones and lifts and grows
    ///      by one with each, unless it was the last one, and with nothing else; 3. `liftableUntil` is zero unless the status is
    ///      Tombstoned, and then it is the first second from which on no lift can succeed: from there on the record stays
    ///      tombstoned for ever; 4. tombstoning what is tombstoned leaves `liftableUntil` as it was.
    event RecordStatusChanged(
        RecordId indexed id, address indexed patient, RecordStatus status, uint32 epoch, uint40 liftableUntil
    );
    /// @notice The record's first uploader says that the versions up to `version` that it uploaded must not be relied on.
    /// @dev Readers may rely on: 1. the uploader is the one that opens the record id, is not the patient, and was accredited
    ///      and holding a WRITE grant in this block; 2. `version` exists and is higher than in every earlier one.
    /// @dev Warning: nothing is deleted and permissions stay as they are. Later versions are not meant.
    event RecordRetracted(RecordId indexed id, address indexed patient, address uploader, uint16 version);

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
    /// @notice Only the patient of the record may do this.
    error NotItsPatient(address caller);
    /// @notice Only the first uploader of the record, who is not its patient, may do this.
    error NotItsUploader(address caller);
    /// @notice The record does not have the status that this needs: active to be superseded, tombstoned to be lifted.
    error InvalidStatus(RecordStatus current);
    /// @notice The message names another epoch of the record's tombstone than the present one.
    error StaleTombstone(uint32 current);
    /// @notice The time in which the tombstone could be lifted is over.
    error LiftPeriodOver(uint40 liftableUntil);
    /// @notice There is no such version, or it was retracted already.
    error InvalidRetraction(uint16 retracted, uint16 version);
    /// @notice Category, codec, digest or patient is out of range.
    error InvalidRecord();
    /// @notice The lift period must be at least a second and at most a year.
    error InvalidLiftPeriod();

    /// @notice Registers the first version of a record; the caller is the uploader.
    function registerRecord(NewRecord calldata record) external;
    /// @notice The same, signed: `RegisterRecord(address uploader,address patient,bytes32 salt,uint16 category,uint8 codec,bytes32 digest,bytes32 writeSalt,uint256 nonce,uint256 deadline)`.
    function registerRecordBySig(address uploader, NewRecord calldata record, Authorization calldata auth) external;

    /// @notice Registers a further version: the patient, or the first uploader who still may write.
    function registerVersion(NewVersion calldata version) external;
    /// @notice The same, signed: `RegisterVersion(address uploader,bytes32 record,uint16 version,uint8 codec,bytes32 digest,bytes32 salt,bytes32 writeSalt,uint256 nonce,uint256 deadline)`.
    function registerVersionBySig(address uploader, NewVersion calldata version, Authorization calldata auth) external;

    /// @notice Marks an active record as replaced by something newer; the caller is the patient. It stays readable.
    /// @param version The newest version: what the patient has seen.
    function supersede(RecordId record, uint16 version) external;
    /// @notice The same, signed: `Supersede(address patient,bytes32 record,uint16 version,uint256 nonce,uint256 deadline)`.
    function supersedeBySig(address patient, RecordId record, uint16 version, Authorization calldata auth) external;

    /// @notice Closes a record for everybody; the caller is the patient. Names no state and always works, also where the
    /// record is tombstoned already: then it only makes sure that no lift that names the epoch before can land.
    function tombstone(RecordId record) external;
    /// @notice Closes a record that is not tombstoned, signed:
    /// `Tombstone(address patient,bytes32 record,uint32 epoch,uint256 nonce,uint256 deadline)`.
    /// @dev Only the patient's own tombstones and lifts raise the epoch, so nobody else can make the message stale; and one
    ///      that was held back does not close what the patient has closed and opened since.
    /// @param epoch The record's present epoch: 0 where it was never tombstoned.
    function tombstoneBySig(address patient, RecordId record, uint32 epoch, Authorization calldata auth) external;

    /// @notice Opens a tombstoned record again, with the status from before, while block time < `liftableUntil`; the caller
    /// is the patient. Grants that stand count again.
    /// @param epoch The tombstone that it lifts.
    function liftTombstone(RecordId record, uint32 epoch) external;
    /// @notice The same, signed: `LiftTombstone(address patient,bytes32 record,uint32 epoch,uint256 nonce,uint256 deadline)`.
    function liftTombstoneBySig(address patient, RecordId record, uint32 epoch, Authorization calldata auth) external;

    /// @notice Says that the caller's versions up to `version` must not be relied on: the first uploader, while it still may
    /// write. A flag that readers are shown; nothing else changes.
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

    /// @notice How long a tombstone can be lifted, in seconds.
    // forge-lint: disable-next-line(mixed-case-function)
    function LIFT_PERIOD() external view returns (uint40);

    /// @notice The stored record; all zero where there is none.
    function recordOf(RecordId record) external view returns (Record memory);

    /// @notice How often the record was tombstoned or opened again, and until when its tombstone can be lifted.
    function tombstoneOf(RecordId record) external view returns (Tombstone memory);

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
