// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @notice A signer's permission that somebody else submits one action for them.
/// @param nonce Any value the signer has not used before; order does not matter.
/// @param deadline The action is valid while `block.timestamp < deadline`.
/// @param signature 65 bytes `r ‖ s ‖ v` (low s, v 27 or 28), or whatever the signer's contract accepts (ERC-1271).
struct Authorization {
    uint256 nonce;
    uint256 deadline;
    bytes signature;
}

/// @title What every medlock contract shares: actions that are signed by one party and submitted by any other.
/// @notice Each action exists twice: as a direct call by the person who acts, and as a `…BySig` twin that anyone may
/// submit. The submitter gains no authority: the EIP-712 message names its signer and all that will happen. Three calls
/// have no twin, because whoever makes them has a wallet that pays: handing over and accepting the ownership of
/// Accreditation, and giving up a nonce.
interface ISignedActions {
    /// @notice `signer` has given up `nonce`; no message that names it can succeed from now on.
    /// @dev Readers may rely on: 1. only the signer caused it; 2. no message with this nonce has succeeded before. A nonce
    ///      that a message uses up is not announced: the message's own event stands for it.
    event NonceCancelled(address indexed signer, uint256 nonce);

    /// @notice The action's deadline has passed.
    error ActionExpired(uint256 deadline);
    /// @notice The signer has already used or cancelled this nonce.
    error NonceUsed(address signer, uint256 nonce);
    /// @notice The signature is malformed, has a high s, or is not the named signer's.
    error InvalidSignature();

    /// @notice Gives up a nonce, so that a message signed with it can no longer be submitted.
    function cancelNonce(uint256 nonce) external;

    /// @notice Whether `signer` has used or cancelled `nonce`.
    function isNonceUsed(address signer, uint256 nonce) external view returns (bool);

    /// @notice The EIP-712 domain separator: name "medlock", version "1", this chain, this contract.
    function DOMAIN_SEPARATOR() external view returns (bytes32);
}
