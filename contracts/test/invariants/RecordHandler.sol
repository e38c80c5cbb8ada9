// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {NewGrant, ScopeKind, Tag, Terms} from "../../src/interfaces/IGrantRegistry.sol";
import {NewRecord, NewVersion, Record, RecordId, RecordStatus} from "../../src/interfaces/IRecordRegistry.sol";
import {Roles} from "../../src/libraries/Codes.sol";
import {BaseTest} from "../BaseTest.sol";

/// @title Patients and labs who register, supersede, tombstone, lift and retract. They use only a few salts, so that
/// these collide, while the lab gains and loses its authority.
/// @dev Keeps separate books of every record, and of whether the lab may write. They follow only from the actors'
///      calls.
contract RecordHandler is BaseTest {
    address[3] private uploaders;
    RecordId[] private ids;
    mapping(RecordId id => Record record) private expected;
    mapping(RecordId id => address uploader) private firstUploader;
    /// @dev The status to which a lift leads back, until when, and how often it was tombstoned or opened again.
    mapping(RecordId id => RecordStatus status) private before;
    mapping(RecordId id => uint256 time) private finalFrom;
    mapping(RecordId id => uint32 count) private changes;
    bool private isSuspended;
    bool private isRevoked;

    /// @notice Whether one id was ever registered twice.
    bool public hasIdBeenTakenTwice;
    /// @notice Whether the lab ever changed a record while it was suspended or had no WRITE.
    bool public hasEndedAuthorityChangedARecord;
    /// @notice Whether anyone but the patient ever changed a status.
    bool public hasAnotherClosedARecord;
    /// @notice Whether a record left its tombstone after the period.
    bool public hasFinalTombstoneChanged;
    /// @notice How often a record or version was registered.
    uint256 public registered;

    function setUp() public override {
        super.setUp();
        uploaders = [patient.addr, lab.addr, stranger.addr];
        giveWrite(0);
    }

    function giveWrite(uint32 epoch) private {
        NewGrant memory made = newWriteGrant(lab.addr, ScopeKind.All, 0);
        made.notAfter = LAST_TIME;
        made.scopes[0].epoch = epoch;
        givenGrant(made);
    }

    function register(uint256 u, uint8 salt, uint16 category) external {
        address uploader = uploaders[u % 3];
        // The stranger has its own records. The lab writes those of the patient.
        address whose = uploader == stranger.addr ? uploader : patient.addr;
        NewRecord memory record = NewRecord({
            patient: whose,
            salt: bytes32(uint256(salt % 4)),
            category: category,
            codec: RAW,
            digest: DIGEST,
            writeSalt: WRITE_SALT
        });
        RecordId id = recordIdOf(uploader, record.salt);
        vm.prank(uploader);
        try records.registerRecord(record) {
            if (expected[id].version != 0) hasIdBeenTakenTwice = true;
            noteAuthority(uploader);
            ids.push(id);
            firstUploader[id] = uploader;
            expected[id] = Record(whose, uint40(block.timestamp), category, 1, RecordStatus.Active, RAW, 0);
            ++registered;
        } catch {}
    }

    function addVersion(uint256 which, uint256 u, uint8 salt, uint16 replaced) external {
        if (ids.length == 0) return;
        RecordId id = ids[which % ids.length];
        Record storage one = expected[id];
        NewVersion memory version = newVersion(id, replaced % (one.version + 2));
        (version.salt, version.writeSalt) = (bytes32(uint256(salt % 4)), WRITE_SALT);
        address uploader = uploaders[u % 3];
        vm.prank(uploader);
        try records.registerVersion(version) {
            assertTrue(uploader == one.patient || isItsLab(id, uploader), "uploader");
            assertEq(version.version, one.version, "replaced version");
            assertTrue(one.status != RecordStatus.Tombstoned, "tombstone");
            if (uploader != one.patient) noteAuthority(uploader);
            ++one.version;
            ++registered;
        } catch {}
    }

    function supersede(uint256 which, uint256 u, uint16 version) external {
        if (ids.length == 0) return;
        RecordId id = ids[which % ids.length];
        Record storage one = expected[id];
        version = version % (one.version + 2);
        address caller = uploaders[u % 3];
        vm.prank(caller);
        try records.supersede(id, version) {
            if (caller != one.patient) hasAnotherClosedARecord = true;
            assertTrue(one.status == RecordStatus.Active && version == one.version, "supersede");
            one.status = RecordStatus.Superseded;
        } catch {}
    }

    function tombstone(uint256 which, uint256 u) external {
        if (ids.length == 0) return;
        RecordId id = ids[which % ids.length];
        Record storage one = expected[id];
        address caller = uploaders[u % 3];
        vm.prank(caller);
        try records.tombstone(id) {
            if (caller != one.patient) hasAnotherClosedARecord = true;
            ++changes[id];
            if (one.status == RecordStatus.Tombstoned) return;
            (before[id], finalFrom[id]) = (one.status, block.timestamp + LIFT_PERIOD);
            one.status = RecordStatus.Tombstoned;
        } catch {
            assertTrue(caller != one.patient, "the patient can always tombstone");
        }
    }

    function lift(uint256 which, uint256 u, uint32 back) external {
        if (ids.length == 0) return;
        RecordId id = ids[which % ids.length];
        Record storage one = expected[id];
        uint32 epoch = changes[id] - (changes[id] == 0 ? 0 : back % 2);
        address caller = uploaders[u % 3];
        vm.prank(caller);
        try records.liftTombstone(id, epoch) {
            if (caller != one.patient) hasAnotherClosedARecord = true;
            if (block.timestamp >= finalFrom[id]) hasFinalTombstoneChanged = true;
            assertTrue(one.status == RecordStatus.Tombstoned && epoch == changes[id], "lift");
            one.status = before[id];
            ++changes[id];
        } catch {}
    }

    function retract(uint256 which, uint256 u, uint8 salt, uint16 version) external {
        if (ids.length == 0) return;
        RecordId id = ids[which % ids.length];
        Record storage one = expected[id];
        version = version % (one.version + 2);
        address caller = uploaders[u % 3];
        vm.prank(caller);
        try records.retract(id, version, bytes32(uint256(salt % 4)), WRITE_SALT) {
            assertTrue(isItsLab(id, caller), "retracting");
            assertTrue(version > one.retracted && version <= one.version, "retracted version");
            assertTrue(one.status != RecordStatus.Tombstoned, "tombstone");
            noteAuthority(caller);
            one.retracted = version;
        } catch {}
    }

    /// @dev The clinic suspends the lab or accredits it again; the patient revokes WRITE or grants it again.
    function changeAuthority(uint8 what) external {
        if (what % 4 == 0) {
            vm.prank(clinic.addr);
            accreditation.suspend(lab.addr);
            isSuspended = true;
        } else if (what % 4 == 1) {
            uint32 epoch = accreditation.practitionerOf(lab.addr).epoch;
            vm.prank(clinic.addr);
            accreditation.accredit(lab.addr, Roles.LAB, VALID_FROM, LAST_TIME, epoch, 1);
            isSuspended = false;
        } else if (what % 4 == 2) {
            vm.prank(patient.addr);
            grants.revoke(refOf(writeTag(), ScopeKind.All, 0));
            isRevoked = true;
        } else {
            giveWrite(uint32(Terms.unwrap(grants.termsOf(patient.addr, writeTag(), ScopeKind.All, 0)) >> 80));
            isRevoked = false;
        }
    }

    function wait(uint40 seconds_) external {
        vm.warp(block.timestamp + bound(seconds_, 1, 1 days));
    }

    function writeTag() private view returns (Tag) {
        return tagOf(lab.addr, WRITE_SALT);
    }

    function isItsLab(RecordId id, address uploader) private view returns (bool) {
        return uploader == lab.addr && firstUploader[id] == lab.addr;
    }

    function noteAuthority(address uploader) private {
        if (uploader == lab.addr && (isSuspended || isRevoked)) hasEndedAuthorityChangedARecord = true;
    }

    /// @notice Each record has the state that its registrations gave it. Patient, category and creation time never
    ///         change.
    function check() external view {
        for (uint256 i = 0; i < ids.length; ++i) {
            assertEq(abi.encode(records.recordOf(ids[i])), abi.encode(expected[ids[i]]), "record");
            assertEq(records.tombstoneOf(ids[i]).epoch, changes[ids[i]], "tombstones and lifts");
        }
    }
}
