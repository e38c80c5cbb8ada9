// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Script} from "forge-std/Script.sol";

import {AccessLog} from "../src/AccessLog.sol";
import {Accreditation} from "../src/Accreditation.sol";
import {GrantRegistry} from "../src/GrantRegistry.sol";
import {KeyRegistry} from "../src/KeyRegistry.sol";
import {RecordRegistry} from "../src/RecordRegistry.sol";

/// @title Deploys medlock and writes the deployment file.
/// @notice Reads from the environment:
///         MEDLOCK_OWNER            owner of Accreditation (a multisig in production),
///         MEDLOCK_OPERATOR         operator, who holds release shares and keeps the log,
///         MEDLOCK_GENESIS_HASH     hash of block 0, which the EVM cannot see,
///         MEDLOCK_LIFT_PERIOD      seconds in which a patient can lift a tombstone. Default: one day. Only a development
///                                  chain (id 31337) may have less,
///         MEDLOCK_DEPLOYMENT_OUT   path of the deployment file.
///         `medlock-api add-operator-key` then adds the operator's encryption key to the file. contracts/README.md
///         explains how to run it. It asks for no key: Forge holds the sender's.
contract Deploy is Script {
    /// @dev Version of the format of the deployment file.
    uint256 private constant FILE_VERSION = 4;
    uint256 private constant DEVELOPMENT_CHAIN = 31337;

    function run() external {
        address owner = vm.envAddress("MEDLOCK_OWNER");
        address operator = vm.envAddress("MEDLOCK_OPERATOR");
        bytes32 genesisHash = vm.envBytes32("MEDLOCK_GENESIS_HASH");
        string memory path = vm.envString("MEDLOCK_DEPLOYMENT_OUT");
        require(operator != address(0), "MEDLOCK_OPERATOR is the zero address");
        require(genesisHash != 0, "MEDLOCK_GENESIS_HASH is zero");
        uint256 liftPeriod = vm.envOr("MEDLOCK_LIFT_PERIOD", uint256(1 days));
        require(liftPeriod <= 365 days, "MEDLOCK_LIFT_PERIOD is longer than a year");
        require(
            liftPeriod >= 1 days || block.chainid == DEVELOPMENT_CHAIN, "MEDLOCK_LIFT_PERIOD is shorter than one day"
        );
        uint256 startBlock = vm.getBlockNumber();

        vm.startBroadcast();
        Accreditation accreditation = new Accreditation(owner);
        GrantRegistry grantRegistry = new GrantRegistry();
        RecordRegistry recordRegistry = new RecordRegistry(grantRegistry, accreditation, uint40(liftPeriod));
        KeyRegistry keyRegistry = new KeyRegistry();
        AccessLog accessLog = new AccessLog();
        vm.stopBroadcast();

        _describe("accreditation", address(accreditation));
        _describe("key_registry", address(keyRegistry));
        _describe("record_registry", address(recordRegistry));
        _describe("grant_registry", address(grantRegistry));
        string memory contracts = _describe("access_log", address(accessLog));

        vm.serializeUint("deployment", "version", FILE_VERSION);
        vm.serializeUint("deployment", "chain_id", block.chainid);
        vm.serializeBytes32("deployment", "genesis_hash", genesisHash);
        vm.serializeUint("deployment", "start_block", startBlock);
        vm.serializeAddress("deployment", "operator", operator);
        // The operator signs its encryption keys itself: medlock-api add-operator-key.
        vm.serializeString("deployment", "operator_keys", new string[](0));
        vm.writeJson(vm.serializeString("deployment", "contracts", contracts), path);
    }

    /// @dev Adds one contract to the file and returns the JSON of all that were added so far.
    function _describe(string memory name, address deployed) private returns (string memory) {
        vm.serializeAddress(name, "address", deployed);
        string memory described = vm.serializeBytes32(name, "code_hash", deployed.codehash);
        return vm.serializeString("contracts", name, described);
    }
}
