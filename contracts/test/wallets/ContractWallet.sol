// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";

/// @title A wallet contract (ERC-1271) whose answers the test sets.
contract ContractWallet is IERC1271 {
    enum Answer {
        Accept,
        WrongValue,
        Revert,
        Short,
        Endless
    }

    /// @dev The signature that it accepts, for exactly one digest.
    bytes32 private digest;
    bytes32 private signatureHash;
    Answer private answer;

    function expect(bytes32 digest_, bytes memory signature_, Answer answer_) external {
        (digest, signatureHash, answer) = (digest_, keccak256(signature_), answer_);
    }

    function isValidSignature(bytes32 digest_, bytes calldata signature_) external view returns (bytes4) {
        if (answer == Answer.Revert) revert("no");
        if (answer == Answer.WrongValue || digest_ != digest || keccak256(signature_) != signatureHash) {
            return 0xffffffff;
        }
        if (answer == Answer.Short) _returnFourBytes();
        if (answer == Answer.Endless) _returnZeros();
        return IERC1271.isValidSignature.selector;
    }

    /// @dev Returns half a mebibyte. Copying it costs the caller more gas than returning it.
    function _returnZeros() private pure {
        assembly {
            return(0x80, 0x80000)
        }
    }

    /// @dev Returns the right value, but in 4 bytes instead of 32.
    function _returnFourBytes() private pure {
        bytes4 value = IERC1271.isValidSignature.selector;
        assembly {
            mstore(0, value)
            return(0, 4)
        }
    }
}
