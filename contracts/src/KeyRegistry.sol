// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {EfficientHashLib} from "solady/utils/EfficientHashLib.sol";

import {IKeyRegistry, Key} from "./interfaces/IKeyRegistry.sol";
import {Authorization} from "./interfaces/ISignedActions.sol";
import {Hashes} from "./libraries/Hashes.sol";
import {SignedActions} from "./SignedActions.sol";

/// @title KeyRegistry
contract KeyRegistry is IKeyRegistry, SignedActions {
    bytes32 private constant REGISTER_KEY_TYPEHASH = keccak256(
        "RegisterKey(address owner,uint8 slot,uint32 epoch,uint16 kem,bytes32 keyHash,uint256 nonce,uint256 deadline)"
    );

    /// @dev The slot of the identity key: one public key.
    uint8 private constant IDENTITY = 0;
    /// @dev The slot of the list of all category keys.
    uint8 private constant CATEGORY_KEYS = 1;
    /// @dev The HPKE KEM id of MLKEM768-X25519, the KEM of identity keys.
    uint16 private constant KEM_X_WING = 0x647a;
    /// @dev An ML-KEM-768 encapsulation key, 1,184 bytes, and an X25519 public key.
    uint256 private constant IDENTITY_KEY_LENGTH = 1_216;
    /// @dev The HPKE KEM id of DHKEM(secp256k1, HKDF-SHA256), the KEM of category keys.
    uint16 private constant KEM_SECP256K1 = 0x0016;
    /// @dev Room for about 230 category keys, many more than there are categories.
    uint256 private constant MAX_CATEGORY_KEYS_LENGTH = 16_384;

    /// @dev A struct, so that the same pointer can be used for reading and writing.
    struct Slot {
        Key key;
    }

    mapping(address owner => mapping(uint8 slot => Slot stored)) private _keys;

    /// @inheritdoc IKeyRegistry
    function registerKey(uint8 slot, uint32 epoch, uint16 kem, bytes calldata key) external {
        _register(msg.sender, slot, epoch, kem, key, EfficientHashLib.hashCalldata(key));
    }

    /// @inheritdoc IKeyRegistry
    function registerKeyBySig(
        address owner,
        uint8 slot,
        uint32 epoch,
        uint16 kem,
        bytes calldata key,
        Authorization calldata auth
    ) external {
        bytes32 keyHash = EfficientHashLib.hashCalldata(key);
        _authorize(owner, Hashes.message(REGISTER_KEY_TYPEHASH, owner, msg.data[36:132], keyHash, auth), auth);
        _register(owner, slot, epoch, kem, key, keyHash);
    }

    /// @inheritdoc IKeyRegistry
    function keyOf(address owner, uint8 slot) external view returns (Key memory) {
        return _keys[owner][slot].key;
    }

    function _register(address owner, uint8 slot, uint32 epoch, uint16 kem, bytes calldata key, bytes32 keyHash)
        private
    {
        if (slot > CATEGORY_KEYS) revert UnknownSlot(slot);
        if (!_hasForm(slot, kem, key.length)) revert InvalidKey();
        Slot storage stored = _keys[owner][slot];
        uint32 current = stored.key.epoch;
        // The last epoch is never replaced. Nobody registers four billion keys.
        if (epoch != current || current == type(uint32).max) revert StaleKeyEpoch(current);

        unchecked {
            ++epoch; // below the last one
        }
        stored.key = Key({hash: keyHash, epoch: epoch, since: uint40(block.timestamp), kem: kem});
        emit KeyRegistered(owner, keyHash, slot, epoch, kem, key);
    }

    /// @dev Checks only KEM and length. A person who seals to the key must check the key itself.
    function _hasForm(uint8 slot, uint16 kem, uint256 length) private pure returns (bool) {
        if (slot == IDENTITY) return kem == KEM_X_WING && length == IDENTITY_KEY_LENGTH;
        return kem == KEM_SECP256K1 && length != 0 && length <= MAX_CATEGORY_KEYS_LENGTH;
    }
}
