// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Tag} from "./IGrantRegistry.sol";
import {RecordId} from "./IRecordRegistry.sol";
import {Authorization, ISignedActions} from "./ISignedActions.sol";

/// @notice One key release, as it is on chain.
/// @param record The record.
/// @param tag The reader's tag.
/// @param purposes The purpose of the read (one bit).
/// @param leaf RFC 6962 leaf hash of the operator's log entry.
struct Access {
    RecordId record;
    Tag tag;
    uint16 purposes;
    bytes32 leaf;
}

/// @notice The preimage of an operator's stored head; all zero for an empty log.
/// @param previous The head before this one.
/// @param size Number of leaves.
/// @param root RFC 6962 root over them.
struct Head {
    bytes32 previous;
    uint64 size;
    bytes32 root;
}

/// @title The anchored log of key releases, one per operator.
/// @notice head = keccak256(previous head ‖ size as uint64 ‖ root). The number of accesses in a checkpoint equals the
///         growth of the log. So anyone can rebuild each RFC 6962 root from events alone, and no batch can be appended
///         twice.
interface IAccessLog is ISignedActions {
    /// @notice The operator released a key of this record to the person who can open `tag`.
    /// @dev Readers may rely on: the order of `Accessed` events of one operator is the order of its leaves.
    event Accessed(address indexed operator, RecordId indexed record, Tag indexed tag, uint16 purposes, bytes32 leaf);
    /// @notice The operator's log has `size` leaves with this root.
    /// @dev Readers may rely on: between the previous checkpoint of this operator and this one, there are exactly as
    ///      many `Accessed` events of the operator as the difference of the sizes. Warning: the root itself is a claim
    ///      of the operator; recompute it.
    event Checkpoint(address indexed operator, uint64 size, bytes32 root, bytes32 head);

    /// @notice The given preimage is not the stored head: the log has grown since, or the batch was already appended.
    error StaleHead(bytes32 current);
    /// @notice A batch must have at least 1 and at most 1,000 accesses.
    error InvalidBatch();

    /// @notice Appends to the caller's own log.
    function checkpoint(Head calldata current, bytes32 root, Access[] calldata accesses) external;
    /// @notice The same, signed: `Checkpoint(address operator,bytes32 previousHead,uint64 size,bytes32 root,bytes32 accessesHash,uint256 nonce,uint256 deadline)`.
    /// @dev `previousHead` is the stored head that the message replaces, and `size` is the new size. Both follow from
    ///      `current`. `accessesHash` is keccak256 of the accesses' ABI words in a row: record, tag, purposes and leaf
    ///      of the first, then of the second, and so on. No person reads this message before signing, so one hash is
    ///      enough.
    function checkpointBySig(
        address operator,
        Head calldata current,
        bytes32 root,
        Access[] calldata accesses,
        Authorization calldata auth
    ) external;

    /// @notice The operator's stored head; zero for an empty log.
    function headOf(address operator) external view returns (bytes32);
}
