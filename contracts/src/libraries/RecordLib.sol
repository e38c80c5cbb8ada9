// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Record, RecordStatus} from "../interfaces/IRecordRegistry.sol";

/// @notice A record as it lies in storage, written and read whole: Solidity would go back to the slot field by field.
type RecordWord is uint256;

using RecordLib for RecordWord global;

/// @title The word in which a record lies in storage.
/// @dev From the lowest bit: patient 160 · created 40 · category 16 · version 16 · status 8 · codec 8. The upper 8 bits
///      are zero, and so is the whole word where there is no record.
library RecordLib {
    uint256 private constant CREATED_AT = 160;
    uint256 private constant CATEGORY_AT = 200;
    uint256 private constant VERSION_AT = 216;
    uint256 private constant STATUS_AT = 232;
    uint256 private constant CODEC_AT = 240;

    /// @notice An active record in its first version.
    function create(address patient_, uint40 created_, uint16 category_, uint8 codec_)
        internal
        pure
        returns (RecordWord)
    {
        return RecordWord.wrap(
            uint256(uint160(patient_)) | uint256(created_) << CREATED_AT | uint256(category_) << CATEGORY_AT | 1
                << VERSION_AT | uint256(RecordStatus.Active) << STATUS_AT | uint256(codec_) << CODEC_AT
        );
    }

    /// @notice The same record in another version.
    function withVersion(RecordWord word, uint16 version_, uint8 codec_) internal pure returns (RecordWord) {
        uint256 rest =
            RecordWord.unwrap(word) & ~(uint256(type(uint16).max) << VERSION_AT | uint256(type(uint8).max) << CODEC_AT);
        return RecordWord.wrap(rest | uint256(version_) << VERSION_AT | uint256(codec_) << CODEC_AT);
    }

    /// @notice The same record with another status.
    function withStatus(RecordWord word, RecordStatus status_) internal pure returns (RecordWord) {
        uint256 rest = RecordWord.unwrap(word) & ~(uint256(type(uint8).max) << STATUS_AT);
        return RecordWord.wrap(rest | uint256(status_) << STATUS_AT);
    }

    /// @notice Whose record it is.
    function patient(RecordWord word) internal pure returns (address) {
        return address(uint160(RecordWord.unwrap(word)));
    }

    /// @notice Its coarse folder.
    function category(RecordWord word) internal pure returns (uint16) {
        return uint16(RecordWord.unwrap(word) >> CATEGORY_AT);
    }

    /// @notice Its newest version.
    function version(RecordWord word) internal pure returns (uint16) {
        return uint16(RecordWord.unwrap(word) >> VERSION_AT);
    }

    /// @notice Where it stands.
    function status(RecordWord word) internal pure returns (RecordStatus) {
        return RecordStatus(uint8(RecordWord.unwrap(word) >> STATUS_AT));
    }

    /// @notice All of it, for callers outside.
    function unpack(RecordWord word) internal pure returns (Record memory) {
        return Record({
            patient: word.patient(),
            created: uint40(RecordWord.unwrap(word) >> CREATED_AT),
            category: word.category(),
            version: word.version(),
            status: word.status(),
            codec: uint8(RecordWord.unwrap(word) >> CODEC_AT)
        });
    }
}
