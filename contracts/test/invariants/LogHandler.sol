// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Vm} from "forge-std/Vm.sol";

import {Access, Head, IAccessLog} from "../../src/interfaces/IAccessLog.sol";
import {Authorization} from "../../src/interfaces/ISignedActions.sol";
import {BaseTest} from "../BaseTest.sol";
import {Messages} from "../Messages.sol";

/// @title Two operators who append, and a relayer that submits everything again in any order.
contract LogHandler is BaseTest {
    struct Sent {
        uint256 operator;
        Head current;
        bytes32 root;
        uint256 count;
        uint256 nonce;
    }

    Vm.Wallet[2] private operators;
    Head[2] private heads;
    uint256[2] private leaves;
    Sent[] private sent;
    uint256 private nonces;

    /// @notice Whether a batch was ever appended twice, or on a head other than the one that it names.
    bool public hasStaleBatchLanded;
    /// @notice How often a batch was appended.
    uint256 public landed;

    function setUp() public override {
        super.setUp();
        operators[0] = operator;
        operators[1] = stranger;
    }

    function append(uint256 o, uint256 count, bytes32 root) external {
        o = o % 2;
        Sent memory one = Sent(o, heads[o], root, bound(count, 1, 12), ++nonces);
        sent.push(one);
        vm.recordLogs();
        submit(one);
        note(one);
    }

    /// @dev Submits a batch that was appended before, or one for an earlier head, again with a new nonce.
    function replay(uint256 which) external {
        if (sent.length == 0) return;
        Sent memory one = sent[which % sent.length];
        one.nonce = ++nonces;
        try this.submit(one) {
            hasStaleBatchLanded = true;
        } catch {}
    }

    function submit(Sent memory one) public {
        Access[] memory accesses = newAccesses(one.count);
        Vm.Wallet memory signer = operators[one.operator];
        bytes32 message = Messages.checkpoint(
            signer.addr, one.current, headHash(one.current), one.root, accesses, one.nonce, START + 1
        );
        Authorization memory auth = sign(signer, accessLog, message, one.nonce, START + 1);
        accessLog.checkpointBySig(signer.addr, one.current, one.root, accesses, auth);
    }

    /// @notice The stored heads are those of logs that have only grown, and each leaf has its event.
    function check() external view {
        for (uint256 o = 0; o < 2; ++o) {
            assertEq(accessLog.headOf(operators[o].addr), headHash(heads[o]), "head");
            assertEq(heads[o].size, leaves[o], "one event a leaf");
        }
    }

    function note(Sent memory one) private {
        Vm.Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i = 0; i < logs.length; ++i) {
            if (logs[i].topics[0] == IAccessLog.Accessed.selector) ++leaves[one.operator];
        }
        heads[one.operator] = Head(headHash(one.current), uint64(one.current.size + one.count), one.root);
        ++landed;
    }
}
