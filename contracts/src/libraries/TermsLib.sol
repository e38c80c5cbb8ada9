// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ScopeKind, Terms} from "../interfaces/IGrantRegistry.sol";

/// @title The word of a grant's terms, in storage and in the event.
/// @dev From the lowest bit: notBefore 40 · notAfter 40 · epoch 32 · patient epoch 32 · purposes 16 · rights 8 ·
///      scope kind 8. The upper 80 bits are zero.
library TermsLib {
    uint256 private constant NOT_AFTER_AT = 40;
    uint256 private constant EPOCH_AT = 80;
    uint256 private constant PATIENT_EPOCH_AT = 112;
    uint256 private constant PURPOSES_AT = 144;
    uint256 private constant RIGHTS_AT = 160;
    uint256 private constant KIND_AT = 168;

    /// @notice The part that all scopes of one Grant share: everything except epoch and scope kind.
    function shared(uint40 notBefore, uint40 notAfter, uint32 patientEpoch_, uint16 purposes_, uint8 rights_)
        internal
        pure
        returns (Terms)
    {
        return Terms.wrap(
            uint256(notBefore) | uint256(notAfter) << NOT_AFTER_AT | uint256(patientEpoch_) << PATIENT_EPOCH_AT
                | uint256(purposes_) << PURPOSES_AT | uint256(rights_) << RIGHTS_AT
        );
    }

    /// @notice The shared part, completed for one scope.
    function forScope(Terms terms, uint32 epoch_, ScopeKind kind_) internal pure returns (Terms) {
        return Terms.wrap(Terms.unwrap(terms) | Terms.unwrap(ended(epoch_, kind_)));
    }

    /// @notice The word of a grant that permits nothing. It contains only epoch and scope kind.
    function ended(uint32 epoch_, ScopeKind kind_) internal pure returns (Terms) {
        return Terms.wrap(uint256(epoch_) << EPOCH_AT | uint256(kind_) << KIND_AT);
    }

    /// @notice The first second of the grant, and the first second after it.
    function period(Terms terms) internal pure returns (uint40 notBefore, uint40 notAfter) {
        return (uint40(Terms.unwrap(terms)), uint40(Terms.unwrap(terms) >> NOT_AFTER_AT));
    }

    /// @notice How often this grant was given or revoked.
    function epoch(Terms terms) internal pure returns (uint32) {
        return uint32(Terms.unwrap(terms) >> EPOCH_AT);
    }

    /// @notice The patient's epoch at the time of the grant.
    function patientEpoch(Terms terms) internal pure returns (uint32) {
        return uint32(Terms.unwrap(terms) >> PATIENT_EPOCH_AT);
    }

    /// @notice Bit set of PurposeOfUse codes.
    function purposes(Terms terms) internal pure returns (uint16) {
        return uint16(Terms.unwrap(terms) >> PURPOSES_AT);
    }

    /// @notice READ 1, WRITE 2; zero for a grant that permits nothing.
    function rights(Terms terms) internal pure returns (uint8) {
        return uint8(Terms.unwrap(terms) >> RIGHTS_AT);
    }
}
