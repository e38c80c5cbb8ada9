/** The chain as this device reads it. The server's data is compared with it: deployment, keys, records, grants, log. */
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
  /** Counts from 1. */
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
  /** The first uploader warns not to rely on the versions up to this one; 0 for none. */
  readonly retracted: number;
  readonly created: number;
}

interface ChainTombstone {
  /** Number of times that the record was tombstoned or lifted. */
  readonly epoch: number;
  /** Unix seconds from which the tombstone can no longer be lifted; 0 if there is no tombstone. */
  readonly liftableUntil: number;
}

export interface ChainPractitioner {
  readonly accreditor: Address;
  /** Roles as a set of bits. */
  readonly roles: number;
  readonly validFrom: number;
  readonly validUntil: number;
  readonly suspended: boolean;
  readonly epoch: number;
  /** The accreditor's epoch at the time of the accreditation. The accreditation counts in no other epoch. */
  readonly accreditorEpoch: number;
  /**
   * True if the accreditation counts now: its period is running, nobody has suspended it, and its accreditor is active in the epoch in
   * which it accredited.
   */
  readonly counts: boolean;
}

const SLOT_IDENTITY = 0;
const NOBODY = `0x${'00'.repeat(20)}`;
const ALL_ROLES = 0xff;
/** The answer of a contract that accepts a signature (ERC-1271): the selector and 28 zero bytes. */
const ACCEPTED = `0x1626ba7e${'00'.repeat(28)}`;
/**
 * The longest signature, in bytes, that a contract is asked about, and the gas for the call. Both are limited because a stranger's code
 * runs on our node.
 */
const CONTRACT_SIGNATURE_BYTES_MAX = 4_096;
const CONTRACT_SIGNATURE_CALL_GAS = 21_000 + 40 * (CONTRACT_SIGNATURE_BYTES_MAX + 200) + 400_000;

const lower = (address: Address): Address => address.toLowerCase() as Address;

/** Returns the time of this device's clock in Unix seconds. */
export const unixNow = (): number => Math.floor(Date.now() / 1000);

export class Chain {
  readonly rpc: Rpc;
  readonly deployment: Deployment;
  #verified: Promise<void> | null = null;

  constructor(rpc: Rpc, deployment: Deployment) {
    this.rpc = rpc;
    this.deployment = deployment;
  }

  /** Returns the address of a contract. */
  addressOf(contract: ContractName): Address {
    return this.deployment.contracts[contract].address;
  }

  /** Chain id and record registry, as envelopes state them. */
  get envelopeContext(): EnvelopeContext {
    return { chainId: this.deployment.chainId, registry: this.addressOf('record_registry') };
  }

  /**
   * Checks, once, that the node is on the deployment's chain (id and first block), and that every contract has the code that the deployment
   * names. If a node did not answer, it is asked again the next time.
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

  /** Returns the number of a block; `null` if the chain has no block with that hash, for example after a reorganisation. */
  async blockNumberOf(hash: Hex): Promise<bigint | null> {
    const block = (await this.rpc('eth_getBlockByHash', [hash, false])) as { number?: unknown } | null;
    return typeof block?.number === 'string' ? BigInt(block.number) : null;
  }

  /** Returns the number of the newest block whose time is not after `time` (Unix seconds); the first block if all are later. */
  async blockAt(time: number): Promise<bigint> {
    let [low, high] = [0n, (await this.head()).number];
    while (low < high) {
      const middle = (low + high + 1n) / 2n;
      if ((await this.blockTime(middle)) <= time) low = middle;
      else high = middle - 1n;
    }
    return low;
  }

  /** Returns the later of this device's clock and the newest block's time. Permissions are judged by this time. */
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

  /** Returns the identity key of a person; `null` if none was published. */
  async findKey(owner: Address): Promise<ChainKey | null> {
    const key = await this.#call(this.addressOf('key_registry'), keyRegistryAbi, 'keyOf', [owner, SLOT_IDENTITY]);
    return key.epoch === 0 ? null : { hash: key.hash, epoch: key.epoch, kem: key.kem };
  }

  /** Returns a record; `null` if there is none. */
  async findRecord(record: Hex): Promise<ChainRecord | null> {
    const found = await this.#call(this.addressOf('record_registry'), recordRegistryAbi, 'recordOf', [record]);
    return found.status === 0 ? null : { ...found, patient: lower(found.patient) };
  }

  /** Returns how often a record was tombstoned or lifted, and until when its tombstone can be lifted. */
  tombstone(record: Hex): Promise<ChainTombstone> {
    return this.#call(this.addressOf('record_registry'), recordRegistryAbi, 'tombstoneOf', [record]);
  }

  /** Returns the seconds during which a tombstone can be lifted. */
  liftPeriod(): Promise<number> {
    return this.#call(this.addressOf('record_registry'), recordRegistryAbi, 'LIFT_PERIOD', []);
  }

  /** Returns a record. @throws Failure `unknown_record`. */
  async record(record: Hex): Promise<ChainRecord> {
    const found = await this.findRecord(record);
    if (found === null) throw new Failure('unknown_record');
    return found;
  }

  /** Returns the stored terms of a grant; all zero if there was never a grant. */
  async terms(patient: Address, tag: Hex, kind: number, id: Hex): Promise<Terms> {
    return termsOf(await this.#call(this.addressOf('grant_registry'), grantRegistryAbi, 'termsOf', [patient, tag, kind, id]));
  }

  /** Returns the epoch of a patient. Every RevokeAll raises it. */
  patientEpoch(patient: Address): Promise<number> {
    return this.#call(this.addressOf('grant_registry'), grantRegistryAbi, 'patientEpochOf', [patient]);
  }

  /** Returns the accreditation of a person; `null` if nobody ever accredited them. */
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

  /** Returns whether the nonce of a signed action is used up: the action was carried out or cancelled. */
  isNonceUsed(contract: Address, signer: Address, nonce: bigint): Promise<boolean> {
    return this.#call(contract, signedActionsAbi, 'isNonceUsed', [signer, nonce]);
  }

  /** Returns whether `address` is a contract account. */
  async hasCode(address: Address): Promise<boolean> {
    const code = await this.rpc('eth_getCode', [address, 'latest']);
    return typeof code === 'string' && code !== '0x';
  }

  /**
   * Checks whether `signer` gave `signature` over `hash`, as the contracts judge it: the signature of a plain account in its only valid
   * form (65 bytes, low s, v 27 or 28), or that of a contract (ERC-1271).
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
   * Returns whether `signer` is a contract that accepts `signature` over `hash` (ERC-1271). False for a plain account, and for a contract
   * that needs more gas than the server and the relayers give it.
   */
  async acceptsSignature(signer: Address, hash: Hex, signature: Hex): Promise<boolean> {
    if (!isHex(signature) || size(signature) > CONTRACT_SIGNATURE_BYTES_MAX || !(await this.hasCode(signer))) return false;
    const limit = { gas: numberToHex(CONTRACT_SIGNATURE_CALL_GAS) };
    try {
      return (await this.#call(signer, contractSignatureAbi, 'isValidSignature', [hash, signature], limit)) === ACCEPTED;
    } catch (error) {
      // A contract that reverts or gives another answer does not accept.
      if (error instanceof Refused) return false;
      throw error;
    }
  }

  /** Checks a signature over a text (EIP-191), like `signedBy`. */
  signedMessageBy(signer: Address, text: string, signature: Hex): Promise<boolean> {
    return this.signedBy(signer, hashMessage(text), signature);
  }
}
