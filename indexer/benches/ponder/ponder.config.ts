import { readFileSync } from "node:fs";
import { createConfig } from "ponder";
import { parseAbi } from "viem";

/** The deployment file, as our indexer reads it. */
const deployment: {
  chain_id: number;
  start_block: number;
  contracts: Record<string, { address: `0x${string}` }>;
} = JSON.parse(readFileSync(setting("MEDLOCK_DEPLOYMENT"), "utf8"));

function setting(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: run ./scripts/bench indexer`);
  return value;
}

function at(name: string) {
  const contract = deployment.contracts[name];
  if (!contract) throw new Error(`the deployment file names no ${name}`);
  return { chain: "medlock" as const, address: contract.address, startBlock: deployment.start_block };
}

const url = setting("MEDLOCK_RPC_URL");
const postgres = process.env.BENCH_POSTGRES_URL;

export default createConfig({
  database: postgres
    ? { kind: "postgres", connectionString: postgres }
    : { kind: "pglite", directory: setting("BENCH_PGLITE_FOLDER") },
  chains: {
    medlock: {
      id: deployment.chain_id,
      // At first Ponder sends at most twenty requests a second to one URL; with this many URLs, it is not limited.
      rpc: Array.from({ length: 64 }, () => url),
      ws: url.replace(/^http/, "ws"),
      pollingInterval: 100,
      disableCache: true,
    },
  },
  contracts: {
    Accreditation: {
      ...at("accreditation"),
      abi: parseAbi([
        "event AccreditorSet(address indexed accreditor, bool active, uint32 epoch)",
        "event Accredited(address indexed accreditor, address indexed practitioner, uint8 roles, uint40 validFrom, uint40 validUntil, uint32 epoch, uint32 accreditorEpoch)",
        "event AccreditationChanged(address indexed accreditor, address indexed practitioner, bool suspended, uint32 epoch)",
        "event OwnershipTransferred(address indexed owner, address indexed successor)",
      ]),
    },
    KeyRegistry: {
      ...at("key_registry"),
      abi: parseAbi([
        "event KeyRegistered(address indexed owner, bytes32 indexed keyHash, uint8 slot, uint32 epoch, uint16 kem, bytes key)",
      ]),
    },
    RecordRegistry: {
      ...at("record_registry"),
      abi: parseAbi([
        "event RecordRegistered(bytes32 indexed id, address indexed patient, uint16 indexed category, address uploader, uint16 version, uint8 codec, bytes32 digest)",
        "event RecordStatusChanged(bytes32 indexed id, address indexed patient, uint8 status, uint32 epoch, uint40 liftableUntil)",
        "event RecordRetracted(bytes32 indexed id, address indexed patient, address uploader, uint16 version)",
      ]),
    },
    GrantRegistry: {
      ...at("grant_registry"),
      abi: parseAbi([
        "event Granted(address indexed patient, bytes32 indexed tag, bytes32 indexed scopeId, uint256 terms, bytes32 bundleHash)",
        "event Revoked(address indexed patient, bytes32 indexed tag, bytes32 indexed scopeId, uint8 kind, uint32 epoch)",
        "event AllRevoked(address indexed patient, uint32 patientEpoch)",
      ]),
    },
    AccessLog: {
      ...at("access_log"),
      abi: parseAbi([
        "event Accessed(address indexed operator, bytes32 indexed record, bytes32 indexed tag, uint16 purposes, bytes32 leaf)",
        "event Checkpoint(address indexed operator, uint64 size, bytes32 root, bytes32 head)",
      ]),
    },
  },
});
