// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Vm} from "forge-std/Vm.sol";

import {Access, Head} from "../src/interfaces/IAccessLog.sol";
import {GrantRef, NewGrant, Scope, Tag} from "../src/interfaces/IGrantRegistry.sol";
import {NewRecord, NewVersion, RecordId} from "../src/interfaces/IRecordRegistry.sol";

/// @title The signed messages, hashed a second time.
/// @dev Types are written out here and hashed by Forge's own EIP-712 code, so that the tests find a mistake in a
///      contract's type string or encoding. Each struct repeats its message's fields in order.
library Messages {
    Vm private constant VM = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    struct Grant {
        address patient;
        Tag tag;
        uint8 rights;
        uint16 purposes;
        uint40 notBefore;
        uint40 notAfter;
        uint32 patientEpoch;
        Scope[] scopes;
        uint256 nonce;
        uint256 deadline;
    }

    struct Revoke {
        address patient;
        GrantRef[] grants;
        uint256 nonce;
        uint256 deadline;
    }

    struct RegisterKey {
        address owner;
        uint8 slot;
        uint32 epoch;
        uint16 kem;
        bytes32 keyHash;
        uint256 nonce;
        uint256 deadline;
    }

    struct Checkpoint {
        address operator;
        bytes32 previousHead;
        uint64 size;
        bytes32 root;
        bytes32 accessesHash;
        uint256 nonce;
        uint256 deadline;
    }

    function grant(address patient, NewGrant memory newGrant, uint256 nonce, uint256 deadline)
        internal
        pure
        returns (bytes32)
    {
        return VM.eip712HashStruct(
            "Grant(address patient,bytes32 tag,uint8 rights,uint16 purposes,uint40 notBefore,uint40 notAfter,uint32 patientEpoch,Scope[] scopes,uint256 nonce,uint256 deadline)Scope(uint8 kind,bytes32 id,uint32 epoch,bytes32 bundleHash)",
            abi.encode(
                Grant({
                    patient: patient,
                    tag: newGrant.tag,
                    rights: newGrant.rights,
                    purposes: newGrant.purposes,
                    notBefore: newGrant.notBefore,
                    notAfter: newGrant.notAfter,
                    patientEpoch: newGrant.patientEpoch,
                    scopes: newGrant.scopes,
                    nonce: nonce,
                    deadline: deadline
                })
            )
        );
    }

    function revoke(address patient, GrantRef[] memory grants, uint256 nonce, uint256 deadline)
        internal
        pure
        returns (bytes32)
    {
        return VM.eip712HashStruct(
            "Revoke(address patient,GrantRef[] grants,uint256 nonce,uint256 deadline)GrantRef(bytes32 tag,uint8 kind,bytes32 id)",
            abi.encode(Revoke({patient: patient, grants: grants, nonce: nonce, deadline: deadline}))
        );
    }

    function revokeAll(address patient, uint256 nonce, uint256 deadline) internal pure returns (bytes32) {
        return VM.eip712HashStruct(
            "RevokeAll(address patient,uint256 nonce,uint256 deadline)", abi.encode(patient, nonce, deadline)
        );
    }

    function registerRecord(address uploader, NewRecord memory record, uint256 nonce, uint256 deadline)
        internal
        pure
        returns (bytes32)
    {
        return VM.eip712HashStruct(
            "RegisterRecord(address uploader,address patient,bytes32 salt,uint16 category,uint8 codec,bytes32 digest,bytes32 writeSalt,uint256 nonce,uint256 deadline)",
            abi.encode(uploader, record, nonce, deadline)
        );
    }

    function registerVersion(address uploader, NewVersion memory version, uint256 nonce, uint256 deadline)
        internal
        pure
        returns (bytes32)
    {
        return VM.eip712HashStruct(
            "RegisterVersion(address uploader,bytes32 record,uint16 version,uint8 codec,bytes32 digest,bytes32 salt,bytes32 writeSalt,uint256 nonce,uint256 deadline)",
            abi.encode(uploader, version, nonce, deadline)
        );
    }

    function supersede(address patient, RecordId record, uint16 version, uint256 nonce, uint256 deadline)
        internal
        pure
        returns (bytes32)
    {
        return VM.eip712HashStruct(
            "Supersede(address patient,bytes32 record,uint16 version,uint256 nonce,uint256 deadline)",
            abi.encode(patient, record, version, nonce, deadline)
        );
    }

    function tombstone(address patient, RecordId record, uint32 epoch, uint256 nonce, uint256 deadline)
        internal
        pure
        returns (bytes32)
    {
        return VM.eip712HashStruct(
            "Tombstone(address patient,bytes32 record,uint32 epoch,uint256 nonce,uint256 deadline)",
            abi.encode(patient, record, epoch, nonce, deadline)
        );
    }

    function liftTombstone(address patient, RecordId record, uint32 epoch, uint256 nonce, uint256 deadline)
        internal
        pure
        returns (bytes32)
    {
        return VM.eip712HashStruct(
            "LiftTombstone(address patient,bytes32 record,uint32 epoch,uint256 nonce,uint256 deadline)",
            abi.encode(patient, record, epoch, nonce, deadline)
        );
    }

    function retract(
        address uploader,
        RecordId record,
        uint16 version,
        bytes32 salt,
        bytes32 writeSalt,
        uint256 nonce,
        uint256 deadline
    ) internal pure returns (bytes32) {
        return VM.eip712HashStruct(
            "Retract(address uploader,bytes32 record,uint16 version,bytes32 salt,bytes32 writeSalt,uint256 nonce,uint256 deadline)",
            abi.encode(uploader, record, version, salt, writeSalt, nonce, deadline)
        );
    }

    function registerKey(
        address owner,
        uint8 slot,
        uint32 epoch,
        uint16 kem,
        bytes memory key,
        uint256 nonce,
        uint256 deadline
    ) internal pure returns (bytes32) {
        return VM.eip712HashStruct(
            "RegisterKey(address owner,uint8 slot,uint32 epoch,uint16 kem,bytes32 keyHash,uint256 nonce,uint256 deadline)",
            abi.encode(
                RegisterKey({
                    owner: owner,
                    slot: slot,
                    epoch: epoch,
                    kem: kem,
                    keyHash: keccak256(key),
                    nonce: nonce,
                    deadline: deadline
                })
            )
        );
    }

    function addAccreditor(address owner, address accreditor, uint32 epoch, uint256 nonce, uint256 deadline)
        internal
        pure
        returns (bytes32)
    {
        return VM.eip712HashStruct(
            "AddAccreditor(address owner,address accreditor,uint32 epoch,uint256 nonce,uint256 deadline)",
            abi.encode(owner, accreditor, epoch, nonce, deadline)
        );
    }

    function removeAccreditor(address owner, address accreditor, uint256 nonce, uint256 deadline)
        internal
        pure
        returns (bytes32)
    {
        return VM.eip712HashStruct(
            "RemoveAccreditor(address owner,address accreditor,uint256 nonce,uint256 deadline)",
            abi.encode(owner, accreditor, nonce, deadline)
        );
    }

    function accredit(
        address accreditor,
        address practitioner,
        uint8 roles,
        uint40 validFrom,
        uint40 validUntil,
        uint32 epoch,
        uint32 accreditorEpoch,
        uint256 nonce,
        uint256 deadline
    ) internal pure returns (bytes32) {
        return VM.eip712HashStruct(
            "Accredit(address accreditor,address practitioner,uint8 roles,uint40 validFrom,uint40 validUntil,uint32 epoch,uint32 accreditorEpoch,uint256 nonce,uint256 deadline)",
            abi.encode(accreditor, practitioner, roles, validFrom, validUntil, epoch, accreditorEpoch, nonce, deadline)
        );
    }

    function suspend(address accreditor, address practitioner, uint256 nonce, uint256 deadline)
        internal
        pure
        returns (bytes32)
    {
        return VM.eip712HashStruct(
            "Suspend(address accreditor,address practitioner,uint256 nonce,uint256 deadline)",
            abi.encode(accreditor, practitioner, nonce, deadline)
        );
    }

    function checkpoint(
        address operator,
        Head memory current,
        bytes32 previousHead,
        bytes32 root,
        Access[] memory accesses,
        uint256 nonce,
        uint256 deadline
    ) internal pure returns (bytes32) {
        return VM.eip712HashStruct(
            "Checkpoint(address operator,bytes32 previousHead,uint64 size,bytes32 root,bytes32 accessesHash,uint256 nonce,uint256 deadline)",
            abi.encode(
                Checkpoint({
                    operator: operator,
                    previousHead: previousHead,
                    size: uint64(current.size + accesses.length),
                    root: root,
                    accessesHash: accessesHash(accesses),
                    nonce: nonce,
                    deadline: deadline
                })
            )
        );
    }

    /// @dev Four words for each access, one access after the other.
    function accessesHash(Access[] memory accesses) internal pure returns (bytes32) {
        bytes memory words;
        for (uint256 i = 0; i < accesses.length; ++i) {
            words = bytes.concat(words, abi.encode(accesses[i]));
        }
        return keccak256(words);
    }
}
