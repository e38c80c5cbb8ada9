// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";
import {Vm} from "forge-std/Vm.sol";

import {Access, Head, IAccessLog} from "../src/interfaces/IAccessLog.sol";
import {IAccreditation} from "../src/interfaces/IAccreditation.sol";
import {GrantRef, IGrantRegistry, NewGrant, Scope, ScopeKind, Tag} from "../src/interfaces/IGrantRegistry.sol";
import {IKeyRegistry} from "../src/interfaces/IKeyRegistry.sol";
import {IRecordRegistry, NewRecord, NewVersion, RecordId} from "../src/interfaces/IRecordRegistry.sol";
import {Authorization, ISignedActions} from "../src/interfaces/ISignedActions.sol";
import {Purposes, Rights, Roles} from "../src/libraries/Codes.sol";

/// @title The people and contracts that every test starts with.
/// @dev The clinic's doctor and lab are accredited for the years around `START`; nobody has a grant or a record yet.
abstract contract BaseTest is Test {
    /// @dev Block time at the start of every test.
    uint40 internal constant START = 1_800_000_000;
    /// @dev The first second of the accreditations, and the first second after them.
    uint40 internal constant VALID_FROM = START - 365 days;
    uint40 internal constant VALID_UNTIL = START + 365 days;
    /// @dev The time for which a tombstone can be lifted.
    uint40 internal constant LIFT_PERIOD = 1 days;
    /// @dev The last second that a period can hold.
    uint40 internal constant LAST_TIME = type(uint40).max;
    uint16 internal constant KEM = 0x647a;
    uint16 internal constant CATEGORY_KEM = 0x0016;
    uint8 internal constant RAW = 0x55;
    uint16 internal constant LABORATORY = 1;

    bytes32 internal constant DIGEST = keccak256("digest of an envelope");
    bytes32 internal constant RECORD_SALT = keccak256("record salt");
    bytes32 internal constant READ_SALT = keccak256("read salt");
    bytes32 internal constant WRITE_SALT = keccak256("write salt");

    Vm.Wallet internal owner;
    Vm.Wallet internal clinic;
    Vm.Wallet internal otherClinic;
    Vm.Wallet internal patient;
    Vm.Wallet internal doctor;
    Vm.Wallet internal lab;
    Vm.Wallet internal sister;
    Vm.Wallet internal operator;
    Vm.Wallet internal relayer;
    Vm.Wallet internal stranger;

    IAccreditation internal accreditation;
    IGrantRegistry internal grants;
    IRecordRegistry internal records;
    IKeyRegistry internal keys;
    IAccessLog internal accessLog;

    function setUp() public virtual {
        vm.warp(START);
        owner = vm.createWallet("owner");
        clinic = vm.createWallet("clinic");
        otherClinic = vm.createWallet("other clinic");
        patient = vm.createWallet("patient");
        doctor = vm.createWallet("doctor");
        lab = vm.createWallet("lab");
        sister = vm.createWallet("sister");
        operator = vm.createWallet("operator");
        relayer = vm.createWallet("relayer");
        stranger = vm.createWallet("stranger");

        // By artifact, so that tests need not be compiled through the IR, which is slow.
        accreditation = IAccreditation(deployCode("Accreditation.sol", abi.encode(owner.addr)));
        grants = IGrantRegistry(deployCode("GrantRegistry.sol"));
        records = IRecordRegistry(deployCode("RecordRegistry.sol", abi.encode(grants, accreditation, LIFT_PERIOD)));
        keys = IKeyRegistry(deployCode("KeyRegistry.sol"));
        accessLog = IAccessLog(deployCode("AccessLog.sol"));

        vm.startPrank(owner.addr);
        accreditation.addAccreditor(clinic.addr, 0);
        accreditation.addAccreditor(otherClinic.addr, 0);
        vm.stopPrank();
        vm.startPrank(clinic.addr);
        accreditation.accredit(doctor.addr, Roles.DOCTOR, VALID_FROM, VALID_UNTIL, 0, 1);
        accreditation.accredit(lab.addr, Roles.LAB, VALID_FROM, VALID_UNTIL, 0, 1);
        vm.stopPrank();
    }

    // --- signing

    /// @dev Signs a message of `target` with the wallet's key.
    function sign(Vm.Wallet memory signer, ISignedActions target, bytes32 structHash, uint256 nonce, uint256 deadline)
        internal
        view
        returns (Authorization memory)
    {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(signer.privateKey, digestOf(target, structHash));
        return Authorization({nonce: nonce, deadline: deadline, signature: abi.encodePacked(r, s, v)});
    }

    /// @dev The EIP-712 digest, with the domain written out a second time.
    function digestOf(ISignedActions target, bytes32 structHash) internal view returns (bytes32) {
        return keccak256(abi.encodePacked(hex"1901", domainOf(address(target), block.chainid), structHash));
    }

    function domainOf(address target, uint256 chainId) internal pure returns (bytes32) {
        return vm.eip712HashStruct(
            "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)",
            abi.encode(Domain({name: "medlock", version: "1", chainId: chainId, verifyingContract: target}))
        );
    }

    struct Domain {
        string name;
        string version;
        uint256 chainId;
        address verifyingContract;
    }

    // --- names

    function tagOf(address grantee, bytes32 salt) internal pure returns (Tag) {
        return Tag.wrap(keccak256(abi.encodePacked(grantee, salt)));
    }

    function recordIdOf(address uploader, bytes32 salt) internal pure returns (RecordId) {
        return RecordId.wrap(keccak256(abi.encodePacked(uploader, salt)));
    }

    function categoryId(uint16 category) internal pure returns (bytes32) {
        return bytes32(uint256(category));
    }

    // --- things to register

    function identityKey(uint256 seed) internal pure returns (bytes memory) {
        bytes memory key = new bytes(1_216);
        for (uint256 at = 0; at < key.length; at += 32) {
            bytes32 word = keccak256(abi.encode(seed, at));
            for (uint256 i = 0; i < 32; ++i) {
                key[at + i] = word[i];
            }
        }
        return key;
    }

    /// @dev A laboratory record of the patient; `writeSalt` stays zero for the patient's own upload.
    function newRecord() internal view returns (NewRecord memory) {
        return NewRecord({
            patient: patient.addr, salt: RECORD_SALT, category: LABORATORY, codec: RAW, digest: DIGEST, writeSalt: 0
        });
    }

    function newVersion(RecordId record, uint16 replaced) internal pure returns (NewVersion memory) {
        return NewVersion({
            record: record,
            version: replaced,
            codec: RAW,
            digest: keccak256(abi.encode(DIGEST, replaced)),
            salt: 0,
            writeSalt: 0
        });
    }

    /// @dev READ for treatment, from now for thirty days, over one scope in its first epoch.
    function newGrant(Tag tag, ScopeKind kind, bytes32 id) internal pure returns (NewGrant memory) {
        Scope[] memory scopes = new Scope[](1);
        scopes[0] = Scope({kind: kind, id: id, epoch: 0, bundleHash: keccak256("bundle")});
        return NewGrant({
            tag: tag,
            rights: Rights.READ,
            purposes: Purposes.TREAT,
            notBefore: START,
            notAfter: START + 30 days,
            patientEpoch: 0,
            scopes: scopes
        });
    }

    /// @dev WRITE for the uploader's tag, from now for thirty days.
    function newWriteGrant(address uploader, ScopeKind kind, bytes32 id) internal pure returns (NewGrant memory) {
        NewGrant memory made = newGrant(tagOf(uploader, WRITE_SALT), kind, id);
        made.rights = Rights.WRITE;
        made.purposes = 0;
        made.scopes[0].bundleHash = 0;
        return made;
    }

    function refOf(Tag tag, ScopeKind kind, bytes32 id) internal pure returns (GrantRef[] memory refs) {
        refs = new GrantRef[](1);
        refs[0] = GrantRef({tag: tag, kind: kind, id: id});
    }

    function newAccesses(uint256 count) internal view returns (Access[] memory accesses) {
        accesses = new Access[](count);
        for (uint256 i = 0; i < count; ++i) {
            accesses[i] = Access({
                record: recordIdOf(patient.addr, keccak256(abi.encode("record", i))),
                tag: tagOf(doctor.addr, keccak256(abi.encode("tag", i))),
                purposes: Purposes.TREAT,
                leaf: keccak256(abi.encode("leaf", i))
            });
        }
    }

    // --- steps that many tests begin with

    /// @dev The patient uploads a record.
    function givenRecord() internal returns (RecordId) {
        vm.prank(patient.addr);
        records.registerRecord(newRecord());
        return recordIdOf(patient.addr, RECORD_SALT);
    }

    /// @dev The lab may write laboratory records and has uploaded one.
    function givenLabRecord() internal returns (RecordId) {
        givenGrant(newWriteGrant(lab.addr, ScopeKind.Category, categoryId(LABORATORY)));
        NewRecord memory record = newRecord();
        record.writeSalt = WRITE_SALT;
        vm.prank(lab.addr);
        records.registerRecord(record);
        return recordIdOf(lab.addr, RECORD_SALT);
    }

    function givenGrant(NewGrant memory made) internal {
        vm.prank(patient.addr);
        grants.grant(made);
    }

    /// @dev The preimage of the head after a first checkpoint of the operator.
    function givenCheckpoint() internal returns (Head memory) {
        Head memory empty;
        Access[] memory accesses = newAccesses(1);
        bytes32 root = keccak256("first root");
        vm.prank(operator.addr);
        accessLog.checkpoint(empty, root, accesses);
        return Head({previous: 0, size: 1, root: root});
    }

    function headHash(Head memory head) internal pure returns (bytes32) {
        return head.size == 0 ? bytes32(0) : keccak256(abi.encodePacked(head.previous, head.size, head.root));
    }
}
