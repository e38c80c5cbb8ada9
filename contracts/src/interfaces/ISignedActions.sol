// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @notice A signer's permission for somebody else to submit one action.
/// @param nonce Any value the signer has not used before; order does not matter.
/// @param deadline The action is valid while `block.timestamp < deadline`.
/// @param signature 65 bytes `r ‖ s ‖ v` (low s, v 27 or 28), or a signature that the signer's contract accepts
/// (ERC-1271).
struct Authorization {
    uint256 nonce;
    uint256 deadline;
    bytes signature;
}

/// @title The part that all medlock contracts share: actions that one party signs and any other submits.
/// @notice Each action exists twice: as a direct call by the acting person, and as a `…BySig` function that anyone may
///         submit. The submitter gains no authority: the EIP-712 message names its signer and everything that will
///         happen. Three calls have no `…BySig` function, because their callers have a wallet that pays: transferring
///         and accepting the ownership of Accreditation, and giving up a nonce.
interface ISignedActions {
    /// @notice `signer` has given up `nonce`; no message that names it can succeed from now on.
    /// @dev Readers may rely on: 1. only the signer caused it; 2. no message with this nonce has succeeded before.
    ///      There is no such event for a nonce that a message uses up; the message's own event shows it.
    event NonceCancelled(address indexed signer, uint256 nonce);

    /// @notice The action's deadline has passed.
    error ActionExpired(uint256 deadline);
    /// @notice The signer has already used or cancelled this nonce.
    error NonceUsed(address signer, uint256 nonce);
    /// @notice The signature is malformed, has a high s, or was not made by the named signer.
    error InvalidSignature();

    /// @notice Gives up a nonce, so that a message signed with it can no longer be submitted.
    function cancelNonce(uint256 nonce) external;

    /// @notice Whether `signer` has used or cancelled `nonce`.
    function isNonceUsed(address signer, uint256 nonce) external view returns (bool);

    /// @notice The EIP-712 domain separator: name "medlock", version "1", this chain, this contract.
    function DOMAIN_SEPARATOR() external view returns (bytes32);
}
