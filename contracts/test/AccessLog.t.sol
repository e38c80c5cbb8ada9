// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Access, Head, IAccessLog} from "../src/interfaces/IAccessLog.sol";
import {Authorization, ISignedActions} from "../src/interfaces/ISignedActions.sol";
import {BaseTest} from "./BaseTest.sol";
import {Messages} from "./Messages.sol";

/// @dev One test for each leaf of AccessLog.tree.
contract AccessLogTest is BaseTest {
    uint256 private constant DEADLINE = START + 1 hours;
    bytes32 private constant ROOT = keccak256("root");
    Head private empty;

    function checkpoint(Head memory current, bytes32 root, Access[] memory accesses) private {
        vm.prank(operator.addr);
        accessLog.checkpoint(current, root, accesses);
    }

    function signed(Head memory current, Access[] memory accesses) private view returns (Authorization memory) {
        bytes32 message = Messages.checkpoint(operator.addr, current, headHash(current), ROOT, accesses, 3, DEADLINE);
        return sign(operator, accessLog, message, 3, DEADLINE);
    }

    function test_Checkpoint_EmitsEachAccessThenTheCheckpoint() public {
        Access[] memory accesses = newAccesses(3);
        for (uint256 i = 0; i < 3; ++i) {
            Access memory access = accesses[i];
            vm.expectEmit();
            emit IAccessLog.Accessed(operator.addr, access.record, access.tag, access.purposes, access.leaf);
        }
        vm.expectEmit();
        emit IAccessLog.Checkpoint(operator.addr, 3, ROOT, keccak256(abi.encodePacked(bytes32(0), uint64(3), ROOT)));
        checkpoint(empty, ROOT, accesses);
    }

    function testFuzz_Checkpoint_StoresTheHeadsHash(bytes32 root) public {
        Head memory first = givenCheckpoint();
        assertEq(accessLog.headOf(operator.addr), headHash(first));
        checkpoint(first, root, newAccesses(2));
        assertEq(accessLog.headOf(operator.addr), keccak256(abi.encodePacked(headHash(first), uint64(3), root)));
    }

    function testFuzz_Checkpoint_GrowsByTheBatch(uint8 first, uint8 second) public {
        uint64 one = uint64(bound(first, 1, 40));
        uint64 two = uint64(bound(second, 1, 40));
        checkpoint(empty, ROOT, newAccesses(one));
        Head memory head = Head(0, one, ROOT);
        checkpoint(head, ROOT, newAccesses(two));
        assertEq(accessLog.headOf(operator.addr), headHash(Head(headHash(head), one + two, ROOT)));
    }

    function test_Checkpoint_TakesAThousand() public {
        checkpoint(empty, ROOT, newAccesses(1000));
        assertEq(accessLog.headOf(operator.addr), headHash(Head(0, 1000, ROOT)));
    }

    function test_Checkpoint_Relayed() public {
        Head memory head = givenCheckpoint();
        Access[] memory accesses = newAccesses(4);
        accessLog.checkpointBySig(operator.addr, head, ROOT, accesses, signed(head, accesses));
        assertEq(accessLog.headOf(operator.addr), headHash(Head(headHash(head), 5, ROOT)));
        assertEq(accessLog.headOf(address(this)), 0);
    }

    function test_RevertWhen_SignedPurposesAreNoNumberOf16Bits() public {
        Access[] memory accesses = newAccesses(2);
        bytes memory data =
            abi.encodeCall(accessLog.checkpointBySig, (operator.addr, empty, ROOT, accesses, signed(empty, accesses)));
        // The purposes of the second access: selector, seven words of head, length, one access, record, tag.
        data[4 + (7 + 1 + 4 + 2) * 32] = 0x01;
        (bool success,) = address(accessLog).call(data);
        assertFalse(success);
        assertEq(accessLog.headOf(operator.addr), 0);
    }

    function testFuzz_Checkpoint_TakesAccessesWhereverTheyLie(uint256 gap) public {
        Access[] memory accesses = newAccesses(3);
        Authorization memory auth = signed(empty, accesses);
        bytes memory packed;
        for (uint256 i = 0; i < 3; ++i) {
            packed = bytes.concat(packed, abi.encode(accesses[i]));
        }
        // The authorization first, then a gap, then the accesses. This is valid ABI, although no compiler writes it.
        bytes memory tail = abi.encode(auth.nonce, auth.deadline, uint256(96), auth.signature.length);
        tail = bytes.concat(tail, auth.signature, new bytes(31 + bound(gap, 0, 500)));
        bytes memory data = bytes.concat(
            abi.encode(operator.addr, empty, ROOT, 7 * 32 + tail.length, 7 * 32), tail, abi.encode(uint256(3)), packed
        );
        (bool success,) = address(accessLog).call(bytes.concat(accessLog.checkpointBySig.selector, data));
        assertTrue(success);
        assertEq(accessLog.headOf(operator.addr), headHash(Head(0, 3, ROOT)));
    }

    function testFuzz_RevertWhen_HeadIsStale(bytes32 previous, uint64 size, bytes32 root) public {
        Head memory head = givenCheckpoint();
        vm.assume(previous != head.previous || size != head.size || root != head.root);
        vm.expectRevert(abi.encodeWithSelector(IAccessLog.StaleHead.selector, headHash(head)));
        checkpoint(Head(previous, size, root), ROOT, newAccesses(1));
    }

    function test_RevertWhen_BatchComesTwice() public {
        Head memory head = givenCheckpoint();
        Access[] memory accesses = newAccesses(4);
        checkpoint(head, ROOT, accesses);
        bytes32 current = accessLog.headOf(operator.addr);
        vm.expectRevert(abi.encodeWithSelector(IAccessLog.StaleHead.selector, current));
        checkpoint(head, ROOT, accesses);
        // The same batch, signed with a new nonce, fails too.
        Authorization memory auth = signed(head, accesses);
        vm.expectRevert(abi.encodeWithSelector(IAccessLog.StaleHead.selector, current));
        accessLog.checkpointBySig(operator.addr, head, ROOT, accesses, auth);
    }

    function test_RevertWhen_LogStartsAgain() public {
        Head memory head = givenCheckpoint();
        vm.expectRevert(abi.encodeWithSelector(IAccessLog.StaleHead.selector, headHash(head)));
        checkpoint(empty, ROOT, newAccesses(1));
    }

    function testFuzz_RevertWhen_EmptyLogHasAnotherPreimage(bytes32 previous, uint64 size, bytes32 root) public {
        vm.assume(previous != 0 || size != 0 || root != 0);
        vm.expectRevert(abi.encodeWithSelector(IAccessLog.StaleHead.selector, bytes32(0)));
        checkpoint(Head(previous, size, root), ROOT, newAccesses(1));
    }

    function test_RevertWhen_BatchIsOutOfRange() public {
        vm.expectRevert(IAccessLog.InvalidBatch.selector);
        checkpoint(empty, ROOT, newAccesses(0));
        Access[] memory tooMany = newAccesses(1001);
        vm.expectRevert(IAccessLog.InvalidBatch.selector);
        checkpoint(empty, ROOT, tooMany);
    }

    function test_RevertWhen_HeadIsAnothers() public {
        Head memory head = givenCheckpoint();
        vm.expectRevert(abi.encodeWithSelector(IAccessLog.StaleHead.selector, bytes32(0)));
        vm.prank(stranger.addr);
        accessLog.checkpoint(head, ROOT, newAccesses(1));
    }

    function testFuzz_RevertWhen_SignedAccessChanges(uint256 which, bytes32 leaf) public {
        Access[] memory accesses = newAccesses(4);
        Authorization memory auth = signed(empty, accesses);
        which = bound(which, 0, 3);
        vm.assume(leaf != accesses[which].leaf);
        accesses[which].leaf = leaf;
        vm.expectRevert(ISignedActions.InvalidSignature.selector);
        accessLog.checkpointBySig(operator.addr, empty, ROOT, accesses, auth);
    }
}
