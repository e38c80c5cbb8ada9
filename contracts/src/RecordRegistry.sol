// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IAccreditation} from "./interfaces/IAccreditation.sol";
import {IGrantRegistry, ScopeKind, Tag} from "./interfaces/IGrantRegistry.sol";
import {
    IRecordRegistry,
    NewRecord,
    NewVersion,
    Record,
    RecordId,
    RecordStatus,
    Tombstone
} from "./interfaces/IRecordRegistry.sol";
import {Authorization} from "./interfaces/ISignedActions.sol";
import {Purposes, Rights, Roles, Salted} from "./libraries/Codes.sol";
import {Hashes} from "./libraries/Hashes.sol";
import {RecordLib, RecordWord, TombstoneLib, TombstoneWord} from "./libraries/RecordLib.sol";
import {SignedActions} from "./SignedActions.sol";

/// @title RecordRegistry
contract RecordRegistry is IRecordRegistry, SignedActions {
    bytes32 private constant REGISTER_RECORD_TYPEHASH = keccak256(
        "RegisterRecord(address uploader,address patient,bytes32 salt,uint16 category,uint8 codec,bytes32 digest,bytes32 writeSalt,uint256 nonce,uint256 deadline)"
    );
    bytes32 private constant REGISTER_VERSION_TYPEHASH = keccak256(
        "RegisterVersion(address uploader,bytes32 record,uint16 version,uint8 codec,bytes32 digest,bytes32 salt,bytes32 writeSalt,uint256 nonce,uint256 deadline)"
    );
    bytes32 private constant SUPERSEDE_TYPEHASH =
        keccak256("Supersede(address patient,bytes32 record,uint16 version,uint256 nonce,uint256 deadline)");
    bytes32 private constant TOMBSTONE_TYPEHASH =
        keccak256("Tombstone(address patient,bytes32 record,uint32 epoch,uint256 nonce,uint256 deadline)");
    bytes32 private constant LIFT_TOMBSTONE_TYPEHASH =
        keccak256("LiftTombstone(address patient,bytes32 record,uint32 epoch,uint256 nonce,uint256 deadline)");
    bytes32 private constant RETRACT_TYPEHASH = keccak256(
        "Retract(address uploader,bytes32 record,uint16 version,bytes32 salt,bytes32 writeSalt,uint256 nonce,uint256 deadline)"
    );

    uint40 private constant LONGEST_LIFT_PERIOD = 365 days;

    /// @dev The registry of the patients' grants. All immutables are in the code, so the code hash in the deployment
    ///      file covers them.
    IGrantRegistry private immutable GRANT_REGISTRY;
    /// @dev The registry of accreditations.
    IAccreditation private immutable ACCREDITATION;
    /// @inheritdoc IRecordRegistry
    uint40 public immutable LIFT_PERIOD;

    /// @dev Two words. The second one is used from the first tombstone on, and no permission check reads it.
    struct Slot {
        RecordWord record;
        TombstoneWord tombstone;
    }

    mapping(RecordId id => Slot slot) private _records;

    /// @param liftPeriod The time for which a tombstone can be lifted, in seconds: one day in production.
    constructor(IGrantRegistry grantRegistry, IAccreditation accreditation, uint40 liftPeriod) {
        if (liftPeriod == 0 || liftPeriod > LONGEST_LIFT_PERIOD) revert InvalidLiftPeriod();
        GRANT_REGISTRY = grantRegistry;
        ACCREDITATION = accreditation;
        LIFT_PERIOD = liftPeriod;
    }

    /// @inheritdoc IRecordRegistry
    function registerRecord(NewRecord calldata record) external {
        _registerRecord(msg.sender, record);
    }

    /// @inheritdoc IRecordRegistry
    function registerRecordBySig(address uploader, NewRecord calldata record, Authorization calldata auth) external {
        _authorize(uploader, Hashes.message(REGISTER_RECORD_TYPEHASH, 7, auth), auth);
        _registerRecord(uploader, record);
    }

    /// @inheritdoc IRecordRegistry
    function registerVersion(NewVersion calldata version) external {
        _registerVersion(msg.sender, version);
    }

    /// @inheritdoc IRecordRegistry
    function registerVersionBySig(address uploader, NewVersion calldata version, Authorization calldata auth) external {
        _authorize(uploader, Hashes.message(REGISTER_VERSION_TYPEHASH, 7, auth), auth);
        _registerVersion(uploader, version);
    }

    /// @inheritdoc IRecordRegistry
    function supersede(RecordId record, uint16 version) external {
        _supersede(msg.sender, record, version);
    }

    /// @inheritdoc IRecordRegistry
    function supersedeBySig(address patient, RecordId record, uint16 version, Authorization calldata auth) external {
        _authorize(patient, Hashes.message(SUPERSEDE_TYPEHASH, 3, auth), auth);
        _supersede(patient, record, version);
    }

    /// @inheritdoc IRecordRegistry
    function tombstone(RecordId record) external {
        Slot storage slot = _records[record];
        _tombstone(slot, _ownRecord(slot, msg.sender, record), record);
    }

    /// @inheritdoc IRecordRegistry
    function tombstoneBySig(address patient, RecordId record, uint32 epoch, Authorization calldata auth) external {
        _authorize(patient, Hashes.message(TOMBSTONE_TYPEHASH, 3, auth), auth);
        Slot storage slot = _records[record];
        RecordWord stored = _ownRecord(slot, patient, record);
        uint32 current = slot.tombstone.epoch();
        if (epoch != current) revert StaleTombstone(current);
        // An existing tombstone can be set again only by the patient's own call, so that nobody ends a lift with a
        // message that was held back.
        if (stored.isTombstoned()) revert RecordIsTombstoned(record);
        _tombstone(slot, stored, record);
    }

    /// @inheritdoc IRecordRegistry
    function liftTombstone(RecordId record, uint32 epoch) external {
        _liftTombstone(msg.sender, record, epoch);
    }

    /// @inheritdoc IRecordRegistry
    function liftTombstoneBySig(address patient, RecordId record, uint32 epoch, Authorization calldata auth) external {
        _authorize(patient, Hashes.message(LIFT_TOMBSTONE_TYPEHASH, 3, auth), auth);
        _liftTombstone(patient, record, epoch);
    }

    /// @inheritdoc IRecordRegistry
    function retract(RecordId record, uint16 version, bytes32 salt, bytes32 writeSalt) external {
        _retract(msg.sender, record, version, salt, writeSalt);
    }

    /// @inheritdoc IRecordRegistry
    function retractBySig(
        address uploader,
        RecordId record,
        uint16 version,
        bytes32 salt,
        bytes32 writeSalt,
        Authorization calldata auth
    ) external {
        _authorize(uploader, Hashes.message(RETRACT_TYPEHASH, 5, auth), auth);
        _retract(uploader, record, version, salt, writeSalt);
    }

    /// @inheritdoc IRecordRegistry
    function recordOf(RecordId record) external view returns (Record memory) {
        return _records[record].record.unpack();
    }

    /// @inheritdoc IRecordRegistry
    function tombstoneOf(RecordId record) external view returns (Tombstone memory) {
        return _records[record].tombstone.unpack();
    }

    /// @inheritdoc IRecordRegistry
    function isAllowed(RecordId record, address grantee, bytes32 salt, uint16 purpose, uint40 time)
        external
        view
        returns (bool allowed, uint40 notBefore, uint40 notAfter)
    {
        if (!Purposes.isSingle(purpose)) return (false, 0, 0);
        RecordWord stored = _records[record].record;
        if (RecordWord.unwrap(stored) == 0 || stored.isTombstoned()) return (false, 0, 0);

        (allowed, notBefore, notAfter) =
            _isReadGranted(stored.patient(), record, stored.category(), Salted.tag(grantee, salt), purpose, time);
        if (!allowed) return (false, 0, 0);
        if (purpose & Purposes.WITHOUT_ACCREDITATION != 0) return (true, notBefore, notAfter);

        (bool accredited, uint40 validFrom, uint40 validUntil) = ACCREDITATION.isAccredited(grantee, Roles.ANY, time);
        if (!accredited) return (false, 0, 0);
        return (true, validFrom > notBefore ? validFrom : notBefore, validUntil < notAfter ? validUntil : notAfter);
    }

    function _registerRecord(address uploader, NewRecord calldata record) private {
        (address patient, uint16 category, uint8 codec) = (record.patient, record.category, record.codec);
        if (patient == address(0) || !_isEnvelope(codec, record.digest)) revert InvalidRecord();
        RecordId id = Salted.recordId(uploader, record.salt);
        Slot storage slot = _records[id];
        if (RecordWord.unwrap(slot.record) != 0) revert RecordExists(id);
        if (uploader != patient && !_mayUpload(uploader, patient, category, record.writeSalt)) {
            revert UploadNotAllowed(uploader);
        }

        slot.record = RecordLib.create(patient, uint40(block.timestamp), category, codec);
        emit RecordRegistered(id, patient, category, uploader, 1, codec, record.digest);
    }

    function _registerVersion(address uploader, NewVersion calldata newVersion) private {
        (RecordId id, uint8 codec) = (newVersion.record, newVersion.codec);
        Slot storage slot = _records[id];
        RecordWord stored = slot.record;
        (address patient, uint16 category, uint16 version) = (stored.patient(), stored.category(), stored.version());
        if (version == 0) revert UnknownRecord(id);
        if (stored.isTombstoned()) revert RecordIsTombstoned(id);
        if (newVersion.version != version) revert StaleVersion(version);
        if (version == type(uint16).max || !_isEnvelope(codec, newVersion.digest)) revert InvalidRecord();
        if (uploader != patient) {
            bool isFirst = _isFirstUploader(uploader, id, newVersion.salt);
            if (!isFirst || !_mayUpload(uploader, patient, category, newVersion.writeSalt)) {
                revert UploadNotAllowed(uploader);
            }
        }

        unchecked {
            ++version; // below the last one
        }
        slot.record = stored.withNextVersion(codec);
        emit RecordRegistered(id, patient, category, uploader, version, codec, newVersion.digest);
    }

    function _supersede(address signer, RecordId record, uint16 version) private {
        Slot storage slot = _records[record];
        RecordWord stored = _ownRecord(slot, signer, record);
        RecordStatus current = stored.status();
        if (current != RecordStatus.Active) revert InvalidStatus(current);
        if (version != stored.version()) revert StaleVersion(stored.version());

        slot.record = stored.withStatus(RecordStatus.Superseded);
        emit RecordStatusChanged(record, signer, RecordStatus.Superseded, slot.tombstone.epoch(), 0);
    }

    function _tombstone(Slot storage slot, RecordWord stored, RecordId record) private {
        (RecordStatus current, TombstoneWord standing) = (stored.status(), slot.tombstone);
        uint32 epoch = standing.epoch();
        if (epoch != TombstoneLib.LAST_EPOCH) ++epoch;
        (uint40 liftableUntil, RecordStatus before) = (standing.liftableUntil(), standing.before());

        if (current != RecordStatus.Tombstoned) {
            (liftableUntil, before) = (uint40(block.timestamp) + LIFT_PERIOD, current);
            slot.record = stored.withStatus(RecordStatus.Tombstoned);
        }
        slot.tombstone = TombstoneLib.create(liftableUntil, epoch, before);
        emit RecordStatusChanged(record, stored.patient(), RecordStatus.Tombstoned, epoch, liftableUntil);
    }

    function _liftTombstone(address signer, RecordId record, uint32 epoch) private {
        Slot storage slot = _records[record];
        RecordWord stored = _ownRecord(slot, signer, record);
        if (stored.status() != RecordStatus.Tombstoned) revert InvalidStatus(stored.status());
        TombstoneWord standing = slot.tombstone;
        if (epoch != standing.epoch()) revert StaleTombstone(standing.epoch());
        // No epoch follows the last one, so a message signed in it would stay valid for ever. Therefore there are no
        // lifts in it.
        if (epoch == TombstoneLib.LAST_EPOCH) revert InvalidStatus(RecordStatus.Tombstoned);
        if (block.timestamp >= standing.liftableUntil()) revert LiftPeriodOver(standing.liftableUntil());
        RecordStatus before = standing.before();

        unchecked {
            ++epoch; // below the last one
        }
        slot.record = stored.withStatus(before);
        slot.tombstone = TombstoneLib.create(0, epoch, RecordStatus.None);
        emit RecordStatusChanged(record, signer, before, epoch, 0);
    }

    function _retract(address signer, RecordId record, uint16 version, bytes32 salt, bytes32 writeSalt) private {
        Slot storage slot = _records[record];
        RecordWord stored = slot.record;
        address patient = stored.patient();
        if (RecordWord.unwrap(stored) == 0) revert UnknownRecord(record);
        if (signer == patient || !_isFirstUploader(signer, record, salt)) revert NotItsUploader(signer);
        if (stored.isTombstoned()) revert RecordIsTombstoned(record);
        if (version <= stored.retracted() || version > stored.version()) {
            revert InvalidRetraction(stored.retracted(), stored.version());
        }
        if (!_mayUpload(signer, patient, stored.category(), writeSalt)) revert UploadNotAllowed(signer);

        slot.record = stored.withRetraction(version);
        emit RecordRetracted(record, patient, signer, version);
    }

    /// @dev Returns the record, or reverts if it is not this patient's.
    function _ownRecord(Slot storage slot, address signer, RecordId record) private view returns (RecordWord stored) {
        stored = slot.record;
        if (RecordWord.unwrap(stored) == 0) revert UnknownRecord(record);
        if (signer != stored.patient()) revert NotItsPatient(signer);
    }

    /// @dev Whether the uploader is accredited now in a role that uploads, and has WRITE now over the category or over
    ///      all.
    function _mayUpload(address uploader, address patient, uint16 category, bytes32 writeSalt)
        private
        view
        returns (bool)
    {
        uint40 time = uint40(block.timestamp);
        (bool accredited,,) = ACCREDITATION.isAccredited(uploader, Roles.UPLOADER, time);
        if (!accredited) return false;

        Tag tag = Salted.tag(uploader, writeSalt);
        bytes32 id = bytes32(uint256(category));
        (bool granted,,) = GRANT_REGISTRY.isGranted(patient, tag, ScopeKind.Category, id, Rights.WRITE, 0, time);
        if (granted) return true;
        (granted,,) = GRANT_REGISTRY.isGranted(patient, tag, ScopeKind.All, 0, Rights.WRITE, 0, time);
        return granted;
    }

    /// @dev The first scope that permits the read determines the period: record, then category, then all.
    function _isReadGranted(address patient, RecordId record, uint16 category, Tag tag, uint16 purpose, uint40 time)
        private
        view
        returns (bool granted, uint40 notBefore, uint40 notAfter)
    {
        bytes32 id = RecordId.unwrap(record);
        (granted, notBefore, notAfter) =
            GRANT_REGISTRY.isGranted(patient, tag, ScopeKind.Record, id, Rights.READ, purpose, time);
        if (granted) return (granted, notBefore, notAfter);

        id = bytes32(uint256(category));
        (granted, notBefore, notAfter) =
            GRANT_REGISTRY.isGranted(patient, tag, ScopeKind.Category, id, Rights.READ, purpose, time);
        if (granted) return (granted, notBefore, notAfter);

        return GRANT_REGISTRY.isGranted(patient, tag, ScopeKind.All, 0, Rights.READ, purpose, time);
    }

    function _isFirstUploader(address signer, RecordId record, bytes32 salt) private pure returns (bool) {
        return RecordId.unwrap(Salted.recordId(signer, salt)) == RecordId.unwrap(record);
    }

    /// @dev Whether a CID with this codec and SHA-256 digest can identify an envelope.
    function _isEnvelope(uint8 codec, bytes32 digest) private pure returns (bool) {
        return (codec == RecordLib.CODEC_RAW || codec == RecordLib.CODEC_DAG_PB) && digest != 0;
    }
}
