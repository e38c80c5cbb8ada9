// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {StorageSlot} from "@openzeppelin/contracts/utils/StorageSlot.sol";
import {EIP712} from "solady/utils/EIP712.sol";
import {SignatureCheckerLib} from "solady/utils/SignatureCheckerLib.sol";

import {Authorization, ISignedActions} from "./interfaces/ISignedActions.sol";
import {Hashes} from "./libraries/Hashes.sol";

/// @title Signed actions: checks the signer and the deadline, and that each message is used only once.
/// @dev A contract calls `_authorize` first in each `…BySig` function. After that the function does exactly what the
///      direct function does for `msg.sender`. There is no forwarder and no meta-transaction context: the signer is an
///      argument.
abstract contract SignedActions is ISignedActions, EIP712 {
    /// @dev The length of a signature by a key: r ‖ s ‖ v. The shorter form of EIP-2098 is not accepted.
    uint256 private constant SIGNATURE_LENGTH = 65;
    /// @dev The address of the precompile that recovers a signer.
    uint256 private constant ECRECOVER = 1;
    /// @dev Half the order of secp256k1. Of the two signatures with s and its opposite, only the one with the lower s
    ///      is valid (EIP-2).
    uint256 private constant HIGHEST_S = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0;

    /// @inheritdoc ISignedActions
    function cancelNonce(uint256 nonce) external {
        _useNonce(msg.sender, nonce);
        emit NonceCancelled(msg.sender, nonce);
    }

    /// @inheritdoc ISignedActions
    function isNonceUsed(address signer, uint256 nonce) external view returns (bool) {
        return _nonceWordOf(signer, nonce).value & (1 << (nonce & 0xff)) != 0;
    }

    /// @inheritdoc ISignedActions
    // forge-lint: disable-next-line(mixed-case-function)
    function DOMAIN_SEPARATOR() external view returns (bytes32) {
        return _domainSeparator();
    }

    /// @notice Checks that `signer` signed the message with this struct hash and that the message can still be used,
    ///         and uses it up. Reverts otherwise.
    /// @dev The ERC-1271 check is a static call, so a signer's contract cannot act between check and effect.
    function _authorize(address signer, bytes32 structHash, Authorization calldata auth) internal {
        if (block.timestamp >= auth.deadline) revert ActionExpired(auth.deadline);
        bytes32 digest = _hashTypedData(structHash);
        bytes calldata signature = auth.signature;
        if (!_isSignedByKey(signer, digest, signature) && !_isAcceptedByContract(signer, digest, signature)) {
            revert InvalidSignature();
        }
        _useNonce(signer, auth.nonce);
    }

    /// @dev Marks the nonce as used, or reverts if it is used already.
    function _useNonce(address signer, uint256 nonce) private {
        StorageSlot.Uint256Slot storage word = _nonceWordOf(signer, nonce);
        uint256 used = word.value;
        uint256 bit = 1 << (nonce & 0xff);
        if (used & bit != 0) revert NonceUsed(signer, nonce);
        word.value = used | bit;
    }

    /// @dev 256 neighbouring nonces share a word: bit `nonce % 256` says that the nonce is used. The word is at
    ///      keccak256(signer ‖ nonce / 256), which takes one hash where a mapping in a mapping takes two. These are 52
    ///      bytes. For a mapping by a value type Solidity hashes 64 bytes, so the slots cannot collide. A contract that
    ///      inherits this must not have a mapping by bytes or string, because their keys are hashed at their own
    ///      length.
    function _nonceWordOf(address signer, uint256 nonce) private pure returns (StorageSlot.Uint256Slot storage) {
        return StorageSlot.getUint256Slot(Hashes.pair(signer, bytes32(nonce >> 8)));
    }

    /// @dev The signature of a key is also valid for an address that has code (EIP-7702), so this check comes first. It
    ///      accepts exactly 65 bytes with a low s and v 27 or 28. It never succeeds for the zero address, because the
    ///      precompile returns nothing when it finds no key.
    ///
    ///      It is written in assembly, because Solidity checks each part of the signature again and cleans every value
    ///      that it compares. The block writes scratch space and four words from the free memory pointer on, which
    ///      nothing reads again. It may read a part of the call data after the signature; in that case the length check
    ///      fails.
    function _isSignedByKey(address signer, bytes32 digest, bytes calldata signature)
        private
        view
        returns (bool isSigned)
    {
        assembly ("memory-safe") {
            let s := calldataload(add(signature.offset, 0x20))
            if iszero(or(xor(signature.length, SIGNATURE_LENGTH), gt(s, HIGHEST_S))) {
                let input := mload(0x40)
                mstore(input, digest)
                mstore(add(input, 0x20), byte(0, calldataload(add(signature.offset, 0x40)))) // v
                mstore(add(input, 0x40), calldataload(signature.offset)) // r
                mstore(add(input, 0x60), s)
                pop(staticcall(gas(), ECRECOVER, input, 0x80, 0x00, 0x20))
                // If it finds no key, which includes every v except 27 and 28, the precompile returns nothing, and word
                // 0 is not its result.
                let isFound := eq(returndatasize(), 0x20)
                // The shift drops the upper bits of an address, which Solidity leaves undefined.
                isSigned := and(isFound, iszero(shl(96, xor(mload(0x00), signer))))
            }
        }
    }

    /// @dev Asks the signer's contract, if there is one. Any answer except the 32-byte magic value is a refusal,
    ///      including a revert, a short answer or none. Only the first word of a longer answer is copied.
    function _isAcceptedByContract(address signer, bytes32 digest, bytes calldata signature)
        private
        view
        returns (bool)
    {
        return signer.code.length != 0
            && SignatureCheckerLib.isValidERC1271SignatureNowCalldata(signer, digest, signature);
    }

    /// @dev The name and the version of the EIP-712 domain.
    function _domainNameAndVersion() internal pure override returns (string memory name, string memory version) {
        return ("medlock", "1");
    }
}
