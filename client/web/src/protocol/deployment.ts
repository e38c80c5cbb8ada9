/**
 * The deployment file: the addresses of the contracts, the operator that keeps the log, and the keys to which release shares are sealed.
 * Everybody uses the same file (`SPEC.md`, section 12).
 */

import { sha256 } from '@noble/hashes/sha2.js';
import type { TypedDataDomain } from 'viem';
import { utf8 } from './bytes.ts';
import { ProtocolError } from './error.ts';
import { type Address, type Hex, isHex, sameHex, toHex } from './hex.ts';
import { exactFields, hexOf, isUint } from './json-form.ts';

const VERSION = 4;
/** EIP-712 domain name of every contract. */
const DOMAIN_NAME = 'medlock';
/** EIP-712 domain version of every contract. */
const DOMAIN_VERSION = '1';

/** The names of the five contracts in the file. */
const CONTRACT_NAMES = ['accreditation', 'key_registry', 'record_registry', 'grant_registry', 'access_log'] as const;
export type ContractName = (typeof CONTRACT_NAMES)[number];

/** One contract of a deployment. */
interface DeployedContract {
  /** Its address. */
  readonly address: Address;
  /** The keccak256 of its runtime code. */
  readonly codeHash: Hex;
}

/** One encryption key of the operator, as the file lists it. `operatorKeyOf` checks it. */
export interface SignedOperatorKey {
  /** Counts from 1, without gaps. */
  readonly epoch: number;
  /** Public key of MLKEM768-X25519, 1,216 bytes. */
  readonly key: Hex;
  /** The operator's signature: 65 bytes r ‖ s ‖ v. */
  readonly signature: Hex;
}

/** A deployment. All hex is in lower case. */
export interface Deployment {
  /** EIP-155 chain id. */
  readonly chainId: number;
  /** Hash of block 0. It distinguishes two chains with the same id. */
  readonly genesisHash: Hex;
  /** The first block that can contain an event of these contracts. */
  readonly startBlock: number;
  /** The account that keeps the log and holds the release shares. */
  readonly operator: Address;
  /** The operator's encryption keys, newest last. `operatorKeyOf` checks them. */
  readonly operatorKeys: readonly SignedOperatorKey[];
  /** The contracts. */
  readonly contracts: Readonly<Record<ContractName, DeployedContract>>;
}

/** Thrown if the value is not a deployment file of the version that this client knows. */
class InvalidDeployment extends ProtocolError<'deployment'> {
  constructor() {
    super('deployment', 'not a deployment file of this version');
  }
}

/**
 * Parses the JSON of a deployment file, or the part of a response that contains one.
 *
 * @throws InvalidDeployment for another version, a missing or unknown field, or a field that is out of range.
 */
export function parseDeployment(json: unknown): Deployment {
  const names = ['version', 'chain_id', 'genesis_hash', 'start_block', 'operator', 'operator_keys', 'contracts'] as const;
  const file = exactFields(json, names);
  const contracts = exactFields(file?.contracts, CONTRACT_NAMES);
  if (file === null || contracts === null || file.version !== VERSION) throw new InvalidDeployment();
  if (!isUint(file.chain_id) || !isUint(file.start_block)) throw new InvalidDeployment();
  return {
    chainId: file.chain_id,
    genesisHash: required(hexOf(file.genesis_hash, 32)),
    startBlock: file.start_block,
    operator: required(hexOf(file.operator, 20)),
    operatorKeys: parseKeys(file.operator_keys),
    contracts: {
      accreditation: parseContract(contracts.accreditation),
      key_registry: parseContract(contracts.key_registry),
      record_registry: parseContract(contracts.record_registry),
      grant_registry: parseContract(contracts.grant_registry),
      access_log: parseContract(contracts.access_log),
    },
  };
}

/** Returns the JSON of the file, with its names in alphabetical order, so that a deployment has exactly one text. */
export function deploymentJson(deployment: Deployment): string {
  const { operatorKeys } = deployment;
  return JSON.stringify({ ...sorted(deployment), operator_keys: operatorKeys, start_block: deployment.startBlock, version: VERSION });
}

/**
 * Returns the SHA-256 of that text without the operator's keys, as hex without `0x`. `jq -cSj 'del(.operator_keys)' FILE | sha256sum`
 * prints the same for the operator's file. The keys are left out because the operator's address in the text and the operator's signatures
 * determine them.
 */
export function deploymentFingerprint(deployment: Deployment): string {
  const text = JSON.stringify({ ...sorted(deployment), start_block: deployment.startBlock, version: VERSION });
  return toHex(sha256(utf8(text))).slice(2);
}

/** Returns the fields whose names come before `operator_keys`. */
function sorted({ chainId, genesisHash, operator, contracts }: Deployment): Record<string, unknown> {
  const names = [...CONTRACT_NAMES].sort();
  return {
    chain_id: chainId,
    contracts: Object.fromEntries(names.map((name) => [name, { address: contracts[name].address, code_hash: contracts[name].codeHash }])),
    genesis_hash: genesisHash,
    operator,
  };
}

/**
 * Returns whether chain, contracts and operator are equal; the operator's encryption keys may differ. A client refuses a server of another
 * deployment.
 */
export function sameDeployment(a: Deployment, b: Deployment): boolean {
  return (
    a.chainId === b.chainId &&
    sameHex(a.genesisHash, b.genesisHash) &&
    a.startBlock === b.startBlock &&
    sameHex(a.operator, b.operator) &&
    CONTRACT_NAMES.every((name) => {
      const [one, other] = [a.contracts[name], b.contracts[name]];
      return sameHex(one.address, other.address) && sameHex(one.codeHash, other.codeHash);
    })
  );
}

/** An EIP-712 domain of one of the contracts. */
export interface Domain extends TypedDataDomain {
  readonly name: typeof DOMAIN_NAME;
  readonly version: typeof DOMAIN_VERSION;
  readonly chainId: number;
  readonly verifyingContract: Address;
}

/** Returns the EIP-712 domain of a contract at an address. */
export function domainAt(chainId: number, verifyingContract: Address): Domain {
  return { name: DOMAIN_NAME, version: DOMAIN_VERSION, chainId, verifyingContract };
}

/** Returns the EIP-712 domain of a contract of a deployment. */
export function domainOf(deployment: Deployment, contract: ContractName): Domain {
  return domainAt(deployment.chainId, deployment.contracts[contract].address);
}

function parseKeys(json: unknown): SignedOperatorKey[] {
  if (!Array.isArray(json)) throw new InvalidDeployment();
  return json.map((entry) => {
    const fields = exactFields(entry, ['epoch', 'key', 'signature'] as const);
    if (fields === null || !isUint(fields.epoch, 0xffff_ffff)) throw new InvalidDeployment();
    const [key, signature] = [fields.key, fields.signature];
    // Any length is accepted here: the check of the keys reports which one is wrong.
    if (!isHex(key) || !isHex(signature)) throw new InvalidDeployment();
    return { epoch: fields.epoch, key: key.toLowerCase() as Hex, signature: signature.toLowerCase() as Hex };
  });
}

function parseContract(json: unknown): DeployedContract {
  const contract = exactFields(json, ['address', 'code_hash'] as const);
  return {
    address: required(hexOf(contract?.address, 20)),
    codeHash: required(hexOf(contract?.code_hash, 32)),
  };
}

function required<T>(value: T | null): T {
  if (value === null) throw new InvalidDeployment();
  return value;
}
