// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IGrantRegistry} from "../src/interfaces/IGrantRegistry.sol";
import {Authorization, ISignedActions} from "../src/interfaces/ISignedActions.sol";
import {BaseTest} from "./BaseTest.sol";
import {Messages} from "./Messages.sol";
import {ContractWallet} from "./wallets/ContractWallet.sol";

/// @dev One test for each leaf of SignedActions.tree. A successful message raises the patient's epoch, which shows its
///      success.
contract SignedActionsTest is BaseTest {
    uint256 private constant DEADLINE = START + 1 hours;
    /// @dev Order of secp256k1.
    uint256 private constant N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141;

    function revokeAll(uint256 nonce) private view returns (Authorization memory) {
        return sign(patient, grants, Messages.revokeAll(patient.addr, nonce, DEADLINE), nonce, DEADLINE);
    }

    function assertRefused(address signer, Authorization memory auth) private {
        vm.expectRevert(ISignedActions.InvalidSignature.selector);
        grants.revokeAllBySig(signer, auth);
        assertFalse(grants.isNonceUsed(signer, auth.nonce));
    }

    function test_Twin_DoesWhatTheDirectCallDoes() public {
        vm.expectEmit();
        emit IGrantRegistry.AllRevoked(patient.addr, 1);
        grants.revokeAllBySig(patient.addr, revokeAll(7));
        assertEq(grants.patientEpochOf(patient.addr), 1);
    }

    function testFuzz_Twin_AnySenderMaySubmitAnyNonce(address sender, uint256 nonce) public {
        Authorization memory auth = revokeAll(nonce);
        vm.prank(sender);
        grants.revokeAllBySig(patient.addr, auth);
        assertEq(grants.patientEpochOf(patient.addr), 1);
    }

    function testFuzz_Twin_UsesUpOneNonce(uint256 nonce, uint256 other) public {
        vm.assume(nonce != other);
        grants.revokeAllBySig(patient.addr, revokeAll(nonce));
        assertTrue(grants.isNonceUsed(patient.addr, nonce));
        assertFalse(grants.isNonceUsed(patient.addr, other));
        assertFalse(grants.isNonceUsed(doctor.addr, nonce));
        grants.revokeAllBySig(patient.addr, revokeAll(other));
        assertEq(grants.patientEpochOf(patient.addr), 2);
    }

    function testFuzz_Twin_LeavesNoncesAloneThatDifferInOneBit(uint256 nonce) public {
        grants.revokeAllBySig(patient.addr, revokeAll(nonce));
        for (uint256 bit = 0; bit < 256; ++bit) {
            assertFalse(grants.isNonceUsed(patient.addr, nonce ^ 1 << bit));
        }
        for (uint256 bit = 0; bit < 160; ++bit) {
            assertFalse(grants.isNonceUsed(address(uint160(patient.addr) ^ uint160(1 << bit)), nonce));
        }
    }

    function test_Twin_IsValidInTheLastSecond() public {
        Authorization memory auth = revokeAll(0);
        vm.warp(DEADLINE - 1);
        grants.revokeAllBySig(patient.addr, auth);
        assertEq(grants.patientEpochOf(patient.addr), 1);
    }

    function testFuzz_RevertWhen_DeadlineIsReached(uint256 late) public {
        Authorization memory auth = revokeAll(0);
        vm.warp(bound(late, DEADLINE, type(uint64).max));
        vm.expectRevert(abi.encodeWithSelector(ISignedActions.ActionExpired.selector, DEADLINE));
        grants.revokeAllBySig(patient.addr, auth);
    }

    function test_RevertWhen_NonceIsUsed() public {
        Authorization memory auth = revokeAll(5);
        grants.revokeAllBySig(patient.addr, auth);
        vm.expectRevert(abi.encodeWithSelector(ISignedActions.NonceUsed.selector, patient.addr, 5));
        grants.revokeAllBySig(patient.addr, auth);
    }

    function test_RevertWhen_NonceIsCancelled() public {
        Authorization memory auth = revokeAll(5);
        vm.prank(patient.addr);
        grants.cancelNonce(5);
        vm.expectRevert(abi.encodeWithSelector(ISignedActions.NonceUsed.selector, patient.addr, 5));
        grants.revokeAllBySig(patient.addr, auth);
    }

    function test_CancelNonce_MarksTheCallersNonce() public {
        vm.expectEmit();
        emit ISignedActions.NonceCancelled(stranger.addr, 5);
        vm.prank(stranger.addr);
        grants.cancelNonce(5);
        assertTrue(grants.isNonceUsed(stranger.addr, 5));
        // A nonce that a stranger gives up does not affect the patient's message.
        grants.revokeAllBySig(patient.addr, revokeAll(5));
        assertEq(grants.patientEpochOf(patient.addr), 1);
    }

    function test_RevertWhen_CancellingAUsedNonce() public {
        grants.revokeAllBySig(patient.addr, revokeAll(5));
        vm.expectRevert(abi.encodeWithSelector(ISignedActions.NonceUsed.selector, patient.addr, 5));
        vm.prank(patient.addr);
        grants.cancelNonce(5);
    }

    function test_RevertWhen_SIsHigh() public {
        bytes32 digest = digestOf(grants, Messages.revokeAll(patient.addr, 0, DEADLINE));
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(patient.privateKey, digest);
        bytes32 highS = bytes32(N - uint256(s));
        uint8 otherV = v == 27 ? 28 : 27;
        assertEq(ecrecover(digest, otherV, r, highS), patient.addr, "the twin signature is valid for the curve");
        assertRefused(patient.addr, Authorization(0, DEADLINE, abi.encodePacked(r, highS, otherV)));
    }

    function testFuzz_RevertWhen_VIsNeither27Nor28(uint8 v) public {
        vm.assume(v != 27 && v != 28);
        Authorization memory auth = revokeAll(0);
        auth.signature[64] = bytes1(v);
        assertRefused(patient.addr, auth);
    }

    function test_RevertWhen_VIsTheParity() public {
        // 0 or 1, as transactions have it.
        Authorization memory auth = revokeAll(0);
        auth.signature[64] = bytes1(uint8(auth.signature[64]) - 27);
        assertRefused(patient.addr, auth);
    }

    function testFuzz_RevertWhen_LengthIsNot65(uint256 length) public {
        length = bound(length, 0, 200);
        vm.assume(length != 65);
        Authorization memory auth = revokeAll(0);
        bytes memory resized = new bytes(length);
        for (uint256 i = 0; i < length && i < 65; ++i) {
            resized[i] = auth.signature[i];
        }
        auth.signature = resized;
        assertRefused(patient.addr, auth);
    }

    function test_RevertWhen_SignatureIsShortenedOrPadded() public {
        Authorization memory auth = revokeAll(0);
        bytes memory full = auth.signature;
        (uint8 v, bytes32 r, bytes32 s) =
            vm.sign(patient.privateKey, digestOf(grants, Messages.revokeAll(patient.addr, 0, DEADLINE)));
        assertEq(full, abi.encodePacked(r, s, v));
        // 64 bytes, the parity in the top bit of s (EIP-2098).
        auth.signature = abi.encodePacked(r, bytes32(uint256(s) | uint256(v - 27) << 255));
        assertRefused(patient.addr, auth);
        auth.signature = abi.encodePacked(r, s);
        assertRefused(patient.addr, auth);
        auth.signature = abi.encodePacked(full, uint8(0));
        assertRefused(patient.addr, auth);

        // All 65 bytes are there, but a shorter length is given: it comes after signer, offset, nonce, deadline and
        // offset.
        auth.signature = full;
        bytes memory data = abi.encodeCall(grants.revokeAllBySig, (patient.addr, auth));
        uint256 lengthAt = 4 + 6 * 32 - 1;
        assertEq(uint8(data[lengthAt]), 65);
        for (uint8 length = 0; length < 65; ++length) {
            data[lengthAt] = bytes1(length);
            (bool success, bytes memory answer) = address(grants).call(data);
            assertFalse(success);
            assertEq(bytes4(answer), ISignedActions.InvalidSignature.selector);
        }
        data[lengthAt] = bytes1(uint8(65));
        (bool accepted,) = address(grants).call(data);
        assertTrue(accepted);
    }

    function test_RevertWhen_NoKeyIsFound() public {
        // Neither zero nor the order of the curve is valid as r or s, and ecrecover then returns nothing. So no address
        // may be taken for its result, in particular not the data at that place in memory: the end of 0x1901 ‖ domain
        // separator.
        bytes32 separator = grants.DOMAIN_SEPARATOR();
        address leftover = address(uint160(0x1901 << 48 | uint256(separator) >> 208));
        address[3] memory signers = [patient.addr, leftover, address(1)];
        for (uint256 i = 0; i < signers.length; ++i) {
            assertRefused(signers[i], Authorization(0, DEADLINE, abi.encodePacked(bytes32(0), bytes32(0), uint8(27))));
            assertRefused(
                signers[i], Authorization(0, DEADLINE, abi.encodePacked(bytes32(0), bytes32(uint256(1)), uint8(28)))
            );
            assertRefused(signers[i], Authorization(0, DEADLINE, abi.encodePacked(N, uint256(1), uint8(27))));
            assertRefused(signers[i], Authorization(0, DEADLINE, abi.encodePacked(uint256(1), bytes32(0), uint8(27))));
        }
    }

    function test_RevertWhen_SignerIsZero() public {
        // v = 27, r = 0, s = 0 recovers nothing, which Solidity's ecrecover calls the zero address.
        assertRefused(address(0), Authorization(0, DEADLINE, abi.encodePacked(bytes32(0), bytes32(0), uint8(27))));
        assertRefused(address(0), revokeAll(0));
    }

    function test_RevertWhen_AnotherKeySigned() public {
        assertRefused(patient.addr, sign(stranger, grants, Messages.revokeAll(patient.addr, 0, DEADLINE), 0, DEADLINE));
        assertRefused(stranger.addr, revokeAll(0));
    }

    function testFuzz_RevertWhen_MessageDiffers(uint256 nonce, uint256 deadline) public {
        deadline = bound(deadline, START + 1, type(uint256).max);
        vm.assume(nonce != 0 && deadline != DEADLINE);
        Authorization memory auth = revokeAll(0);
        auth.nonce = nonce;
        assertRefused(patient.addr, auth);
        auth.nonce = 0;
        auth.deadline = deadline;
        assertRefused(patient.addr, auth);
    }

    function testFuzz_RevertWhen_ABitFlips(uint256 bit) public {
        bit = bound(bit, 0, 65 * 8 - 1);
        Authorization memory auth = revokeAll(0);
        auth.signature[bit / 8] ^= bytes1(uint8(1 << (bit % 8)));
        assertRefused(patient.addr, auth);
    }

    function testFuzz_RevertWhen_SignedForAnotherChain(uint64 chainId) public {
        vm.assume(chainId != block.chainid);
        assertRefused(patient.addr, signedFor(domainOf(address(grants), chainId)));
    }

    function test_RevertWhen_SignedForAnotherContract() public {
        assertRefused(patient.addr, signedFor(domainOf(address(records), block.chainid)));
    }

    function test_RevertWhen_SignedForAnotherDomain() public {
        Domain memory domain = Domain("Medlock", "1", block.chainid, address(grants));
        string memory form = "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)";
        assertRefused(patient.addr, signedFor(vm.eip712HashStruct(form, abi.encode(domain))));
        domain = Domain("medlock", "2", block.chainid, address(grants));
        assertRefused(patient.addr, signedFor(vm.eip712HashStruct(form, abi.encode(domain))));
    }

    function testFuzz_DomainSeparator_FollowsTheChainId(uint64 chainId) public {
        vm.assume(chainId != 0);
        assertEq(grants.DOMAIN_SEPARATOR(), domainOf(address(grants), block.chainid));
        Authorization memory old = revokeAll(0);
        bool moved = chainId != block.chainid;
        vm.chainId(chainId);
        assertEq(grants.DOMAIN_SEPARATOR(), domainOf(address(grants), chainId));
        if (moved) assertRefused(patient.addr, old);
    }

    function test_Wallet_AcceptsSignatureOf65Bytes() public {
        acceptedByWallet(abi.encodePacked(keccak256("r"), keccak256("s"), uint8(27)));
    }

    function testFuzz_Wallet_AcceptsSignatureOfAnyLength(bytes memory signature) public {
        acceptedByWallet(signature);
    }

    function test_Wallet_AcceptsTheKeysOwnSignature() public {
        // EIP-7702: the patient's address has code, and that code accepts nothing.
        ContractWallet code = new ContractWallet();
        vm.etch(patient.addr, address(code).code);
        grants.revokeAllBySig(patient.addr, revokeAll(0));
        assertEq(grants.patientEpochOf(patient.addr), 1);
    }

    function test_Wallet_IsAskedAboutWhatItsKeyDidNotSign() public {
        // EIP-7702: the code at the patient's address accepts a signature that is not valid as the key's, because of
        // its high s.
        ContractWallet code = new ContractWallet();
        vm.etch(patient.addr, address(code).code);
        bytes32 digest = digestOf(grants, Messages.revokeAll(patient.addr, 0, DEADLINE));
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(patient.privateKey, digest);
        bytes memory signature = abi.encodePacked(r, N - uint256(s), v == 27 ? uint8(28) : uint8(27));
        assertRefused(patient.addr, Authorization(0, DEADLINE, signature));
        ContractWallet(patient.addr).expect(digest, signature, ContractWallet.Answer.Accept);
        grants.revokeAllBySig(patient.addr, Authorization(0, DEADLINE, signature));
        assertEq(grants.patientEpochOf(patient.addr), 1);
    }

    function test_RevertWhen_WalletAnswersAnotherValue() public {
        refusedByWallet(ContractWallet.Answer.WrongValue);
    }

    function test_RevertWhen_WalletReverts() public {
        refusedByWallet(ContractWallet.Answer.Revert);
    }

    function test_RevertWhen_WalletAnswersShort() public {
        refusedByWallet(ContractWallet.Answer.Short);
    }

    function test_RevertWhen_WalletAnswersEndlessly() public {
        ContractWallet wallet = new ContractWallet();
        bytes32 digest = digestOf(grants, Messages.revokeAll(address(wallet), 0, DEADLINE));
        wallet.expect(digest, hex"1234", ContractWallet.Answer.Endless);
        // Enough gas for the wallet to create its answer, but not enough to copy it.
        vm.expectRevert(ISignedActions.InvalidSignature.selector);
        grants.revokeAllBySig{gas: 800_000}(address(wallet), Authorization(0, DEADLINE, hex"1234"));
    }

    function test_RevertWhen_CodeIsNoWallet() public {
        assertRefused(address(accreditation), Authorization(0, DEADLINE, hex"00"));
    }

    /// @dev The patient's message, signed under another domain.
    function signedFor(bytes32 domain) private view returns (Authorization memory) {
        bytes32 structHash = Messages.revokeAll(patient.addr, 0, DEADLINE);
        (uint8 v, bytes32 r, bytes32 s) =
            vm.sign(patient.privateKey, keccak256(abi.encodePacked(hex"1901", domain, structHash)));
        return Authorization(0, DEADLINE, abi.encodePacked(r, s, v));
    }

    function acceptedByWallet(bytes memory signature) private {
        ContractWallet wallet = new ContractWallet();
        bytes32 digest = digestOf(grants, Messages.revokeAll(address(wallet), 0, DEADLINE));
        wallet.expect(digest, signature, ContractWallet.Answer.Accept);
        grants.revokeAllBySig(address(wallet), Authorization(0, DEADLINE, signature));
        assertEq(grants.patientEpochOf(address(wallet)), 1);
    }

    function refusedByWallet(ContractWallet.Answer answer) private {
        ContractWallet wallet = new ContractWallet();
        bytes32 digest = digestOf(grants, Messages.revokeAll(address(wallet), 0, DEADLINE));
        wallet.expect(digest, hex"1234", answer);
        assertRefused(address(wallet), Authorization(0, DEADLINE, hex"1234"));
    }
}
