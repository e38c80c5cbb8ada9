// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Practitioner} from "../interfaces/IAccreditation.sol";

/// @notice Accreditor, roles and period: the first word of an accreditation.
type PractitionerWord is uint256;

/// @notice Epochs and suspension: the second word of an accreditation.
type StandingWord is uint256;

using PractitionerLib for PractitionerWord global;
using StandingLib for StandingWord global;

/// @title The first word of an accreditation, which is always written and read as a whole.
/// @dev From the lowest bit: accreditor 160 · valid from 40 · valid until 40 · roles 8. The upper 8 bits are zero. The
///      whole word is zero if the practitioner was never accredited.
library PractitionerLib {
    uint256 private constant VALID_FROM_AT = 160;
    uint256 private constant VALID_UNTIL_AT = 200;
    uint256 private constant ROLES_AT = 240;

    /// @notice Packs these fields into a word.
    function create(address accreditor_, uint40 validFrom_, uint40 validUntil_, uint8 roles_)
        internal
        pure
        returns (PractitionerWord)
    {
        return PractitionerWord.wrap(
            uint256(uint160(accreditor_)) | uint256(validFrom_) << VALID_FROM_AT | uint256(validUntil_)
                << VALID_UNTIL_AT | uint256(roles_) << ROLES_AT
        );
    }

    /// @notice The accreditor.
    function accreditor(PractitionerWord word) internal pure returns (address) {
        return address(uint160(PractitionerWord.unwrap(word)));
    }

    /// @notice First second of the accreditation.
    function validFrom(PractitionerWord word) internal pure returns (uint40) {
        return uint40(PractitionerWord.unwrap(word) >> VALID_FROM_AT);
    }

    /// @notice First second after it.
    function validUntil(PractitionerWord word) internal pure returns (uint40) {
        return uint40(PractitionerWord.unwrap(word) >> VALID_UNTIL_AT);
    }

    /// @notice Bit set of roles.
    function roles(PractitionerWord word) internal pure returns (uint8) {
        return uint8(PractitionerWord.unwrap(word) >> ROLES_AT);
    }

    /// @notice Unpacks both words, for external callers.
    function unpack(PractitionerWord word, StandingWord standing) internal pure returns (Practitioner memory) {
        return Practitioner({
            accreditor: word.accreditor(),
            validFrom: word.validFrom(),
            validUntil: word.validUntil(),
            roles: word.roles(),
            suspended: standing.suspended(),
            epoch: standing.epoch(),
            accreditorEpoch: standing.accreditorEpoch(),
            controllerEpoch: standing.controllerEpoch()
        });
    }
}

/// @title The second word of an accreditation. A suspension changes only this one.
/// @dev From the lowest bit: epoch 32 · accreditor's epoch 32 · controller epoch 32 · suspended 1. The rest is zero.
///      The controller epoch is reserved for a later contract that lets a person change the key that acts for them.
///      Until then it is zero.
library StandingLib {
    uint256 private constant ACCREDITOR_EPOCH_AT = 32;
    uint256 private constant CONTROLLER_EPOCH_AT = 64;
    uint256 private constant SUSPENDED = 1 << 96;

    /// @notice The last epoch, so that epochs do not wrap. Nobody can be accredited in it, so suspending always works.
    uint32 internal constant LAST_EPOCH = type(uint32).max;

    /// @notice The word of an accreditation that is not suspended, given in this epoch of the accreditor.
    function create(uint32 epoch_, uint32 accreditorEpoch_) internal pure returns (StandingWord) {
        return StandingWord.wrap(uint256(epoch_) | uint256(accreditorEpoch_) << ACCREDITOR_EPOCH_AT);
    }

    /// @notice The same word, suspended, in another epoch.
    function withSuspension(StandingWord word, uint32 epoch_) internal pure returns (StandingWord) {
        uint256 rest = StandingWord.unwrap(word) & ~uint256(type(uint32).max);
        return StandingWord.wrap(rest | uint256(epoch_) | SUSPENDED);
    }

    /// @notice How often the practitioner was accredited or suspended.
    function epoch(StandingWord word) internal pure returns (uint32) {
        return uint32(StandingWord.unwrap(word));
    }

    /// @notice The accreditor's epoch at the time of the accreditation.
    function accreditorEpoch(StandingWord word) internal pure returns (uint32) {
        return uint32(StandingWord.unwrap(word) >> ACCREDITOR_EPOCH_AT);
    }

    /// @notice Zero; reserved.
    function controllerEpoch(StandingWord word) internal pure returns (uint32) {
        return uint32(StandingWord.unwrap(word) >> CONTROLLER_EPOCH_AT);
    }

    /// @notice Whether the accreditor has suspended it.
    function suspended(StandingWord word) internal pure returns (bool) {
        return StandingWord.unwrap(word) & SUSPENDED != 0;
    }
}
