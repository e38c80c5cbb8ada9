// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {ECDSA} from "solady/utils/ECDSA.sol";
import {EIP712} from "solady/utils/EIP712.sol";

import {Authorization, ISignedActions} from "./interfaces/ISignedActions.sol";

/// @title Signed actions: who signed, until when, and never twice.
/// @dev A contract calls `_authorize` first in each `…BySig` function and then does exactly what the direct function
///      does for `msg.sender`. There is no forwarder and no meta-transaction context: the signer is an argument.
abstract contract SignedActions is ISignedActions, EIP712 {
    /// @dev A signature by a key: r ‖ s ‖ v. The shorter form of EIP-2098 does not count.
    uint256 private constant SIGNATURE_LENGTH = 65;
    /// @dev Half the order of secp256k1; of two signatures with s and its opposite the lower one counts (EIP-2).
    uint256 private constant HIGHEST_S = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0;

    /// @dev 256 neighbouring nonces share a slot. A struct, so that one pointer serves for reading and writing.
    struct NonceWord {
        uint256 used;
    }

    /// @dev Bit `nonce % 256` of word `nonce / 256` says that the nonce is gone.
    mapping(address signer => mapping(uint256 word => NonceWord nonces)) private _nonces;

    /// @inheritdoc ISignedActions
    function cancelNonce(uint256 nonce) external {
        _useNonce(msg.sender, nonce);
        emit NonceCancelled(msg.sender, nonce);
    }

    /// @inheritdoc ISignedActions
    function isNonceUsed(address signer, uint256 nonce) external view returns (bool) {
        return _nonces[signer][nonce >> 8].used & (1 << (nonce & 0xff)) != 0;
    }

    /// @inheritdoc ISignedActions
    // forge-lint: disable-next-line(mixed-case-function)
    function DOMAIN_SEPARATOR() external view returns (bytes32) {
        return _domainSeparator();
    }

    /// @notice Reverts unless `signer` signed the message with this struct hash and it may still be used; uses it up.
    /// @dev The ERC-1271 question is a static call, so a signer's contract cannot act between check and effect.
    function _authorize(address signer, bytes32 structHash, Authorization calldata auth) internal {
        if (block.timestamp >= auth.deadline) revert ActionExpired(auth.deadline);
        if (!_isSignedBy(signer, _hashTypedData(structHash), auth.signature)) revert InvalidSignature();
        _useNonce(signer, auth.nonce);
    }

    /// @notice The struct hash of a message whose fields, but for nonce and deadline, are the first arguments of the call.
    /// @param fields Those arguments as they lie in the call data: one word each, which is also how EIP-712 encodes them.
    function _hash(bytes32 typeHash, bytes calldata fields, Authorization calldata auth)
        internal
        pure
        returns (bytes32)
    {
        return keccak256(abi.encodePacked(typeHash, fields, auth.nonce, auth.deadline));
    }

    /// @dev Marks the nonce as gone, or reverts if it is.
    function _useNonce(address signer, uint256 nonce) private {
        NonceWord storage word = _nonces[signer][nonce >> 8];
        uint256 used = word.used;
        uint256 bit = 1 << (nonce & 0xff);
        if (used & bit != 0) revert NonceUsed(signer, nonce);
        word.used = used | bit;
    }

    /// @dev A key's own signature counts also where its address has code (EIP-7702), so ecrecover comes first. It takes
    ///      exactly 65 bytes with a low s and v 27 or 28, and never answers with the zero address.
    function _isSignedBy(address signer, bytes32 digest, bytes calldata signature) private view returns (bool) {
        if (signature.length == SIGNATURE_LENGTH && uint256(bytes32(signature[32:64])) <= HIGHEST_S) {
            address recovered = ECDSA.tryRecoverCalldata(digest, signature);
            if (recovered == signer && signer != address(0)) return true;
        }
        return signer.code.length != 0 && _isAcceptedByContract(signer, digest, signature);
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

    /// @dev Name and version of the EIP-712 domain.
    function _domainNameAndVersion() internal pure override returns (string memory name, string memory version) {
        return ("medlock", "1");
    }
}
