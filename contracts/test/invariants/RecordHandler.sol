// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ScopeKind} from "../../src/interfaces/IGrantRegistry.sol";
import {NewRecord, NewVersion, Record, RecordId, RecordStatus} from "../../src/interfaces/IRecordRegistry.sol";
import {BaseTest} from "../BaseTest.sol";

/// @title Patients and labs who register records and versions, from a handful of salts so that they collide.
contract RecordHandler is BaseTest {
    address[3] private uploaders;
    RecordId[] private ids;
    mapping(RecordId id => Record record) private expected;

    /// @notice Whether one id was ever registered twice.
    bool public hasIdBeenTakenTwice;
    /// @notice How often a record or version was registered.
    uint256 public registered;

    function setUp() public override {
        super.setUp();
        uploaders = [patient.addr, lab.addr, stranger.addr];
        givenGrant(newWriteGrant(lab.addr, ScopeKind.All, 0));
    }

    function register(uint256 u, uint8 salt, uint16 category) external {
        address uploader = uploaders[u % 3];
        // The stranger keeps records of its own; the lab writes the patient's.
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
            ids.push(id);
            expected[id] = Record(whose, uint40(block.timestamp), category, 1, RecordStatus.Active, RAW);
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
            bool isFirst =
                RecordId.unwrap(recordIdOf(uploader, version.salt)) == RecordId.unwrap(id) && uploader == lab.addr;
            assertTrue(uploader == one.patient || isFirst, "uploader");
            assertEq(version.version, one.version, "replaced version");
            assertTrue(one.status != RecordStatus.Tombstoned, "tombstone");
            ++one.version;
            ++registered;
        } catch {}
    }

    function setStatus(uint256 which, uint256 u, uint8 status, uint8 salt) external {
        if (ids.length == 0) return;
        RecordId id = ids[which % ids.length];
        RecordStatus next = RecordStatus(bound(status, 0, 3));
        vm.prank(uploaders[u % 3]);
        try records.setRecordStatus(id, next, bytes32(uint256(salt % 4))) {
            assertTrue(next > expected[id].status, "status only moves forward");
            expected[id].status = next;
        } catch {}
    }

    function wait(uint40 seconds_) external {
        vm.warp(block.timestamp + bound(seconds_, 1, 1 days));
    }

    /// @notice Each record is what its registrations made it; patient, category and creation never change.
    function check() external view {
        for (uint256 i = 0; i < ids.length; ++i) {
            assertEq(abi.encode(records.recordOf(ids[i])), abi.encode(expected[ids[i]]), "record");
        }
    }
}
