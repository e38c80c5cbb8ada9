// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Authorization, ISignedActions} from "./ISignedActions.sol";

/// @notice What the chain remembers of a key; the bytes stand in the event.
/// @param hash keccak256 of the key bytes; zero where no key was registered.
/// @param epoch 1 for the first key of the slot, then counting up.
/// @param since Block time of the registration.
/// @param kem HPKE KEM id (IANA); 0x0016 is DHKEM(secp256k1, HKDF-SHA256).
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
    /// @dev Warning: the contract checks length and form of slot 0, not that the point lies on the curve.
    event KeyRegistered(
        address indexed owner, bytes32 indexed keyHash, uint8 slot, uint32 epoch, uint16 kem, bytes key
    );

    /// @notice The message names another epoch than the one it would replace.
    error StaleKeyEpoch(uint32 current);
    /// @notice The key has the wrong length or form for its slot and KEM.
    error InvalidKey();
    /// @notice There is no such slot.
    error UnknownSlot(uint8 slot);

    /// @notice Registers the caller's key. `epoch` is the one it replaces (0 for the first).
    function registerKey(uint8 slot, uint32 epoch, uint16 kem, bytes calldata key) external;
    /// @notice The same, signed: `RegisterKey(address owner,uint8 slot,uint32 epoch,uint16 kem,bytes key,uint256 nonce,uint256 deadline)`.
    function registerKeyBySig(
        address owner,
        uint8 slot,
        uint32 epoch,
        uint16 kem,
        bytes calldata key,
        Authorization calldata auth
    ) external;

    /// @notice The current key of a slot; all zero where none was registered.
    function keyOf(address owner, uint8 slot) external view returns (Key memory);
}
