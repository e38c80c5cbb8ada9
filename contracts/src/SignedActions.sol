// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";

import {Authorization, ISignedActions} from "./interfaces/ISignedActions.sol";

/// @title Signed actions: who signed, until when, and never twice.
/// @dev A contract calls `_authorize` first in each `…BySig` function and then does exactly what the direct function
///      does for `msg.sender`. There is no forwarder and no meta-transaction context: the signer is an argument.
abstract contract SignedActions is ISignedActions, EIP712 {
    /// @dev Half the order of secp256k1, rounded down: the highest `s` that is accepted, so that nobody can turn one
    ///      valid signature into a second one.
    uint256 private constant MAX_S = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0;

    /// @dev Bit `nonce % 256` of word `nonce / 256` says that the nonce is gone. Neighbouring nonces share a slot.
    mapping(address signer => mapping(uint256 word => uint256 bits)) private _nonces;

    constructor() EIP712("medlock", "1") {}

    /// @inheritdoc ISignedActions
    function cancelNonce(uint256 nonce) external {
        _useNonce(msg.sender, nonce);
        emit NonceCancelled(msg.sender, nonce);
    }

    /// @inheritdoc ISignedActions
    function isNonceUsed(address signer, uint256 nonce) external view returns (bool) {
        return _nonces[signer][nonce >> 8] & (1 << (nonce & 0xff)) != 0;
    }

    /// @inheritdoc ISignedActions
    // forge-lint: disable-next-line(mixed-case-function)
    function DOMAIN_SEPARATOR() external view returns (bytes32) {
        return _domainSeparatorV4();
    }

    /// @notice Reverts unless `signer` signed the message with this struct hash and it may still be used; uses it up.
    /// @dev The ERC-1271 question is a static call, so a signer's contract cannot act between check and effect.
    function _authorize(address signer, bytes32 structHash, Authorization calldata auth) internal {
        if (block.timestamp >= auth.deadline) revert ActionExpired(auth.deadline);
        if (!_isSignedBy(signer, _hashTypedDataV4(structHash), auth.signature)) revert InvalidSignature();
        _useNonce(signer, auth.nonce);
    }

    /// @dev Marks the nonce as gone, or reverts if it is.
    function _useNonce(address signer, uint256 nonce) private {
        uint256 bit = 1 << (nonce & 0xff);
        uint256 bits = _nonces[signer][nonce >> 8];
        if (bits & bit != 0) revert NonceUsed(signer, nonce);
        _nonces[signer][nonce >> 8] = bits | bit;
    }

    /// @dev A key's own signature counts also where its address has code (EIP-7702), so ecrecover comes first.
    function _isSignedBy(address signer, bytes32 digest, bytes calldata signature) private view returns (bool) {
        if (signature.length == 65 && _recover(digest, signature) == signer && signer != address(0)) return true;
        return signer.code.length != 0 && _isAcceptedByContract(signer, digest, signature);
    }

    /// @dev The address whose key made this `r ‖ s ‖ v`, or zero. The caller has checked the length.
    function _recover(bytes32 digest, bytes calldata signature) private pure returns (address) {
        bytes32 r = bytes32(signature[0:32]);
        bytes32 s = bytes32(signature[32:64]);
        uint8 v = uint8(signature[64]);
        if (uint256(s) > MAX_S || (v != 27 && v != 28)) return address(0);
        return ecrecover(digest, v, r, s);
    }

    /// @dev Any answer but the 32-byte magic value is a no, also a revert, a short answer or none.
    function _isAcceptedByContract(address signer, bytes32 digest, bytes calldata signature)
        private
        view
        returns (bool)
    {
        (bool success, bytes memory answer) =
            signer.staticcall(abi.encodeCall(IERC1271.isValidSignature, (digest, signature)));
        return success && answer.length >= 32 && bytes32(answer) == bytes32(IERC1271.isValidSignature.selector);
    }
}
