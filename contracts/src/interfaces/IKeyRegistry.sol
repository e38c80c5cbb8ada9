// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Authorization, ISignedActions} from "./ISignedActions.sol";

/// @notice The stored part of a key. The event contains the key bytes.
/// @param hash keccak256 of the key bytes; zero if no key was registered.
/// @param epoch 1 for the first key of the slot; each new key raises it by one.
/// @param since Block time of the registration.
/// @param kem HPKE KEM id (IANA): 0x647a, MLKEM768-X25519, in slot 0; 0x0016, DHKEM(secp256k1, HKDF-SHA256), in slot 1.
struct Key {
    bytes32 hash;
    uint32 epoch;
    uint40 since;
    uint16 kem;
}

/// @title Public encryption keys of patients, doctors and labs.
/// @notice Slot 0 is the identity key (one KEM public key); slot 1 is the list of all category keys of a patient.
interface IKeyRegistry is ISignedActions {
    /// @notice `owner` uses `key` in `slot` from this block on.
    /// @dev Readers may rely on: `keyHash == keccak256(key)`; epochs of one slot count up by one without gaps.
    /// @dev Warning: for slot 0 the contract checks KEM and length, not the key itself.
    event KeyRegistered(
        address indexed owner, bytes32 indexed keyHash, uint8 slot, uint32 epoch, uint16 kem, bytes key
    );

    /// @notice The message names a different epoch from the current one.
    error StaleKeyEpoch(uint32 current);
    /// @notice The key has the wrong length or form for its slot and KEM.
    error InvalidKey();
    /// @notice This slot does not exist.
    error UnknownSlot(uint8 slot);

    /// @notice Registers the caller's key. `epoch` is the epoch that the call replaces (0 for the first key).
    function registerKey(uint8 slot, uint32 epoch, uint16 kem, bytes calldata key) external;
    /// @notice The same, signed: `RegisterKey(address owner,uint8 slot,uint32 epoch,uint16 kem,bytes32 keyHash,uint256 nonce,uint256 deadline)`.
    ///         The contract computes `keyHash`, the keccak256 of `key`.
    function registerKeyBySig(
        address owner,
        uint8 slot,
        uint32 epoch,
        uint16 kem,
        bytes calldata key,
        Authorization calldata auth
    ) external;

    /// @notice The current key of a slot; all zero if none was registered.
    function keyOf(address owner, uint8 slot) external view returns (Key memory);
}
