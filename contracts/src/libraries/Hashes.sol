// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Access} from "../interfaces/IAccessLog.sol";
import {GrantRef, NewGrant, Scope} from "../interfaces/IGrantRegistry.sol";
import {Authorization} from "../interfaces/ISignedActions.sol";

/// @title Hashes of messages, heads and pairs, taken directly from call data and words.
/// @dev In Solidity, each of these functions would decode its fields, encode them again into new `bytes`, and check
///      every bound again. This takes several hundred gas of each signed action. Here each one is a copy and a hash, in
///      assembly. The reasons why this is correct:
///
///      1. The copy is the encoding. The ABI gives each field its own word, in the form that EIP-712 requires. A word
///         that is out of its range hashes to a message that no signer is shown, and the action reverts when it decodes
///         the word.
///      2. The copy stays inside the call data. Each reference passed here comes from Solidity's decoder, which has
///         refused call data that ends too early, or from a slice, which is checked in the same way.
///      3. Solidity's memory is not changed. A block writes only to scratch space or from the free memory pointer on,
///         does not move the pointer, and needs its data only for its own hash.
library Hashes {
    /// @dev The bytes that these structs take in the call data, one word per field: 4 fields, 4 and 3; and 6 before the
    ///      scopes.
    uint256 private constant ACCESS_LENGTH = 0x80;
    uint256 private constant SCOPE_LENGTH = 0x80;
    uint256 private constant GRANT_REF_LENGTH = 0x60;
    uint256 private constant NEW_GRANT_LENGTH = 0xc0;

    /// @notice Struct hash of a message whose fields, except nonce and deadline, are the first arguments of the call:
    ///         keccak256(typeHash ‖ arguments ‖ nonce ‖ deadline).
    /// @param count The number of arguments: one word each, none of variable length, and all decoded.
    function message(bytes32 typeHash, uint256 count, Authorization calldata auth)
        internal
        pure
        returns (bytes32 hash)
    {
        assembly ("memory-safe") {
            let length := shl(5, count)
            let input := mload(0x40)
            let end := add(add(input, 0x20), length)
            mstore(input, typeHash)
            // The arguments follow the selector; nonce and deadline are the first two words of an authorization.
            calldatacopy(add(input, 0x20), 4, length)
            calldatacopy(end, auth, 0x40)
            hash := keccak256(input, add(length, 0x60))
        }
    }

    /// @notice Struct hash of a message whose last field has a variable length and is therefore a hash itself:
    ///         keccak256(typeHash ‖ signer ‖ fields ‖ last ‖ nonce ‖ deadline).
    /// @param fields The fields between signer and last, one word each.
    function message(bytes32 typeHash, address signer, bytes calldata fields, bytes32 last, Authorization calldata auth)
        internal
        pure
        returns (bytes32 hash)
    {
        assembly ("memory-safe") {
            let input := mload(0x40)
            let end := add(add(input, 0x40), fields.length)
            mstore(input, typeHash)
            // The shifts clear the upper bits of an address, which Solidity leaves undefined.
            mstore(add(input, 0x20), shr(96, shl(96, signer)))
            calldatacopy(add(input, 0x40), fields.offset, fields.length)
            mstore(end, last)
            calldatacopy(add(end, 0x20), auth, 0x40)
            hash := keccak256(input, add(fields.length, 0xa0))
        }
    }

    /// @notice EIP-712 encoding of `Scope[]`: keccak256 of the struct hashes, keccak256(typeHash ‖ fields) each.
    function array(bytes32 typeHash, Scope[] calldata scopes) internal pure returns (bytes32) {
        uint256 start;
        assembly ("memory-safe") {
            start := scopes.offset
        }
        return _array(typeHash, start, scopes.length, SCOPE_LENGTH);
    }

    /// @notice EIP-712 encoding of `GrantRef[]`, in the same way.
    function array(bytes32 typeHash, GrantRef[] calldata grants) internal pure returns (bytes32) {
        uint256 start;
        assembly ("memory-safe") {
            start := grants.offset
        }
        return _array(typeHash, start, grants.length, GRANT_REF_LENGTH);
    }

    /// @notice keccak256(who ‖ what), of 20 and 32 bytes.
    function pair(address who, bytes32 what) internal pure returns (bytes32 hash) {
        assembly ("memory-safe") {
            // In scratch space. The hash starts after the upper 12 bytes of the first word, so their content does not
            // matter.
            mstore(0x00, who)
            mstore(0x20, what)
            hash := keccak256(0x0c, 0x34)
        }
    }

    /// @notice Hash of a log's head: keccak256(previous ‖ size as 8 bytes ‖ root).
    function head(bytes32 previous, uint64 size, bytes32 root) internal pure returns (bytes32 hash) {
        assembly ("memory-safe") {
            let input := mload(0x40)
            mstore(input, previous)
            mstore(add(input, 0x20), shl(192, size))
            mstore(add(input, 0x28), root)
            hash := keccak256(input, 0x48)
        }
    }

    /// @notice The words of these accesses, four for each.
    function words(Access[] calldata accesses) internal pure returns (bytes calldata fields) {
        assembly ("memory-safe") {
            fields.offset := accesses.offset
            fields.length := mul(accesses.length, ACCESS_LENGTH)
        }
    }

    /// @notice The six words of a new grant before its scopes.
    function words(NewGrant calldata newGrant) internal pure returns (bytes calldata fields) {
        assembly ("memory-safe") {
            fields.offset := newGrant
            fields.length := NEW_GRANT_LENGTH
        }
    }

    /// @param start The position of the first struct in the call data; the others follow it.
    /// @param length Bytes of one struct.
    function _array(bytes32 typeHash, uint256 start, uint256 count, uint256 length)
        private
        pure
        returns (bytes32 hash)
    {
        assembly ("memory-safe") {
            // In memory: the type hash, after it the current struct, and after that the hashes.
            let input := mload(0x40)
            let hashes := add(add(input, 0x20), length)
            let end := add(hashes, shl(5, count))
            mstore(input, typeHash)
            for { let next := hashes } lt(next, end) { next := add(next, 0x20) } {
                calldatacopy(add(input, 0x20), start, length)
                mstore(next, keccak256(input, add(length, 0x20)))
                start := add(start, length)
            }
            hash := keccak256(hashes, shl(5, count))
        }
    }
}
