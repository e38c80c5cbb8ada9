// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IKeyRegistry, Key} from "../src/interfaces/IKeyRegistry.sol";
import {Authorization} from "../src/interfaces/ISignedActions.sol";
import {BaseTest} from "./BaseTest.sol";
import {Messages} from "./Messages.sol";

/// @dev One test for each leaf of KeyRegistry.tree.
contract KeyRegistryTest is BaseTest {
    uint256 private constant DEADLINE = START + 1 hours;

    function register(uint8 slot, uint32 epoch, bytes memory key) private {
        vm.prank(patient.addr);
        keys.registerKey(slot, epoch, slot == 0 ? KEM : CATEGORY_KEM, key);
    }

    function signed(uint32 epoch, bytes memory key, uint256 nonce) private view returns (Authorization memory) {
        return
            sign(
                patient, keys, Messages.registerKey(patient.addr, 0, epoch, KEM, key, nonce, DEADLINE), nonce, DEADLINE
            );
    }

    function testFuzz_RegisterKey_StoresAndEmits(address who, uint256 seed) public {
        bytes memory key = identityKey(seed);
        vm.expectEmit();
        emit IKeyRegistry.KeyRegistered(who, keccak256(key), 0, 1, KEM, key);
        vm.prank(who);
        keys.registerKey(0, 0, KEM, key);
        assertEq(abi.encode(keys.keyOf(who, 0)), abi.encode(Key(keccak256(key), 1, START, KEM)));
    }

    function test_RegisterKey_CountsEpochsPerSlot() public {
        register(0, 0, identityKey(1));
        register(0, 1, identityKey(2));
        register(1, 0, hex"0102");
        assertEq(keys.keyOf(patient.addr, 0).epoch, 2);
        assertEq(keys.keyOf(patient.addr, 0).hash, keccak256(identityKey(2)));
        assertEq(keys.keyOf(patient.addr, 1).epoch, 1);
        assertEq(keys.keyOf(doctor.addr, 0).epoch, 0);
    }

    function test_RegisterKey_Relayed() public {
        bytes memory key = identityKey(1);
        keys.registerKeyBySig(patient.addr, 0, 0, KEM, key, signed(0, key, 3));
        assertEq(keys.keyOf(patient.addr, 0).hash, keccak256(key));
        assertEq(keys.keyOf(relayer.addr, 0).hash, 0);
    }

    function testFuzz_RevertWhen_KeyEpochIsStale(uint32 epoch) public {
        vm.assume(epoch != 1);
        register(0, 0, identityKey(1));
        vm.expectRevert(abi.encodeWithSelector(IKeyRegistry.StaleKeyEpoch.selector, 1));
        register(0, epoch, identityKey(2));
    }

    function test_RevertWhen_OlderKeyMessageComesSecond() public {
        bytes memory older = identityKey(1);
        bytes memory newer = identityKey(2);
        Authorization memory first = signed(0, older, 1);
        keys.registerKeyBySig(patient.addr, 0, 0, KEM, newer, signed(0, newer, 2));
        vm.expectRevert(abi.encodeWithSelector(IKeyRegistry.StaleKeyEpoch.selector, 1));
        keys.registerKeyBySig(patient.addr, 0, 0, KEM, older, first);
        assertEq(keys.keyOf(patient.addr, 0).hash, keccak256(newer));
    }

    function test_RevertWhen_KeyEpochIsTheLast() public {
        register(0, 0, identityKey(1));
        // The second word of the entry begins with the epoch. This epoch cannot be reached by registering keys.
        vm.record();
        keys.keyOf(patient.addr, 0);
        (bytes32[] memory reads,) = vm.accesses(address(keys));
        bytes32 slot = reads[reads.length - 1];
        bytes32 word = vm.load(address(keys), slot);
        vm.store(address(keys), slot, word | bytes32(uint256(type(uint32).max)));
        assertEq(keys.keyOf(patient.addr, 0).epoch, type(uint32).max);

        vm.expectRevert(abi.encodeWithSelector(IKeyRegistry.StaleKeyEpoch.selector, type(uint32).max));
        register(0, type(uint32).max, identityKey(2));
    }

    function testFuzz_RevertWhen_SlotIsUnknown(uint8 slot) public {
        slot = uint8(bound(slot, 2, 255));
        vm.expectRevert(abi.encodeWithSelector(IKeyRegistry.UnknownSlot.selector, slot));
        register(slot, 0, identityKey(1));
    }

    function testFuzz_RevertWhen_KemIsUnknown(uint16 kem) public {
        vm.startPrank(patient.addr);
        if (kem != KEM) {
            vm.expectRevert(IKeyRegistry.InvalidKey.selector);
            keys.registerKey(0, 0, kem, identityKey(1));
        }
        vm.assume(kem != CATEGORY_KEM);
        vm.expectRevert(IKeyRegistry.InvalidKey.selector);
        keys.registerKey(1, 0, kem, identityKey(1));
    }

    function test_RevertWhen_KemIsThatOfTheOtherSlot() public {
        vm.startPrank(patient.addr);
        vm.expectRevert(IKeyRegistry.InvalidKey.selector);
        keys.registerKey(0, 0, CATEGORY_KEM, identityKey(1));
        vm.expectRevert(IKeyRegistry.InvalidKey.selector);
        keys.registerKey(1, 0, KEM, identityKey(1));
    }

    function testFuzz_RevertWhen_IdentityKeyHasAnotherLength(uint256 length) public {
        length = bound(length, 0, 2_500);
        vm.assume(length != 1_216);
        vm.expectRevert(IKeyRegistry.InvalidKey.selector);
        register(0, 0, new bytes(length));
    }

    function test_RevertWhen_CategoryKeysAreEmptyOrTooLong() public {
        vm.expectRevert(IKeyRegistry.InvalidKey.selector);
        register(1, 0, "");
        vm.expectRevert(IKeyRegistry.InvalidKey.selector);
        register(1, 0, new bytes(16_385));
        register(1, 0, new bytes(16_384));
        assertEq(keys.keyOf(patient.addr, 1).epoch, 1);
    }

    function testFuzz_KeyOf_IsZeroAtFirst(address who, uint8 slot) public view {
        assertEq(abi.encode(keys.keyOf(who, slot)), abi.encode(Key(0, 0, 0, 0)));
    }
}
