// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Record, RecordStatus, Tombstone} from "../interfaces/IRecordRegistry.sol";

/// @notice A record in its storage form, which is always written and read as a whole.
type RecordWord is uint256;

/// @notice The stored word of a record that was ever tombstoned.
type TombstoneWord is uint256;

using RecordLib for RecordWord global;
using TombstoneLib for TombstoneWord global;

/// @title The storage word of a record.
/// @dev From the lowest bit: patient 160 · created 40 · category 16 · version 16 · retracted version 16 · status 2 ·
///      codec 1 (0 raw, 1 dag-pb). Of the upper 5 bits, the lowest is reserved for a later mark of the patient
///      ("restricted"). All are zero. The whole word is zero if there is no record.
library RecordLib {
    /// @dev Multicodec codes of a CID whose block is the file itself, and of a CID whose block lists links.
    uint8 internal constant CODEC_RAW = 0x55;
    uint8 internal constant CODEC_DAG_PB = 0x70;

    uint256 private constant CREATED_AT = 160;
    uint256 private constant CATEGORY_AT = 200;
    uint256 private constant VERSION_AT = 216;
    uint256 private constant RETRACTED_AT = 232;
    uint256 private constant STATUS_AT = 248;
    uint256 private constant STATUS = 3;
    uint256 private constant DAG_PB = 1 << 250;

    /// @notice An active record in its first version.
    function create(address patient_, uint40 created_, uint16 category_, uint8 codec_)
        internal
        pure
        returns (RecordWord)
    {
        return RecordWord.wrap(
            uint256(uint160(patient_)) | uint256(created_) << CREATED_AT | uint256(category_) << CATEGORY_AT | 1
                << VERSION_AT | uint256(RecordStatus.Active) << STATUS_AT | _bitOf(codec_)
        );
    }

    /// @notice The same record in its next version. It must not be in the last version.
    function withNextVersion(RecordWord word, uint8 codec_) internal pure returns (RecordWord) {
        unchecked {
            return RecordWord.wrap((RecordWord.unwrap(word) & ~DAG_PB) + (1 << VERSION_AT) | _bitOf(codec_));
        }
    }

    /// @notice The same record, retracted up to another version.
    function withRetraction(RecordWord word, uint16 version_) internal pure returns (RecordWord) {
        uint256 rest = RecordWord.unwrap(word) & ~(uint256(type(uint16).max) << RETRACTED_AT);
        return RecordWord.wrap(rest | uint256(version_) << RETRACTED_AT);
    }

    /// @notice The same record with another status.
    function withStatus(RecordWord word, RecordStatus status_) internal pure returns (RecordWord) {
        uint256 rest = RecordWord.unwrap(word) & ~(STATUS << STATUS_AT);
        return RecordWord.wrap(rest | uint256(status_) << STATUS_AT);
    }

    /// @notice The patient.
    function patient(RecordWord word) internal pure returns (address) {
        return address(uint160(RecordWord.unwrap(word)));
    }

    /// @notice The category.
    function category(RecordWord word) internal pure returns (uint16) {
        return uint16(RecordWord.unwrap(word) >> CATEGORY_AT);
    }

    /// @notice The newest version.
    function version(RecordWord word) internal pure returns (uint16) {
        return uint16(RecordWord.unwrap(word) >> VERSION_AT);
    }

    /// @notice The newest version that its uploader has retracted; 0 for none.
    function retracted(RecordWord word) internal pure returns (uint16) {
        return uint16(RecordWord.unwrap(word) >> RETRACTED_AT);
    }

    /// @notice The status.
    function status(RecordWord word) internal pure returns (RecordStatus) {
        return RecordStatus(RecordWord.unwrap(word) >> STATUS_AT & STATUS);
    }

    /// @notice Whether it is closed for everybody.
    function isTombstoned(RecordWord word) internal pure returns (bool) {
        return RecordWord.unwrap(word) >> STATUS_AT & STATUS == uint256(RecordStatus.Tombstoned);
    }

    /// @notice Unpacks the word, for external callers.
    function unpack(RecordWord word) internal pure returns (Record memory) {
        uint256 bits = RecordWord.unwrap(word);
        return Record({
            patient: word.patient(),
            created: uint40(bits >> CREATED_AT),
            category: word.category(),
            version: word.version(),
            status: word.status(),
            codec: bits == 0 ? 0 : bits & DAG_PB == 0 ? CODEC_RAW : CODEC_DAG_PB,
            retracted: word.retracted()
        });
    }

    /// @dev Bit 5 distinguishes the two codecs: 0x55 is 0101 0101, 0x70 is 0111 0000.
    function _bitOf(uint8 codec_) private pure returns (uint256) {
        return (uint256(codec_) & 0x20) << 245;
    }
}

/// @title The second word of a record that was ever tombstoned. No permission check reads it.
/// @dev From the lowest bit: liftable until 40 · epoch 32 · status before 8. The rest is zero. Time and status are zero
///      while the record has no tombstone; the epoch remains.
library TombstoneLib {
    uint256 private constant EPOCH_AT = 40;
    uint256 private constant BEFORE_AT = 72;

    /// @notice The last epoch, so that epochs do not wrap. Nothing can be lifted in it, so tombstoning always works.
    uint32 internal constant LAST_EPOCH = type(uint32).max;

    /// @notice Packs these fields into a word.
    function create(uint40 liftableUntil_, uint32 epoch_, RecordStatus before_) internal pure returns (TombstoneWord) {
        return TombstoneWord.wrap(uint256(liftableUntil_) | uint256(epoch_) << EPOCH_AT | uint256(before_) << BEFORE_AT);
    }

    /// @notice The first second at which the tombstone is final; zero if there is none.
    function liftableUntil(TombstoneWord word) internal pure returns (uint40) {
        return uint40(TombstoneWord.unwrap(word));
    }

    /// @notice How often the record was tombstoned or its tombstone lifted.
    function epoch(TombstoneWord word) internal pure returns (uint32) {
        return uint32(TombstoneWord.unwrap(word) >> EPOCH_AT);
    }

    /// @notice The status that a lift restores.
    function before(TombstoneWord word) internal pure returns (RecordStatus) {
        return RecordStatus(uint8(TombstoneWord.unwrap(word) >> BEFORE_AT));
    }

    /// @notice Unpacks the word, for external callers.
    function unpack(TombstoneWord word) internal pure returns (Tombstone memory) {
        return Tombstone({epoch: word.epoch(), liftableUntil: word.liftableUntil()});
    }
}
