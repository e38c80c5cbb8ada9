// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IAccreditation} from "./interfaces/IAccreditation.sol";
import {IGrantRegistry, ScopeKind, Tag} from "./interfaces/IGrantRegistry.sol";
import {IRecordRegistry, NewRecord, NewVersion, Record, RecordId, RecordStatus} from "./interfaces/IRecordRegistry.sol";
import {Authorization} from "./interfaces/ISignedActions.sol";
import {Purposes, Rights, Roles, Salted} from "./libraries/Codes.sol";
import {Hashes} from "./libraries/Hashes.sol";
import {RecordLib, RecordWord} from "./libraries/RecordLib.sol";
import {SignedActions} from "./SignedActions.sol";

/// @title RecordRegistry
contract RecordRegistry is IRecordRegistry, SignedActions {
    bytes32 private constant REGISTER_RECORD_TYPEHASH = keccak256(
        "RegisterRecord(address uploader,address patient,bytes32 salt,uint16 category,uint8 codec,bytes32 digest,bytes32 writeSalt,uint256 nonce,uint256 deadline)"
    );
    bytes32 private constant REGISTER_VERSION_TYPEHASH = keccak256(
        "RegisterVersion(address uploader,bytes32 record,uint16 version,uint8 codec,bytes32 digest,bytes32 salt,bytes32 writeSalt,uint256 nonce,uint256 deadline)"
    );
    bytes32 private constant SET_RECORD_STATUS_TYPEHASH = keccak256(
        "SetRecordStatus(address signer,bytes32 record,uint8 status,bytes32 salt,uint256 nonce,uint256 deadline)"
    );

    /// @dev Multicodec codes of a CID whose block is the file itself, and of one whose block lists links.
    uint8 private constant CODEC_RAW = 0x55;
    uint8 private constant CODEC_DAG_PB = 0x70;

    /// @notice Where the patients' grants stand.
    IGrantRegistry public immutable GRANT_REGISTRY;
    /// @notice Who is vouched for.
    IAccreditation public immutable ACCREDITATION;

    /// @dev A struct, so that one pointer serves for reading and writing.
    struct Slot {
        RecordWord record;
    }

    mapping(RecordId id => Slot slot) private _records;

    constructor(IGrantRegistry grantRegistry, IAccreditation accreditation) {
        GRANT_REGISTRY = grantRegistry;
        ACCREDITATION = accreditation;
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
    function setRecordStatus(RecordId record, RecordStatus status, bytes32 salt) external {
        _setRecordStatus(msg.sender, record, status, salt);
    }

    /// @inheritdoc IRecordRegistry
    function setRecordStatusBySig(
        address signer,
        RecordId record,
        RecordStatus status,
        bytes32 salt,
        Authorization calldata auth
    ) external {
        _authorize(signer, Hashes.message(SET_RECORD_STATUS_TYPEHASH, 4, auth), auth);
        _setRecordStatus(signer, record, status, salt);
    }

    /// @inheritdoc IRecordRegistry
    function recordOf(RecordId record) external view returns (Record memory) {
        return _records[record].record.unpack();
    }

    /// @inheritdoc IRecordRegistry
    function isAllowed(RecordId record, address grantee, bytes32 salt, uint16 purpose, uint40 time)
        external
        view
        returns (bool allowed, uint40 notBefore, uint40 notAfter)
    {
        if (!Purposes.isSingle(purpose)) return (false, 0, 0);
        RecordWord stored = _records[record].record;
        RecordStatus status = stored.status();
        if (status == RecordStatus.None || status == RecordStatus.Tombstoned) return (false, 0, 0);

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
        if (RecordWord.unwrap(stored) == 0) revert UnknownRecord(id);
        if (stored.status() == RecordStatus.Tombstoned) revert RecordIsTombstoned(id);
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
        slot.record = stored.withVersion(version, codec);
        emit RecordRegistered(id, patient, category, uploader, version, codec, newVersion.digest);
    }

    function _setRecordStatus(address signer, RecordId record, RecordStatus status, bytes32 salt) private {
        Slot storage slot = _records[record];
        RecordWord stored = slot.record;
        if (RecordWord.unwrap(stored) == 0) revert UnknownRecord(record);
        (address patient, RecordStatus current) = (stored.patient(), stored.status());
        if (signer != patient && !_isFirstUploader(signer, record, salt)) revert StatusChangeNotAllowed(signer);
        // Whatever lies to the right of an existing status can be set: superseded, tombstoned.
        if (status <= current) revert InvalidStatus(current);

        slot.record = stored.withStatus(status);
        emit RecordStatusChanged(record, patient, status);
    }

    /// @dev Accredited now in a role that uploads, and holding WRITE now over the category or over all.
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

    /// @dev The first scope that permits the read decides the period: record, then category, then all.
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

    /// @dev A CID of this codec with this SHA-256 digest can name an envelope.
    function _isEnvelope(uint8 codec, bytes32 digest) private pure returns (bool) {
        return (codec == CODEC_RAW || codec == CODEC_DAG_PB) && digest != 0;
    }
}
