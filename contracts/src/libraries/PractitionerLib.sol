// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Practitioner} from "../interfaces/IAccreditation.sol";

/// @notice An accreditation as it lies in storage, written and read whole.
type PractitionerWord is uint256;

using PractitionerLib for PractitionerWord global;

/// @title The word in which an accreditation lies in storage.
/// @dev From the lowest bit: accreditor 160 · valid from 34 · valid until 34 · roles 7 · suspended 1 · epoch 20. So
///      that one slot is enough, times end in the year 2514, and a practitioner can be accredited and suspended about
///      a million times.
library PractitionerLib {
    uint256 private constant VALID_FROM_AT = 160;
    uint256 private constant VALID_UNTIL_AT = 194;
    uint256 private constant ROLES_AT = 228;
    uint256 private constant SUSPENDED = 1 << 235;
    uint256 private constant EPOCH_AT = 236;
    uint256 private constant TIMES = 2 ** 34 - 1;
    uint256 private constant ROLES = 2 ** 7 - 1;

    /// @notice The last second that fits.
    uint40 internal constant LAST_TIME = 2 ** 34 - 1;
    /// @notice Epochs stop here instead of wrapping: nobody is accredited in the last one, so suspending always works.
    uint32 internal constant LAST_EPOCH = 2 ** 20 - 1;

    /// @notice An accreditation that is not suspended; roles, times and epoch must fit.
    function create(address accreditor_, uint40 validFrom_, uint40 validUntil_, uint8 roles_, uint32 epoch_)
        internal
        pure
        returns (PractitionerWord)
    {
        return PractitionerWord.wrap(
            uint256(uint160(accreditor_)) | uint256(validFrom_) << VALID_FROM_AT | uint256(validUntil_)
                << VALID_UNTIL_AT | uint256(roles_) << ROLES_AT | uint256(epoch_) << EPOCH_AT
        );
    }

    /// @notice The same accreditation, suspended, in another epoch.
    function withSuspension(PractitionerWord word, uint32 epoch_) internal pure returns (PractitionerWord) {
        uint256 rest = PractitionerWord.unwrap(word) & (SUSPENDED - 1);
        return PractitionerWord.wrap(rest | SUSPENDED | uint256(epoch_) << EPOCH_AT);
    }

    /// @notice Who vouches.
    function accreditor(PractitionerWord word) internal pure returns (address) {
        return address(uint160(PractitionerWord.unwrap(word)));
    }

    /// @notice First second of the accreditation.
    function validFrom(PractitionerWord word) internal pure returns (uint40) {
        return uint40(PractitionerWord.unwrap(word) >> VALID_FROM_AT & TIMES);
    }

    /// @notice First second after it.
    function validUntil(PractitionerWord word) internal pure returns (uint40) {
        return uint40(PractitionerWord.unwrap(word) >> VALID_UNTIL_AT & TIMES);
    }

    /// @notice Bit set of roles.
    function roles(PractitionerWord word) internal pure returns (uint8) {
        return uint8(PractitionerWord.unwrap(word) >> ROLES_AT & ROLES);
    }

    /// @notice Whether the accreditor has suspended it.
    function suspended(PractitionerWord word) internal pure returns (bool) {
        return PractitionerWord.unwrap(word) & SUSPENDED != 0;
    }

    /// @notice How often it was accredited or suspended.
    function epoch(PractitionerWord word) internal pure returns (uint32) {
        return uint32(PractitionerWord.unwrap(word) >> EPOCH_AT);
    }

    /// @notice All of it, for callers outside.
    function unpack(PractitionerWord word) internal pure returns (Practitioner memory) {
        return Practitioner({
            accreditor: word.accreditor(),
            validFrom: word.validFrom(),
            validUntil: word.validUntil(),
            roles: word.roles(),
            suspended: word.suspended(),
            epoch: word.epoch()
        });
    }
}
