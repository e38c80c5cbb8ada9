// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {EfficientHashLib} from "solady/utils/EfficientHashLib.sol";

import {Access, Head, IAccessLog} from "./interfaces/IAccessLog.sol";
import {Authorization} from "./interfaces/ISignedActions.sol";
import {Hashes} from "./libraries/Hashes.sol";
import {SignedActions} from "./SignedActions.sol";

/// @title AccessLog
contract AccessLog is IAccessLog, SignedActions {
    bytes32 private constant CHECKPOINT_TYPEHASH = keccak256(
        "Checkpoint(address operator,bytes32 previousHead,uint64 size,bytes32 root,bytes32 accessesHash,uint256 nonce,uint256 deadline)"
    );

    /// @dev Keeps a checkpoint well below the gas limit of one transaction.
    uint256 private constant MAX_BATCH = 1000;

    /// @inheritdoc IAccessLog
    mapping(address operator => bytes32 head) public headOf;

    /// @inheritdoc IAccessLog
    function checkpoint(Head calldata current, bytes32 root, Access[] calldata accesses) external {
        _checkpoint(msg.sender, _hash(current), _grown(current, accesses), root, accesses);
    }

    /// @inheritdoc IAccessLog
    function checkpointBySig(
        address operator,
        Head calldata current,
        bytes32 root,
        Access[] calldata accesses,
        Authorization calldata auth
    ) external {
        (bytes32 previous, uint64 size) = (_hash(current), _grown(current, accesses));
        bytes32 structHash = EfficientHashLib.hash(
            uint256(CHECKPOINT_TYPEHASH),
            uint256(uint160(operator)),
            uint256(previous),
            size,
            uint256(root),
            uint256(EfficientHashLib.hashCalldata(Hashes.words(accesses))),
            auth.nonce,
            auth.deadline
        );
        _authorize(operator, structHash, auth);
        _checkpoint(operator, previous, size, root, accesses);
    }

    /// @param previous The head that the caller names as the one before the batch.
    /// @param size The size after the batch.
    function _checkpoint(address operator, bytes32 previous, uint64 size, bytes32 root, Access[] calldata accesses)
        private
    {
        if (accesses.length == 0) revert InvalidBatch();
        if (accesses.length > MAX_BATCH) revert InvalidBatch();
        bytes32 stored = headOf[operator];
        if (previous != stored) revert StaleHead(stored);

        bytes32 head = Hashes.head(previous, size, root);
        headOf[operator] = head;
        for (uint256 i = 0; i < accesses.length; ++i) {
            Access calldata access = accesses[i];
            emit Accessed(operator, access.record, access.tag, access.purposes, access.leaf);
        }
        emit Checkpoint(operator, size, root, head);
    }

    /// @dev keccak256(previous ‖ size ‖ root). It is zero for the empty log, whose preimage is all zero.
    function _hash(Head calldata head) private pure returns (bytes32) {
        (bytes32 previous, uint64 size, bytes32 root) = (head.previous, head.size, head.root);
        if (size == 0 && previous == 0 && root == 0) return 0;
        return Hashes.head(previous, size, root);
    }

    /// @dev The size after the batch. The sum wraps only for a preimage that is not the head of a log, because sizes
    ///      count leaves.
    function _grown(Head calldata current, Access[] calldata accesses) private pure returns (uint64) {
        unchecked {
            return uint64(current.size + accesses.length);
        }
    }
}
