// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {GrantRef, IGrantRegistry, NewGrant, Scope, ScopeKind, Tag, Terms} from "../src/interfaces/IGrantRegistry.sol";
import {Authorization, ISignedActions} from "../src/interfaces/ISignedActions.sol";
import {Purposes, Rights} from "../src/libraries/Codes.sol";
import {BaseTest} from "./BaseTest.sol";
import {Messages} from "./Messages.sol";

/// @dev One test for each leaf of GrantRegistry.tree.
contract GrantRegistryTest is BaseTest {
    uint256 private constant DEADLINE = START + 1 hours;
    uint32 private constant LAST_EPOCH = type(uint32).max;
    bytes32 private constant ID = keccak256("a record");
    Tag private tag;

    function setUp() public override {
        super.setUp();
        tag = tagOf(doctor.addr, READ_SALT);
    }

    function grant(NewGrant memory made) private {
        vm.prank(patient.addr);
        grants.grant(made);
    }

    function revoke(Tag tag_, ScopeKind kind, bytes32 id) private {
        vm.prank(patient.addr);
        grants.revoke(refOf(tag_, kind, id));
    }

    function revokeAll() private {
        vm.prank(patient.addr);
        grants.revokeAll();
    }

    function signed(NewGrant memory made, uint256 nonce) private view returns (Authorization memory) {
        return sign(patient, grants, Messages.grant(patient.addr, made, nonce, DEADLINE), nonce, DEADLINE);
    }

    function assertInvalid(NewGrant memory made) private {
        vm.expectRevert(IGrantRegistry.InvalidGrant.selector);
        grant(made);
    }

    function isGranted(ScopeKind kind, bytes32 id) private view returns (bool granted) {
        (granted,,) =
            grants.isGranted(patient.addr, tag, kind, id, Rights.READ, Purposes.TREAT, uint40(block.timestamp));
    }

    function wordOf(ScopeKind kind, bytes32 id) private view returns (uint256) {
        return Terms.unwrap(grants.termsOf(patient.addr, tag, kind, id));
    }

    /// @dev The layout of `Terms`, written out a second time.
    function word(NewGrant memory made, uint256 epoch, ScopeKind kind) private pure returns (uint256) {
        return uint256(made.notBefore) + uint256(made.notAfter) * 2 ** 40 + epoch * 2 ** 80 + uint256(made.patientEpoch)
            * 2 ** 112 + uint256(made.purposes) * 2 ** 144 + uint256(made.rights) * 2 ** 160 + uint256(kind) * 2 ** 168;
    }

    function testFuzz_Grant_StoresTheWordThatItEmits(
        uint16 purposes,
        uint40 notBefore,
        uint40 notAfter,
        bytes32 bundleHash,
        uint8 revocations
    ) public {
        NewGrant memory made = newGrant(tag, ScopeKind.Record, ID);
        made.purposes = uint16(bound(purposes, 1, Purposes.ALL));
        made.notBefore = uint40(bound(notBefore, 0, type(uint40).max - 1));
        made.notAfter = uint40(bound(notAfter, made.notBefore + 1, type(uint40).max));
        made.scopes[0].bundleHash = bundleHash;
        for (made.patientEpoch = 0; made.patientEpoch < revocations % 4; ++made.patientEpoch) {
            revokeAll();
        }
        for (made.scopes[0].epoch = 0; made.scopes[0].epoch < revocations % 3; ++made.scopes[0].epoch) {
            revoke(tag, ScopeKind.Record, ID);
        }

        uint256 expected = word(made, made.scopes[0].epoch + 1, ScopeKind.Record);
        vm.expectEmit();
        emit IGrantRegistry.Granted(patient.addr, tag, ID, Terms.wrap(expected), bundleHash);
        grant(made);
        assertEq(wordOf(ScopeKind.Record, ID), expected);
    }

    function test_Grant_SeveralScopesAtOnce() public {
        NewGrant memory made = newGrant(tag, ScopeKind.Record, ID);
        made.scopes = new Scope[](64);
        for (uint256 i = 0; i < 62; ++i) {
            made.scopes[i] = Scope(ScopeKind.Record, keccak256(abi.encode(i)), 0, bytes32(i));
        }
        made.scopes[62] = Scope(ScopeKind.Category, categoryId(type(uint16).max), 0, 0);
        made.scopes[63] = Scope(ScopeKind.All, 0, 0, 0);
        grants.grantBySig(patient.addr, made, signed(made, 1));
        for (uint256 i = 0; i < 64; ++i) {
            assertTrue(isGranted(made.scopes[i].kind, made.scopes[i].id));
        }
    }

    function test_Grant_WriteOverCategoryOrAll() public {
        givenGrant(newWriteGrant(lab.addr, ScopeKind.Category, categoryId(LABORATORY)));
        givenGrant(newWriteGrant(lab.addr, ScopeKind.All, 0));
        Tag writeTag = tagOf(lab.addr, WRITE_SALT);
        (bool granted,,) =
            grants.isGranted(patient.addr, writeTag, ScopeKind.All, 0, Rights.WRITE, 0, uint40(block.timestamp));
        assertTrue(granted);
    }

    function test_Grant_ReplacesUnderTheNextEpoch() public {
        NewGrant memory made = newGrant(tag, ScopeKind.Record, ID);
        grant(made);
        made.scopes[0].epoch = 1;
        made.purposes = Purposes.COC;
        grant(made);
        assertEq(wordOf(ScopeKind.Record, ID), word(made, 2, ScopeKind.Record));
        assertFalse(isGranted(ScopeKind.Record, ID));
    }

    function test_Grant_LeavesOthersAlone() public {
        grant(newGrant(tag, ScopeKind.Record, ID));
        assertEq(wordOf(ScopeKind.Category, ID), 0);
        assertEq(wordOf(ScopeKind.Record, keccak256("another")), 0);
        assertEq(Terms.unwrap(grants.termsOf(doctor.addr, tag, ScopeKind.Record, ID)), 0);
        assertEq(Terms.unwrap(grants.termsOf(patient.addr, Tag.wrap(0), ScopeKind.Record, ID)), 0);
    }

    function test_Grant_Relayed() public {
        NewGrant memory made = newGrant(tag, ScopeKind.Record, ID);
        Authorization memory auth = signed(made, 1);
        vm.prank(relayer.addr);
        grants.grantBySig(patient.addr, made, auth);
        assertTrue(isGranted(ScopeKind.Record, ID));

        // Nobody can change any part of a signed grant before it is submitted.
        made.scopes[0].epoch = 1;
        auth = signed(made, 2);
        made.notAfter += 1;
        vm.expectRevert(ISignedActions.InvalidSignature.selector);
        grants.grantBySig(patient.addr, made, auth);
    }

    function testFuzz_RevertWhen_GrantEpochIsStale(uint32 epoch) public {
        vm.assume(epoch != 2);
        NewGrant memory made = newGrant(tag, ScopeKind.Record, ID);
        grant(made);
        revoke(tag, ScopeKind.Record, ID);
        made.scopes[0].epoch = epoch;
        vm.expectRevert(abi.encodeWithSelector(IGrantRegistry.StaleGrantEpoch.selector, tag, ID, 2));
        grant(made);
    }

    function test_RevertWhen_ScopeComesTwice() public {
        NewGrant memory made = newGrant(tag, ScopeKind.Record, ID);
        Scope memory scope = made.scopes[0];
        made.scopes = new Scope[](2);
        (made.scopes[0], made.scopes[1]) = (scope, scope);
        vm.expectRevert(abi.encodeWithSelector(IGrantRegistry.StaleGrantEpoch.selector, tag, ID, 1));
        grant(made);
    }

    function testFuzz_RevertWhen_PatientEpochIsStale(uint32 epoch) public {
        vm.assume(epoch != 1);
        revokeAll();
        NewGrant memory made = newGrant(tag, ScopeKind.Record, ID);
        made.patientEpoch = epoch;
        vm.expectRevert(abi.encodeWithSelector(IGrantRegistry.StalePatientEpoch.selector, 1));
        grant(made);
    }

    function test_RevertWhen_RevokeOvertakesGrant() public {
        NewGrant memory made = newGrant(tag, ScopeKind.Record, ID);
        Authorization memory first = signed(made, 1);
        GrantRef[] memory refs = refOf(tag, ScopeKind.Record, ID);
        Authorization memory second =
            sign(patient, grants, Messages.revoke(patient.addr, refs, 2, DEADLINE), 2, DEADLINE);
        // The relayer reverses the order: the revocation first, the grant second.
        vm.startPrank(relayer.addr);
        grants.revokeBySig(patient.addr, refs, second);
        vm.expectRevert(abi.encodeWithSelector(IGrantRegistry.StaleGrantEpoch.selector, tag, ID, 1));
        grants.grantBySig(patient.addr, made, first);
        assertFalse(isGranted(ScopeKind.Record, ID));
    }

    function test_RevertWhen_RevokeAllOvertakesGrant() public {
        NewGrant memory made = newGrant(tag, ScopeKind.All, 0);
        Authorization memory first = signed(made, 1);
        revokeAll();
        vm.expectRevert(abi.encodeWithSelector(IGrantRegistry.StalePatientEpoch.selector, 1));
        grants.grantBySig(patient.addr, made, first);
    }

    function test_RevertWhen_OlderGrantComesSecond() public {
        NewGrant memory older = newGrant(tag, ScopeKind.Record, ID);
        Authorization memory first = signed(older, 1);
        NewGrant memory newer = newGrant(tag, ScopeKind.Record, ID);
        newer.notAfter = START + 1 days;
        grants.grantBySig(patient.addr, newer, signed(newer, 2));
        vm.expectRevert(abi.encodeWithSelector(IGrantRegistry.StaleGrantEpoch.selector, tag, ID, 1));
        grants.grantBySig(patient.addr, older, first);
    }

    function testFuzz_RevertWhen_RightsAreUnknown(uint8 rights) public {
        vm.assume(rights != Rights.READ && rights != Rights.WRITE);
        NewGrant memory made = newGrant(tag, ScopeKind.All, 0);
        made.scopes[0].bundleHash = 0;
        made.rights = rights;
        assertInvalid(made);
    }

    function testFuzz_RevertWhen_PurposesAreOutOfRange(uint16 purposes) public {
        NewGrant memory made = newGrant(tag, ScopeKind.Record, ID);
        made.purposes = uint16(bound(purposes, Purposes.ALL + 1, type(uint16).max));
        assertInvalid(made);
        made.purposes = 0;
        assertInvalid(made);
        NewGrant memory write = newWriteGrant(lab.addr, ScopeKind.All, 0);
        write.purposes = uint16(bound(purposes, Purposes.ALL + 1, type(uint16).max));
        assertInvalid(write);
    }

    function testFuzz_RevertWhen_GrantPeriodIsEmpty(uint40 notBefore, uint40 notAfter) public {
        NewGrant memory made = newGrant(tag, ScopeKind.Record, ID);
        made.notBefore = notBefore;
        made.notAfter = uint40(bound(notAfter, 0, notBefore));
        assertInvalid(made);
    }

    function test_RevertWhen_NumberOfScopesIsOutOfRange() public {
        NewGrant memory made = newGrant(tag, ScopeKind.Record, ID);
        made.scopes = new Scope[](0);
        assertInvalid(made);
        made.scopes = new Scope[](65);
        for (uint256 i = 0; i < 65; ++i) {
            made.scopes[i] = Scope(ScopeKind.Record, bytes32(i), 0, 0);
        }
        assertInvalid(made);
    }

    function test_RevertWhen_WriteCoversRecordOrHasBundle() public {
        assertInvalid(newWriteGrant(lab.addr, ScopeKind.Record, ID));
        NewGrant memory made = newWriteGrant(lab.addr, ScopeKind.All, 0);
        made.scopes[0].bundleHash = keccak256("bundle");
        assertInvalid(made);
    }

    function testFuzz_RevertWhen_IdDoesNotFitItsKind(bytes32 id) public {
        vm.assume(uint256(id) > type(uint16).max);
        assertInvalid(newGrant(tag, ScopeKind.Category, id));
        assertInvalid(newGrant(tag, ScopeKind.All, id));
        assertInvalid(newGrant(tag, ScopeKind.All, bytes32(uint256(1))));
    }

    function test_RevertWhen_EpochIsTheLast() public {
        NewGrant memory made = newGrant(tag, ScopeKind.Record, ID);
        setGrantEpoch(LAST_EPOCH);
        made.scopes[0].epoch = LAST_EPOCH;
        assertInvalid(made);

        setPatientEpoch(LAST_EPOCH);
        made = newGrant(tag, ScopeKind.All, 0);
        made.patientEpoch = LAST_EPOCH;
        assertInvalid(made);
    }

    function testFuzz_RevertWhen_AWordOfTheMessageIsOutOfItsRange(uint256 field, uint256 bit) public {
        NewGrant memory made = newGrant(tag, ScopeKind.Record, ID);
        bytes memory terms = abi.encode(made.rights, made.purposes, made.notBefore, made.notAfter, made.patientEpoch);
        bytes memory scope = abi.encode(made.scopes[0]);
        // The intended message succeeds, given in raw words as below.
        (bool success,) = grantRaw(terms, scope, 0);
        assertTrue(success);
        made.scopes[0].epoch = 1;
        scope = abi.encode(made.scopes[0]);

        // The neighbouring ones fail, although the signer did sign these words: five of the terms, and the kind and
        // epoch of the scope.
        uint8[7] memory widths = [8, 16, 40, 40, 32, 2, 32];
        field = bound(field, 0, 6);
        uint256 mask = 1 << bound(bit, widths[field], 255);
        if (field < 5) setWord(terms, field, mask);
        else setWord(scope, (field - 5) * 2, mask);
        bytes memory answer;
        (success, answer) = grantRaw(terms, scope, 1);
        assertFalse(success);
        assertEq(answer.length, 0, "refused as no call of this function at all");
        assertFalse(grants.isNonceUsed(patient.addr, 1));
    }

    function test_Revoke_EndsTheGrant() public {
        grant(newGrant(tag, ScopeKind.Record, ID));
        assertTrue(isGranted(ScopeKind.Record, ID));
        vm.expectEmit();
        emit IGrantRegistry.Revoked(patient.addr, tag, ID, ScopeKind.Record, 2);
        revoke(tag, ScopeKind.Record, ID);
        assertFalse(isGranted(ScopeKind.Record, ID));
        assertEq(wordOf(ScopeKind.Record, ID), 2 * 2 ** 80);
    }

    function testFuzz_Revoke_WorksWhereNoGrantStands(bytes32 tag_, uint8 kind, bytes32 id) public {
        ScopeKind scopeKind = ScopeKind(bound(kind, 0, 2));
        vm.expectEmit();
        emit IGrantRegistry.Revoked(patient.addr, Tag.wrap(tag_), id, scopeKind, 1);
        revoke(Tag.wrap(tag_), scopeKind, id);
        vm.expectEmit();
        emit IGrantRegistry.Revoked(patient.addr, Tag.wrap(tag_), id, scopeKind, 2);
        revoke(Tag.wrap(tag_), scopeKind, id);
    }

    function test_Revoke_SeveralAtOnce() public {
        grant(newGrant(tag, ScopeKind.Record, ID));
        grant(newGrant(tag, ScopeKind.All, 0));
        GrantRef[] memory refs = new GrantRef[](2);
        (refs[0], refs[1]) = (GrantRef(tag, ScopeKind.Record, ID), GrantRef(tag, ScopeKind.All, 0));
        vm.prank(patient.addr);
        grants.revoke(refs);
        assertFalse(isGranted(ScopeKind.Record, ID));
        assertFalse(isGranted(ScopeKind.All, 0));
    }

    function test_Revoke_SeveralAtOnceRelayed() public {
        GrantRef[] memory refs = new GrantRef[](3);
        refs[0] = GrantRef(tag, ScopeKind.Record, ID);
        refs[1] = GrantRef(tagOf(lab.addr, WRITE_SALT), ScopeKind.Category, categoryId(LABORATORY));
        refs[2] = GrantRef(tag, ScopeKind.All, 0);
        bytes32 message = Messages.revoke(patient.addr, refs, 1, DEADLINE);
        grants.revokeBySig(patient.addr, refs, sign(patient, grants, message, 1, DEADLINE));
        for (uint256 i = 0; i < refs.length; ++i) {
            Terms terms = grants.termsOf(patient.addr, refs[i].tag, refs[i].kind, refs[i].id);
            assertEq(Terms.unwrap(terms), 1 << 80 | uint256(refs[i].kind) << 168);
        }
        // An empty list can be signed too: the hash of an empty array is the hash of no bytes.
        message = Messages.revoke(patient.addr, new GrantRef[](0), 2, DEADLINE);
        grants.revokeBySig(patient.addr, new GrantRef[](0), sign(patient, grants, message, 2, DEADLINE));
        assertTrue(grants.isNonceUsed(patient.addr, 2));
    }

    function test_Revoke_TouchesTheCallersGrantsAlone() public {
        grant(newGrant(tag, ScopeKind.Record, ID));
        vm.startPrank(stranger.addr);
        grants.revoke(refOf(tag, ScopeKind.Record, ID));
        grants.revokeAll();
        assertTrue(isGranted(ScopeKind.Record, ID));
    }

    function test_Revoke_WorksInTheLastEpoch() public {
        setGrantEpoch(LAST_EPOCH - 1);
        NewGrant memory made = newGrant(tag, ScopeKind.Record, ID);
        made.scopes[0].epoch = LAST_EPOCH - 1;
        grant(made);
        assertTrue(isGranted(ScopeKind.Record, ID));
        revoke(tag, ScopeKind.Record, ID);
        assertFalse(isGranted(ScopeKind.Record, ID));
        revoke(tag, ScopeKind.Record, ID);
        assertEq(wordOf(ScopeKind.Record, ID), uint256(LAST_EPOCH) * 2 ** 80);
    }

    function test_Revoke_Relayed() public {
        grant(newGrant(tag, ScopeKind.Record, ID));
        GrantRef[] memory refs = refOf(tag, ScopeKind.Record, ID);
        Authorization memory auth = sign(patient, grants, Messages.revoke(patient.addr, refs, 1, DEADLINE), 1, DEADLINE);
        GrantRef[] memory other = refOf(tag, ScopeKind.All, 0);
        vm.expectRevert(ISignedActions.InvalidSignature.selector);
        grants.revokeBySig(patient.addr, other, auth);
        grants.revokeBySig(patient.addr, refs, auth);
        assertFalse(isGranted(ScopeKind.Record, ID));
    }

    function test_RevokeAll_EndsEveryGrantOfThePatient() public {
        grant(newGrant(tag, ScopeKind.Record, ID));
        grant(newGrant(tag, ScopeKind.All, 0));
        vm.prank(sister.addr);
        grants.grant(newGrant(tag, ScopeKind.All, 0));

        vm.expectEmit();
        emit IGrantRegistry.AllRevoked(patient.addr, 1);
        revokeAll();
        assertFalse(isGranted(ScopeKind.Record, ID));
        assertFalse(isGranted(ScopeKind.All, 0));
        (bool granted,,) = grants.isGranted(sister.addr, tag, ScopeKind.All, 0, Rights.READ, Purposes.TREAT, START);
        assertTrue(granted, "another patient's grant stands");
    }

    function test_RevokeAll_WorksInTheLastEpoch() public {
        setPatientEpoch(LAST_EPOCH - 1);
        NewGrant memory made = newGrant(tag, ScopeKind.All, 0);
        made.patientEpoch = LAST_EPOCH - 1;
        grant(made);
        assertTrue(isGranted(ScopeKind.All, 0));
        revokeAll();
        assertFalse(isGranted(ScopeKind.All, 0));
        revokeAll();
        assertEq(grants.patientEpochOf(patient.addr), LAST_EPOCH);
    }

    function testFuzz_IsGranted_InItsPeriodAlone(uint40 time) public {
        grant(newGrant(tag, ScopeKind.Record, ID));
        (bool granted, uint40 from, uint40 until) =
            grants.isGranted(patient.addr, tag, ScopeKind.Record, ID, Rights.READ, Purposes.TREAT, time);
        assertEq(granted, time >= START && time < START + 30 days);
        assertEq(from, granted ? START : 0);
        assertEq(until, granted ? START + 30 days : 0);
    }

    function testFuzz_IsGranted_ForItsRightAlone(uint8 right) public {
        grant(newGrant(tag, ScopeKind.All, 0));
        (bool granted,,) = grants.isGranted(patient.addr, tag, ScopeKind.All, 0, right, 0, START);
        assertEq(granted, right == Rights.READ);
    }

    function testFuzz_IsGranted_ForItsPurposesAlone(uint16 purposes, uint16 asked) public {
        NewGrant memory made = newGrant(tag, ScopeKind.All, 0);
        made.purposes = uint16(bound(purposes, 1, Purposes.ALL));
        grant(made);
        (bool granted,,) = grants.isGranted(patient.addr, tag, ScopeKind.All, 0, Rights.READ, asked, START);
        bool isOne = asked != 0 && asked & (asked - 1) == 0;
        assertEq(granted, asked == 0 || (isOne && made.purposes & asked != 0));
        for (uint16 bit = 1; bit != 0; bit <<= 1) {
            (granted,,) = grants.isGranted(patient.addr, tag, ScopeKind.All, 0, Rights.READ, bit, START);
            assertEq(granted, made.purposes & bit != 0);
        }
    }

    function testFuzz_IsGranted_ForItsScopeAlone(address other, bytes32 tag_, bytes32 id) public {
        grant(newGrant(tag, ScopeKind.Record, ID));
        vm.assume(other != patient.addr && tag_ != Tag.unwrap(tag) && id != ID);
        uint16 purpose = Purposes.TREAT;
        (bool granted,,) = grants.isGranted(other, tag, ScopeKind.Record, ID, Rights.READ, purpose, START);
        assertFalse(granted);
        (granted,,) = grants.isGranted(patient.addr, Tag.wrap(tag_), ScopeKind.Record, ID, Rights.READ, purpose, START);
        assertFalse(granted);
        (granted,,) = grants.isGranted(patient.addr, tag, ScopeKind.Record, id, Rights.READ, purpose, START);
        assertFalse(granted);
        (granted,,) = grants.isGranted(patient.addr, tag, ScopeKind.Category, ID, Rights.READ, purpose, START);
        assertFalse(granted);
    }

    /// @dev Sets bits of one word.
    function setWord(bytes memory words, uint256 index, uint256 mask) private pure {
        for (uint256 i = 0; i < 32; ++i) {
            words[index * 32 + i] |= bytes32(mask)[i];
        }
    }

    /// @dev Signs and sends a grant of one scope, with the given raw words.
    function grantRaw(bytes memory terms, bytes memory scope, uint256 nonce) private returns (bool, bytes memory) {
        bytes32 typeHash = keccak256(
            "Grant(address patient,bytes32 tag,uint8 rights,uint16 purposes,uint40 notBefore,uint40 notAfter,uint32 patientEpoch,Scope[] scopes,uint256 nonce,uint256 deadline)Scope(uint8 kind,bytes32 id,uint32 epoch,bytes32 bundleHash)"
        );
        bytes32 scopeHash =
            keccak256(bytes.concat(keccak256("Scope(uint8 kind,bytes32 id,uint32 epoch,bytes32 bundleHash)"), scope));
        bytes32 message = keccak256(
            bytes.concat(
                abi.encode(typeHash, patient.addr, tag),
                terms,
                keccak256(bytes.concat(scopeHash)),
                abi.encode(nonce, DEADLINE)
            )
        );
        bytes memory signature = sign(patient, grants, message, nonce, DEADLINE).signature;
        // Signer, grant and authorization. Then the grant's words, its only scope, and the authorization's words.
        bytes memory head = abi.encode(patient.addr, 0x60, 0x60 + 7 * 32 + 5 * 32);
        bytes memory made = bytes.concat(abi.encode(tag), terms, abi.encode(7 * 32, 1), scope);
        bytes memory auth = abi.encode(nonce, DEADLINE, 0x60, signature.length);
        return address(grants).call(bytes.concat(grants.grantBySig.selector, head, made, auth, signature));
    }

    /// @dev Four billion revocations, at once.
    function setGrantEpoch(uint32 epoch) private {
        vm.record();
        grants.termsOf(patient.addr, tag, ScopeKind.Record, ID);
        (bytes32[] memory reads,) = vm.accesses(address(grants));
        vm.store(address(grants), reads[0], bytes32(uint256(epoch) * 2 ** 80));
    }

    function setPatientEpoch(uint32 epoch) private {
        vm.record();
        grants.patientEpochOf(patient.addr);
        (bytes32[] memory reads,) = vm.accesses(address(grants));
        vm.store(address(grants), reads[0], bytes32(uint256(epoch)));
    }
}
