// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Vm} from "forge-std/Vm.sol";

import {NewGrant, ScopeKind, Tag, Terms} from "../../src/interfaces/IGrantRegistry.sol";
import {RecordId, RecordStatus} from "../../src/interfaces/IRecordRegistry.sol";
import {Authorization} from "../../src/interfaces/ISignedActions.sol";
import {Purposes, Roles} from "../../src/libraries/Codes.sol";
import {BaseTest} from "../BaseTest.sol";
import {Messages} from "../Messages.sol";

/// @title Patients, grantees, a clinic and a relayer, controlled by the fuzzer.
/// @dev Keeps separate books of what should be allowed. They follow from the intentions of the actors, never from the
///      contracts. Two patients with one record each; three grantees; for each pair the record, its category, and all.
contract PermissionHandler is BaseTest {
    /// @dev A grant as its patient intended it.
    struct Meant {
        bool stands;
        uint40 notBefore;
        uint40 notAfter;
        uint16 purposes;
        uint32 epoch;
    }

    /// @dev A signed Grant that the relayer holds back, ABI-encoded. `revocations` is the scope's count when it was signed.
    struct Held {
        uint256 patient;
        uint256 grantee;
        uint256 kind;
        uint256 revocations;
        uint256 nonce;
        bool used;
        bytes made;
        Authorization auth;
    }

    uint256 public constant PATIENTS = 2;
    uint256 public constant GRANTEES = 3;
    uint256 public constant KINDS = 3;
    uint40 private constant FAR = START + 10_000 days;

    Vm.Wallet[PATIENTS] private patients;
    address[GRANTEES] private grantees;
    RecordId[PATIENTS] private recordIds;

    Meant[KINDS][GRANTEES][PATIENTS] private meant;
    uint256[KINDS][GRANTEES][PATIENTS] private revocations;
    uint32[PATIENTS] private patientEpochs;
    RecordStatus[PATIENTS] private statuses;
    /// @dev Until when the record's tombstone can be lifted, and how often the patient has tombstoned and opened it.
    uint256[PATIENTS] private liftableUntil;
    uint256[PATIENTS] private tombstones;
    uint256[PATIENTS] private lifts;
    bool[GRANTEES] private suspended;
    /// @dev How often the owner had named or removed the clinic when the clinic last vouched for the grantee.
    uint256[GRANTEES] private vouchedIn;
    uint256 private clinicChanges;
    bool private clinicInactive;

    /// @dev A signed RevokeAll that the relayer holds back. It names no state, so its nonce alone keeps it from working twice.
    struct HeldRevokeAll {
        uint256 patient;
        bool used;
        Authorization auth;
    }

    /// @dev A signed Accredit that the relayer holds back. `suspensions` is the practitioner's count when it was signed.
    struct HeldAccredit {
        uint256 grantee;
        uint32 epoch;
        uint32 clinicEpoch;
        uint256 suspensions;
        uint256 clinicChanges;
        Authorization auth;
    }

    /// @dev A signed LiftTombstone that the relayer holds back. `tombstones` is the record's count when it was signed.
    struct HeldLift {
        uint256 patient;
        uint32 epoch;
        uint256 tombstones;
        Authorization auth;
    }

    /// @dev A signed Tombstone that the relayer holds back, with both counts when it was signed.
    struct HeldTombstone {
        uint256 patient;
        uint32 epoch;
        uint256 tombstones;
        uint256 lifts;
        Authorization auth;
    }

    /// @dev A signed AddAccreditor of the clinic that the relayer holds back, with the count of removals when signed.
    struct HeldAdd {
        uint32 epoch;
        uint256 removals;
        Authorization auth;
    }

    Held[] private held;
    HeldAccredit[] private heldAccredits;
    HeldAdd[] private heldAdds;
    HeldLift[] private heldLifts;
    HeldTombstone[] private heldTombstones;
    uint256[GRANTEES] private suspensions;
    uint256 private removals;
    HeldRevokeAll[] private heldRevokeAlls;
    uint256 private nonces;

    /// @notice Whether a Grant signed before a revocation of its scope ever succeeded after it.
    bool public hasStaleGrantSucceeded;
    /// @notice Whether an Accredit signed before a suspension of its practitioner, or before its accreditor was removed or
    ///         named again, ever succeeded after it.
    bool public hasStaleAccreditSucceeded;
    /// @notice Whether a LiftTombstone ever succeeded for another tombstone than the one it was signed for, or too late.
    bool public hasStaleLiftSucceeded;
    /// @notice Whether a Tombstone signed before a tombstone or a lift of its record ever succeeded after it.
    bool public hasStaleTombstoneSucceeded;
    /// @notice Whether an AddAccreditor signed before a removal ever succeeded after it.
    bool public hasStaleAddSucceeded;
    /// @notice Whether anyone but its patient ever closed, opened or marked a record that the patient uploaded.
    bool public hasStrangerChangedARecord;
    /// @notice Whether a nonce was ever used twice.
    bool public hasNonceWorkedTwice;
    uint256 private given;

    function setUp() public override {
        super.setUp();
        patients[0] = patient;
        patients[1] = stranger;
        grantees = [doctor.addr, lab.addr, sister.addr];
        for (uint256 p = 0; p < PATIENTS; ++p) {
            patient = patients[p];
            recordIds[p] = givenRecord();
            statuses[p] = RecordStatus.Active;
        }
    }

    // --- steps

    function grant(uint256 p, uint256 g, uint256 k, uint40 from, uint40 length, uint16 purposes) external {
        (p, g, k) = within(p, g, k);
        NewGrant memory made = newTerms(p, g, k, from, length, purposes);
        vm.prank(patients[p].addr);
        grants.grant(made);
        note(p, g, k, made);
        ++given;
    }

    function signGrant(uint256 p, uint256 g, uint256 k, uint40 from, uint40 length, uint16 purposes) external {
        (p, g, k) = within(p, g, k);
        NewGrant memory made = newTerms(p, g, k, from, length, purposes);
        uint256 nonce = ++nonces;
        Authorization memory auth =
            sign(patients[p], grants, Messages.grant(patients[p].addr, made, nonce, FAR), nonce, FAR);
        Held storage kept = held.push();
        (kept.patient, kept.grantee, kept.kind) = (p, g, k);
        (kept.revocations, kept.nonce) = (revocations[p][g][k], nonce);
        (kept.made, kept.auth) = (abi.encode(made), auth);
    }

    /// @dev The relayer submits the messages that it holds, in any order and any number of times.
    function submitHeld(uint256 which) external {
        if (held.length == 0) return;
        Held storage kept = held[which % held.length];
        (uint256 p, uint256 g, uint256 k) = (kept.patient, kept.grantee, kept.kind);
        NewGrant memory made = abi.decode(kept.made, (NewGrant));
        vm.prank(relayer.addr);
        try grants.grantBySig(patients[p].addr, made, kept.auth) {
            if (kept.used) hasNonceWorkedTwice = true;
            if (kept.revocations != revocations[p][g][k]) hasStaleGrantSucceeded = true;
            kept.used = true;
            note(p, g, k, made);
        } catch {}
    }

    function revoke(uint256 p, uint256 g, uint256 k) external {
        (p, g, k) = within(p, g, k);
        vm.prank(patients[p].addr);
        grants.revoke(refOf(tag(g), ScopeKind(k), idOf(p, k)));
        meant[p][g][k].stands = false;
        ++meant[p][g][k].epoch;
        ++revocations[p][g][k];
    }

    function revokeAll(uint256 p) external {
        p = p % PATIENTS;
        vm.prank(patients[p].addr);
        grants.revokeAll();
        noteRevokeAll(p);
    }

    function signRevokeAll(uint256 p) external {
        p = p % PATIENTS;
        uint256 nonce = ++nonces;
        HeldRevokeAll storage kept = heldRevokeAlls.push();
        kept.patient = p;
        kept.auth = sign(patients[p], grants, Messages.revokeAll(patients[p].addr, nonce, FAR), nonce, FAR);
    }

    function submitRevokeAll(uint256 which) external {
        if (heldRevokeAlls.length == 0) return;
        HeldRevokeAll storage kept = heldRevokeAlls[which % heldRevokeAlls.length];
        vm.prank(relayer.addr);
        try grants.revokeAllBySig(patients[kept.patient].addr, kept.auth) {
            if (kept.used) hasNonceWorkedTwice = true;
            kept.used = true;
            noteRevokeAll(kept.patient);
        } catch {}
    }

    function noteRevokeAll(uint256 p) private {
        ++patientEpochs[p];
        for (uint256 g = 0; g < GRANTEES; ++g) {
            for (uint256 k = 0; k < KINDS; ++k) {
                meant[p][g][k].stands = false;
                ++revocations[p][g][k];
            }
        }
    }

    /// @dev A stranger grants and revokes the same tags. Nothing may change for the patients.
    function meddle(uint256 g, uint256 k, bool all) external {
        (, g, k) = within(0, g, k);
        NewGrant memory made = newGrant(tag(g), ScopeKind(k), idOf(0, k));
        (address who,) = makeAddrAndKey("meddler");
        made.patientEpoch = grants.patientEpochOf(who);
        made.scopes[0].epoch = uint32(epochOf(who, g, k));
        vm.startPrank(who);
        grants.grant(made);
        if (all) grants.revokeAll();
        else grants.revoke(refOf(tag(g), ScopeKind(k), idOf(0, k)));
        vm.stopPrank();
    }

    function suspend(uint256 g) external {
        if (clinicInactive) return;
        g = g % 2;
        vm.prank(clinic.addr);
        accreditation.suspend(grantees[g]);
        suspended[g] = true;
        ++suspensions[g];
    }

    function reinstate(uint256 g) external {
        if (clinicInactive) return;
        g = g % 2;
        uint32 epoch = accreditation.practitionerOf(grantees[g]).epoch;
        uint32 clinicEpoch = accreditation.accreditorEpochOf(clinic.addr);
        vm.prank(clinic.addr);
        accreditation.accredit(grantees[g], Roles.DOCTOR, VALID_FROM, VALID_UNTIL, epoch, clinicEpoch);
        noteVouched(g);
    }

    function noteVouched(uint256 g) private {
        suspended[g] = false;
        vouchedIn[g] = clinicChanges;
    }

    function signReinstate(uint256 g) external {
        g = g % 2;
        uint256 nonce = ++nonces;
        uint32 epoch = accreditation.practitionerOf(grantees[g]).epoch;
        uint32 clinicEpoch = accreditation.accreditorEpochOf(clinic.addr);
        bytes32 message = Messages.accredit(
            clinic.addr, grantees[g], Roles.DOCTOR, VALID_FROM, VALID_UNTIL, epoch, clinicEpoch, nonce, FAR
        );
        HeldAccredit storage kept = heldAccredits.push();
        (kept.grantee, kept.epoch, kept.clinicEpoch) = (g, epoch, clinicEpoch);
        (kept.suspensions, kept.clinicChanges) = (suspensions[g], clinicChanges);
        kept.auth = sign(clinic, accreditation, message, nonce, FAR);
    }

    function submitReinstate(uint256 which) external {
        if (heldAccredits.length == 0) return;
        HeldAccredit storage kept = heldAccredits[which % heldAccredits.length];
        address who = grantees[kept.grantee];
        vm.prank(relayer.addr);
        try accreditation.accreditBySig(
            clinic.addr, who, Roles.DOCTOR, VALID_FROM, VALID_UNTIL, kept.epoch, kept.clinicEpoch, kept.auth
        ) {
            if (kept.suspensions != suspensions[kept.grantee] || kept.clinicChanges != clinicChanges) {
                hasStaleAccreditSucceeded = true;
            }
            noteVouched(kept.grantee);
        } catch {}
    }

    function addAccreditor() external {
        uint32 epoch = accreditation.accreditorEpochOf(clinic.addr);
        vm.prank(owner.addr);
        accreditation.addAccreditor(clinic.addr, epoch);
        noteClinic(false);
    }

    function noteClinic(bool isInactive) private {
        clinicInactive = isInactive;
        ++clinicChanges;
    }

    function removeAccreditor() external {
        vm.prank(owner.addr);
        accreditation.removeAccreditor(clinic.addr);
        noteClinic(true);
        ++removals;
    }

    function signAddAccreditor() external {
        uint256 nonce = ++nonces;
        uint32 epoch = accreditation.accreditorEpochOf(clinic.addr);
        HeldAdd storage kept = heldAdds.push();
        (kept.epoch, kept.removals) = (epoch, removals);
        kept.auth =
            sign(owner, accreditation, Messages.addAccreditor(owner.addr, clinic.addr, epoch, nonce, FAR), nonce, FAR);
    }

    function submitAddAccreditor(uint256 which) external {
        if (heldAdds.length == 0) return;
        HeldAdd storage kept = heldAdds[which % heldAdds.length];
        vm.prank(relayer.addr);
        try accreditation.addAccreditorBySig(clinic.addr, kept.epoch, kept.auth) {
            if (kept.removals != removals) hasStaleAddSucceeded = true;
            noteClinic(false);
        } catch {}
    }

    function supersede(uint256 p) external {
        p = p % PATIENTS;
        if (statuses[p] != RecordStatus.Active || liftableUntil[p] != 0) return;
        vm.prank(patients[p].addr);
        records.supersede(recordIds[p], 1);
        statuses[p] = RecordStatus.Superseded;
    }

    function tombstone(uint256 p) external {
        p = p % PATIENTS;
        // A tombstone that is not lifted in time is final. So tombstones are rare, otherwise every run would end with
        // only closed records.
        if (given % 4 != 3) return;
        vm.prank(patients[p].addr);
        records.tombstone(recordIds[p]);
        noteTombstone(p);
    }

    function noteTombstone(uint256 p) private {
        ++tombstones[p];
        if (liftableUntil[p] == 0) liftableUntil[p] = block.timestamp + LIFT_PERIOD;
    }

    /// @dev This also works while the record is tombstoned.
    function signTombstone(uint256 p) external {
        p = p % PATIENTS;
        uint256 nonce = ++nonces;
        HeldTombstone storage kept = heldTombstones.push();
        (kept.patient, kept.epoch) = (p, records.tombstoneOf(recordIds[p]).epoch);
        (kept.tombstones, kept.lifts) = (tombstones[p], lifts[p]);
        bytes32 message = Messages.tombstone(patients[p].addr, recordIds[p], kept.epoch, nonce, FAR);
        kept.auth = sign(patients[p], records, message, nonce, FAR);
    }

    function submitTombstone(uint256 which) external {
        if (heldTombstones.length == 0 || given % 4 != 3) return;
        HeldTombstone storage kept = heldTombstones[which % heldTombstones.length];
        uint256 p = kept.patient;
        vm.prank(relayer.addr);
        try records.tombstoneBySig(patients[p].addr, recordIds[p], kept.epoch, kept.auth) {
            if (kept.tombstones != tombstones[p] || kept.lifts != lifts[p]) hasStaleTombstoneSucceeded = true;
            noteTombstone(p);
        } catch {}
    }

    function lift(uint256 p) external {
        p = p % PATIENTS;
        uint32 epoch = records.tombstoneOf(recordIds[p]).epoch;
        vm.prank(patients[p].addr);
        try records.liftTombstone(recordIds[p], epoch) {
            noteLifted(p, tombstones[p]);
        } catch {
            assertTrue(block.timestamp >= liftableUntil[p], "a lift in time always works");
        }
    }

    function signLift(uint256 p) external {
        p = p % PATIENTS;
        uint256 nonce = ++nonces;
        HeldLift storage kept = heldLifts.push();
        (kept.patient, kept.epoch, kept.tombstones) = (p, records.tombstoneOf(recordIds[p]).epoch, tombstones[p]);
        bytes32 message = Messages.liftTombstone(patients[p].addr, recordIds[p], kept.epoch, nonce, FAR);
        kept.auth = sign(patients[p], records, message, nonce, FAR);
    }

    function submitLift(uint256 which) external {
        if (heldLifts.length == 0) return;
        HeldLift storage kept = heldLifts[which % heldLifts.length];
        uint256 p = kept.patient;
        vm.prank(relayer.addr);
        try records.liftTombstoneBySig(patients[p].addr, recordIds[p], kept.epoch, kept.auth) {
            noteLifted(p, kept.tombstones);
        } catch {}
    }

    function noteLifted(uint256 p, uint256 meantTombstones) private {
        if (meantTombstones != tombstones[p] || block.timestamp >= liftableUntil[p]) hasStaleLiftSucceeded = true;
        liftableUntil[p] = 0;
        ++lifts[p];
    }

    /// @dev Grantees and strangers try to close, open and mark the patient's records. Nothing may change.
    function meddleWithRecord(uint256 p, uint256 g, uint256 salt) external {
        (p, g,) = within(p, g, 0);
        RecordId id = recordIds[p];
        vm.startPrank(grantees[g]);
        try records.tombstone(id) {
            hasStrangerChangedARecord = true;
        } catch {}
        try records.liftTombstone(id, uint32(tombstones[p] + lifts[p])) {
            hasStrangerChangedARecord = true;
        } catch {}
        try records.supersede(id, 1) {
            hasStrangerChangedARecord = true;
        } catch {}
        try records.retract(id, 1, bytes32(salt), WRITE_SALT) {
            hasStrangerChangedARecord = true;
        } catch {}
        vm.stopPrank();
    }

    function wait(uint40 seconds_) external {
        vm.warp(block.timestamp + bound(seconds_, 1, 20 days));
    }

    // --- what should be

    /// @notice Compares the contract's answer with the expected one, for every pair, every scope and several purposes.
    function check() external view {
        for (uint256 p = 0; p < PATIENTS; ++p) {
            for (uint256 g = 0; g < GRANTEES; ++g) {
                for (uint256 k = 0; k < KINDS; ++k) {
                    assertEq(epochOf(patients[p].addr, g, k), meant[p][g][k].epoch, "epoch");
                }
                checkRead(p, g, Purposes.TREAT);
                checkRead(p, g, Purposes.HRESCH);
                checkRead(p, g, Purposes.FAMRQT);
            }
        }
    }

    function checkRead(uint256 p, uint256 g, uint16 purpose) private view {
        uint40 time = uint40(block.timestamp);
        (bool allowed, uint40 from, uint40 until) =
            records.isAllowed(recordIds[p], grantees[g], READ_SALT, purpose, time);
        bool vouched = g < 2 && !suspended[g] && !clinicInactive && vouchedIn[g] == clinicChanges && time >= VALID_FROM
            && time < VALID_UNTIL;
        bool expected = false;
        for (uint256 k = 0; k < KINDS; ++k) {
            Meant storage one = meant[p][g][k];
            bool runs = time >= one.notBefore && time < one.notAfter;
            if (one.stands && runs && one.purposes & purpose != 0) expected = true;
        }
        if (purpose != Purposes.FAMRQT && !vouched) expected = false;
        if (liftableUntil[p] != 0) expected = false;
        assertEq(allowed, expected, "allowed");
        if (allowed) assertTrue(from <= time && time < until, "period");
    }

    /// @dev The epoch in storage: bits 80 to 112 of the word.
    function epochOf(address who, uint256 g, uint256 k) private view returns (uint256) {
        uint256 p = who == patients[1].addr ? 1 : 0;
        return uint32(Terms.unwrap(grants.termsOf(who, tag(g), ScopeKind(k), idOf(p, k))) >> 80);
    }

    // --- making things

    function newTerms(uint256 p, uint256 g, uint256 k, uint40 from, uint40 length, uint16 purposes)
        private
        view
        returns (NewGrant memory made)
    {
        made = newGrant(tag(g), ScopeKind(k), idOf(p, k));
        made.notBefore = uint40(bound(from, block.timestamp - 10 days, block.timestamp + 5 days));
        made.notAfter = made.notBefore + uint40(bound(length, 1, 60 days));
        made.purposes = uint16(bound(purposes, 1, Purposes.ALL));
        made.patientEpoch = patientEpochs[p];
        made.scopes[0].epoch = meant[p][g][k].epoch;
    }

    function note(uint256 p, uint256 g, uint256 k, NewGrant memory made) private {
        Meant storage one = meant[p][g][k];
        one.stands = true;
        one.notBefore = made.notBefore;
        one.notAfter = made.notAfter;
        one.purposes = made.purposes;
        ++one.epoch;
    }

    function within(uint256 p, uint256 g, uint256 k) private pure returns (uint256, uint256, uint256) {
        return (p % PATIENTS, g % GRANTEES, k % KINDS);
    }

    function tag(uint256 g) private view returns (Tag) {
        return tagOf(grantees[g], READ_SALT);
    }

    function idOf(uint256 p, uint256 k) private view returns (bytes32) {
        if (k == 0) return RecordId.unwrap(recordIds[p]);
        return k == 1 ? categoryId(LABORATORY) : bytes32(0);
    }
}
