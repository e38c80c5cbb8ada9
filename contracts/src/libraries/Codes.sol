// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {RecordId} from "../interfaces/IRecordRegistry.sol";
import {Tag} from "../interfaces/IGrantRegistry.sol";
import {Hashes} from "./Hashes.sol";

/// @title Rights of a grant.
library Rights {
    uint8 internal constant READ = 1;
    uint8 internal constant WRITE = 2;
}

/// @title Purposes of use, after the HL7 v3 value set PurposeOfUse; one bit each.
library Purposes {
    uint16 internal constant TREAT = 1 << 0;
    uint16 internal constant ETREAT = 1 << 1;
    uint16 internal constant BTG = 1 << 2;
    uint16 internal constant HPAYMT = 1 << 3;
    uint16 internal constant HOPERAT = 1 << 4;
    uint16 internal constant HRESCH = 1 << 5;
    uint16 internal constant PATRQT = 1 << 6;
    uint16 internal constant FAMRQT = 1 << 7;
    uint16 internal constant PUBHLTH = 1 << 8;
    uint16 internal constant COC = 1 << 9;
    /// @notice All known purposes; any other bit is unknown.
    uint16 internal constant ALL = (1 << 10) - 1;
    /// @notice Purposes for which the grantee acts for the patient, so that no accreditation is needed.
    uint16 internal constant WITHOUT_ACCREDITATION = PATRQT | FAMRQT;

    /// @notice Whether `purpose` is exactly one bit.
    function isSingle(uint16 purpose) internal pure returns (bool) {
        return purpose != 0 && purpose & (purpose - 1) == 0;
    }
}

/// @title Roles of a practitioner; one bit each.
library Roles {
    uint8 internal constant DOCTOR = 1;
    uint8 internal constant NURSE = 2;
    uint8 internal constant LAB = 4;
    uint8 internal constant PHARMACY = 8;
    uint8 internal constant AUDITOR = 16;
    uint8 internal constant EMERGENCY = 32;
    uint8 internal constant RESEARCHER = 64;
    /// @notice All known roles; any other bit is unknown.
    uint8 internal constant ALL = 127;
    /// @notice Any role.
    uint8 internal constant ANY = 255;
    /// @notice Roles that may upload records for a patient who has allowed it.
    uint8 internal constant UPLOADER = DOCTOR | NURSE | LAB | PHARMACY | EMERGENCY;
}

/// @title Ids that identify somebody only to people who know their salt.
library Salted {
    /// @notice tag = keccak256(grantee20 ‖ salt32).
    function tag(address grantee, bytes32 salt) internal pure returns (Tag) {
        return Tag.wrap(Hashes.pair(grantee, salt));
    }

    /// @notice record id = keccak256(uploader20 ‖ salt32).
    function recordId(address uploader, bytes32 salt) internal pure returns (RecordId) {
        return RecordId.wrap(Hashes.pair(uploader, salt));
    }
}
