/**
 * This device's own view of the chain. What the server says is compared with it: deployment, keys, records, grants, log.
 */
import {
  decodeFunctionResult,
  encodeFunctionData,
  hashMessage,
  keccak256,
  numberToHex,
  size,
  type Abi,
  type Address,
  type ContractFunctionArgs,
  type ContractFunctionName,
  type ContractFunctionReturnType,
  type Hex,
} from 'viem';
import type { ContractName, Deployment } from '../protocol/deployment.ts';
import type { EnvelopeContext } from '../protocol/envelope/header.ts';
import { Failure } from '../failure.ts';
import { isHex } from '../protocol/hex.ts';
import { SignatureError, verifySignature } from '../protocol/signature.ts';
import {
  accessLogAbi,
  accreditationAbi,
  contractSignatureAbi,
  grantRegistryAbi,
  keyRegistryAbi,
  recordRegistryAbi,
  signedActionsAbi,
} from './abi.ts';
import { Refused, type Rpc } from './rpc.ts';
import { termsOf, type Terms } from '../protocol/grants/terms.ts';

interface Block {
  readonly number: bigint;
  /** Unix seconds. */
  readonly time: number;
}

interface ChainKey {
  readonly hash: Hex;
  /** From 1. */
  readonly epoch: number;
  readonly kem: number;
}

export interface ChainRecord {
  /** Lower-case. */
  readonly patient: Address;
  readonly category: number;
  readonly version: number;
  /** 1 active, 2 superseded, 3 tombstoned. */
  readonly status: number;
  /** Its first uploader says not to rely on its versions up to this one; 0 for none. */
  readonly retracted: number;
  readonly created: number;
}

interface ChainTombstone {
  /** How often the record was tombstoned or opened again. */
  readonly epoch: number;
  /** Unix seconds from which on it can no longer be lifted; 0 where none stands. */
  readonly liftableUntil: number;
}

export interface ChainPractitioner {
  readonly accreditor: Address;
  /** Bit set. */
  readonly roles: number;
  readonly validFrom: number;
  readonly validUntil: number;
  readonly suspended: boolean;
  readonly epoch: number;
  /** The accreditor's epoch in which it vouched; the accreditation counts in no other. */
  readonly accreditorEpoch: number;
  /** Whether it counts now: the period runs, nobody has suspended it, and its accreditor is active in the epoch in which it vouched. */
  readonly counts: boolean;
}

const SLOT_IDENTITY = 0;
const NOBODY = `0x${'00'.repeat(20)}`;
const ALL_ROLES = 0xff;
/** What a contract answers that accepts a signature (ERC-1271): the selector and 28 zero bytes. */
const ACCEPTED = `0x1626ba7e${'00'.repeat(28)}`;
/** The longest signature that a contract is asked about, in bytes, and the gas of the question: a stranger's code runs on our node. */
const CONTRACT_SIGNATURE_BYTES_MAX = 4_096;
const CONTRACT_SIGNATURE_CALL_GAS = 21_000 + 40 * (CONTRACT_SIGNATURE_BYTES_MAX + 200) + 400_000;

const lower = (address: Address): Address => address.toLowerCase() as Address;

/** This device's clock, unix seconds. */
export const unixNow = (): number => Math.floor(Date.now() / 1000);

export class Chain {
  readonly rpc: Rpc;
  readonly deployment: Deployment;
  #verified: Promise<void> | null = null;

  constructor(rpc: Rpc, deployment: Deployment) {
    this.rpc = rpc;
    this.deployment = deployment;
  }

  /** The address of a contract. */
  addressOf(contract: ContractName): Address {
    return this.deployment.contracts[contract].address;
  }

  /** Chain id and record registry, as envelopes name them. */
  get envelopeContext(): EnvelopeContext {
    return { chainId: this.deployment.chainId, registry: this.addressOf('record_registry') };
  }

  /**
   * Checks, once, that the node is on the deployment's chain (id and first block), and that every contract has the code
   * that the deployment names. A node that did not answer is asked again the next time.
   *
   * @throws Failure `other_chain`, `other_code`, `rpc`.
   */
  verifyDeployment(): Promise<void> {
    this.#verified ??= this.#verify().catch((error: unknown) => {
      this.#verified = null;
      throw error;
    });
    return this.#verified;
  }

  async #verify(): Promise<void> {
    const [chainId, genesis] = await Promise.all([this.rpc('eth_chainId', []), this.#block(0n)]);
    if (Number(chainId) !== this.deployment.chainId) {
      throw new Failure('other_chain', { values: { chainId: this.deployment.chainId } });
    }
    if (genesis.hash.toLowerCase() !== this.deployment.genesisHash) {
      throw new Failure('other_chain', { values: { chainId: this.deployment.chainId } });
    }
    await Promise.all(
      Object.entries(this.deployment.contracts).map(async ([name, contract]) => {
        const code = await this.rpc('eth_getCode', [contract.address, 'latest']);
        if (typeof code !== 'string' || keccak256(code as Hex) !== contract.codeHash) {
          throw new Failure('other_code', { values: { contract: name } });
        }
      }),
    );
  }

  async #block(number: bigint | 'latest'): Promise<{ number: bigint; time: number; hash: string }> {
    const tag = number === 'latest' ? number : numberToHex(number);
    const block = (await this.rpc('eth_getBlockByNumber', [tag, false])) as Record<string, string> | null;
    const [hash, at, time] = [block?.['hash'], block?.['number'], block?.['timestamp']];
    if (hash === undefined || at === undefined || time === undefined) throw new Failure('rpc');
    return { hash, number: BigInt(at), time: Number(time) };
  }

  async head(): Promise<Block> {
    return this.#block('latest');
  }

  async blockTime(number: bigint): Promise<number> {
    return (await this.#block(number)).time;
  }

  /** The number of a block; `null` if the chain has none of that hash, such as after a reorganisation. */
  async blockNumberOf(hash: Hex): Promise<bigint | null> {
    const block = (await this.rpc('eth_getBlockByHash', [hash, false])) as { number?: unknown } | null;
    return typeof block?.number === 'string' ? BigInt(block.number) : null;
  }

  /** The newest block whose time is not after `time` (Unix seconds); the first one if all are later. */
  async blockAt(time: number): Promise<bigint> {
    let [low, high] = [0n, (await this.head()).number];
    while (low < high) {
      const middle = (low + high + 1n) / 2n;
      if ((await this.blockTime(middle)) <= time) low = middle;
      else high = middle - 1n;
    }
    return low;
  }

  /** The later of this device's clock and the newest block's time: what permissions are judged by. */
  async now(): Promise<number> {
    return Math.max((await this.head()).time, unixNow());
  }

  async #call<const A extends Abi, N extends ContractFunctionName<A, 'view'>>(
    address: Address,
    abi: A,
    functionName: N,
    args: ContractFunctionArgs<A, 'view', N>,
    limit: { readonly gas?: Hex } = {},
  ): Promise<ContractFunctionReturnType<A, 'view', N>> {
    const data = encodeFunctionData({ abi, functionName, args } as Parameters<typeof encodeFunctionData>[0]);
    const answer = await this.rpc('eth_call', [{ to: address, data, ...limit }, 'latest']);
    try {
      return decodeFunctionResult({ abi, functionName, data: answer as Hex } as Parameters<
        typeof decodeFunctionResult
      >[0]) as ContractFunctionReturnType<A, 'view', N>;
    } catch (error) {
      throw new Failure('rpc', { cause: error });
    }
  }

  /** The identity key of somebody; `null` if none was published. */
  async findKey(owner: Address): Promise<ChainKey | null> {
    const key = await this.#call(this.addressOf('key_registry'), keyRegistryAbi, 'keyOf', [owner, SLOT_IDENTITY]);
    return key.epoch === 0 ? null : { hash: key.hash, epoch: key.epoch, kem: key.kem };
  }

  /** A record; `null` if there is none. */
  async findRecord(record: Hex): Promise<ChainRecord | null> {
    const found = await this.#call(this.addressOf('record_registry'), recordRegistryAbi, 'recordOf', [record]);
    return found.status === 0 ? null : { ...found, patient: lower(found.patient) };
  }

  /** How often a record was tombstoned or opened again, and until when that can be lifted. */
  tombstone(record: Hex): Promise<ChainTombstone> {
    return this.#call(this.addressOf('record_registry'), recordRegistryAbi, 'tombstoneOf', [record]);
  }

  /** How long a tombstone can be lifted, in seconds. */
  liftPeriod(): Promise<number> {
    return this.#call(this.addressOf('record_registry'), recordRegistryAbi, 'LIFT_PERIOD', []);
  }

  /** @throws Failure `unknown_record`. */
  async record(record: Hex): Promise<ChainRecord> {
    const found = await this.findRecord(record);
    if (found === null) throw new Failure('unknown_record');
    return found;
  }

  /** The stored terms of a grant; all zero where none ever stood. */
  async terms(patient: Address, tag: Hex, kind: number, id: Hex): Promise<Terms> {
    return termsOf(await this.#call(this.addressOf('grant_registry'), grantRegistryAbi, 'termsOf', [patient, tag, kind, id]));
  }

  /** Raised by every RevokeAll. */
  patientEpoch(patient: Address): Promise<number> {
    return this.#call(this.addressOf('grant_registry'), grantRegistryAbi, 'patientEpochOf', [patient]);
  }

  /** The accreditation of somebody; `null` if nobody ever vouched. */
  async findPractitioner(address: Address): Promise<ChainPractitioner | null> {
    const found = await this.#call(this.addressOf('accreditation'), accreditationAbi, 'practitionerOf', [address]);
    if (found.accreditor === NOBODY) return null;
    const time = await this.now();
    const [counts] = await this.#call(this.addressOf('accreditation'), accreditationAbi, 'isAccredited', [address, ALL_ROLES, time]);
    return { ...found, accreditor: lower(found.accreditor), counts };
  }

  accreditorEpoch(address: Address): Promise<number> {
    return this.#call(this.addressOf('accreditation'), accreditationAbi, 'accreditorEpochOf', [address]);
  }

  isAccreditor(address: Address): Promise<boolean> {
    return this.#call(this.addressOf('accreditation'), accreditationAbi, 'isAccreditor', [address]);
  }

  async accreditationOwner(): Promise<Address> {
    return lower(await this.#call(this.addressOf('accreditation'), accreditationAbi, 'owner', []));
  }

  logHead(): Promise<Hex> {
    return this.#call(this.addressOf('access_log'), accessLogAbi, 'headOf', [this.deployment.operator]);
  }

  /** Whether a signed action was carried out, or given up. */
  isNonceUsed(contract: Address, signer: Address, nonce: bigint): Promise<boolean> {
    return this.#call(contract, signedActionsAbi, 'isNonceUsed', [signer, nonce]);
  }

  /** Whether `address` is a contract account. */
  async hasCode(address: Address): Promise<boolean> {
    const code = await this.rpc('eth_getCode', [address, 'latest']);
    return typeof code === 'string' && code !== '0x';
  }

  /**
   * Whether `signer` stands behind `signature` over `hash`, as the contracts judge it: a plain account's in its one form
   * (65 bytes, low s, v 27 or 28), or a contract's (ERC-1271).
   */
  async signedBy(signer: Address, hash: Hex, signature: Hex): Promise<boolean> {
    try {
      verifySignature(hash, signer, signature);
      return true;
    } catch (error) {
      if (!(error instanceof SignatureError)) throw error;
    }
    return this.acceptsSignature(signer, hash, signature);
  }

  /**
   * Whether `signer` is a contract that accepts `signature` over `hash` (ERC-1271); never true for a plain account, nor for one
   * that needs more gas than the server and the relayers give it.
   */
  async acceptsSignature(signer: Address, hash: Hex, signature: Hex): Promise<boolean> {
    if (!isHex(signature) || size(signature) > CONTRACT_SIGNATURE_BYTES_MAX || !(await this.hasCode(signer))) return false;
    const limit = { gas: numberToHex(CONTRACT_SIGNATURE_CALL_GAS) };
    try {
      return (await this.#call(signer, contractSignatureAbi, 'isValidSignature', [hash, signature], limit)) === ACCEPTED;
    } catch (error) {
      // A contract that reverts or answers something else does not accept.
      if (error instanceof Refused) return false;
      throw error;
    }
  }

  /** The same over a text (EIP-191). */
  signedMessageBy(signer: Address, text: string, signature: Hex): Promise<boolean> {
    return this.signedBy(signer, hashMessage(text), signature);
  }
}
