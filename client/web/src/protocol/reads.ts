/** Reads: the signed request to open a record, the log leaf that is made from it, and the operator's receipt. */

import { type Bytes, concat, u16, u32, u64, utf8 } from './bytes.ts';
import { type Purpose, PURPOSES } from './codes.ts';
import { type Deployment, domainOf } from './deployment.ts';
import { type Address, addressBytes, fromHex, type Hex, sameHex } from './hex.ts';
import { type LeafHash, type RecordId, type Salt, type Tag, tagOf } from './ids.ts';
import { leafHash } from './log.ts';
import { SignatureError, verifySignature } from './signature.ts';
import { messageFromJson, signingHash, typedData } from './typed-data.ts';

/** The maximum time for which a read request is valid, in seconds. */
export const READ_REQUEST_SECONDS_MAX = 60;
/** The maximum time in seconds between `time` of a leaf and the time by which it is promised to be on the chain. */
export const ANCHOR_SECONDS_MAX = 300;
const REQUEST_LABEL = utf8('medlock/v1/read-request');
const LEAF_LABEL = utf8('medlock/v1/log-leaf');

/** A request to open one version of a record. The session key signs `readRequestBytes`. */
export interface ReadRequest {
  /** The SHA-256 of the session's login message. */
  readonly loginHash: Hex;
  /** The record. */
  readonly record: RecordId;
  /** The version, counted from 1. */
  readonly version: number;
  /** The purpose of the read. */
  readonly purpose: Purpose;
  /** The reader: the session's address. */
  readonly grantee: Address;
  /** The salt that opens the reader's READ tag. */
  readonly salt: Salt;
  /** 32 random bytes; unique in the session. */
  readonly nonce: Hex;
  /** Unix seconds; at most `READ_REQUEST_SECONDS_MAX` from now. */
  readonly deadline: number;
}

/**
 * Returns the signed bytes: label ‖ chain id u64 ‖ RecordRegistry ‖ operator ‖ login hash ‖ record ‖ version u16 ‖ purpose u16 ‖ grantee ‖
 * salt ‖ nonce ‖ deadline u64.
 */
export function readRequestBytes(request: ReadRequest, deployment: Deployment): Bytes {
  return concat(
    REQUEST_LABEL,
    u64(deployment.chainId),
    addressBytes(deployment.contracts.record_registry.address),
    addressBytes(deployment.operator),
    fromHex(request.loginHash, 32),
    fromHex(request.record, 32),
    u16(request.version),
    u16(PURPOSES.bit(request.purpose)),
    addressBytes(request.grantee),
    fromHex(request.salt, 32),
    fromHex(request.nonce, 32),
    u64(request.deadline),
  );
}

/** Returns the JSON of a read request, as the API accepts it. */
export function readRequestToJson(request: ReadRequest): {
  login_hash: Hex;
  record: Hex;
  version: number;
  purpose: Purpose;
  grantee: Hex;
  salt: Hex;
  nonce: Hex;
  deadline: number;
} {
  const { loginHash, record, version, purpose, grantee, salt, nonce, deadline } = request;
  return { login_hash: loginHash, record, version, purpose, grantee, salt, nonce, deadline };
}

/** Returns the tag that grantee and salt open. */
export function readRequestTag(request: ReadRequest): Tag {
  return tagOf(request.grantee, request.salt);
}

/** The operator's record of one read. It proves who requested which version, when, and that it was allowed. */
export interface Leaf {
  /** The signed request. */
  readonly request: ReadRequest;
  /** 64 bytes r ‖ s, made with the session key. */
  readonly signature: Hex;
  /** The login message that names the session key. */
  readonly loginMessage: string;
  /** The wallet's signature over the login message. */
  readonly loginSignature: Hex;
  /** The block for which the permission was checked. */
  readonly blockHash: Hex;
  /** Unix seconds: the later of the operator's clock and that block's time. */
  readonly time: number;
  /** Unix seconds: the time by which the leaf is on the chain. At most `ANCHOR_SECONDS_MAX` after `time`. */
  readonly anchorBy: number;
  /** 32 random bytes, so that the leaf hash reveals nothing about the content of the leaf. */
  readonly blinding: Hex;
}

/**
 * Returns the leaf's bytes: label ‖ signed request ‖ (length u32 ‖ bytes) of signature, login message and login signature ‖ block hash ‖
 * time u64 ‖ anchorBy u64 ‖ blinding.
 */
export function leafBytes(leaf: Leaf, deployment: Deployment): Bytes {
  const parts = [fromHex(leaf.signature), utf8(leaf.loginMessage), fromHex(leaf.loginSignature)];
  return concat(
    LEAF_LABEL,
    readRequestBytes(leaf.request, deployment),
    ...parts.flatMap((part) => [u32(part.length), part]),
    fromHex(leaf.blockHash, 32),
    u64(leaf.time),
    u64(leaf.anchorBy),
    fromHex(leaf.blinding, 32),
  );
}

/** Returns whether `anchorBy` is after `time` and not later than allowed. */
export function isPromisedInTime({ time, anchorBy }: Pick<Leaf, 'time' | 'anchorBy'>): boolean {
  return time < anchorBy && anchorBy <= time + ANCHOR_SECONDS_MAX;
}

/** Returns SHA-256(0x00 ‖ leaf bytes). `Accessed` has the same hash, if the operator shows the true leaf. */
export function hashOfLeaf(leaf: Leaf, deployment: Deployment): LeafHash {
  return leafHash(leafBytes(leaf, deployment));
}

/**
 * The operator's promise that a leaf is in its log and is anchored on the chain at `anchorBy` (Unix seconds), which is also in the leaf.
 */
export interface ReadReceipt {
  readonly operator: Address;
  readonly leaf: LeafHash;
  readonly record: RecordId;
  readonly version: number;
  readonly anchorBy: bigint;
}

const RECEIPT_TYPES = {
  ReadReceipt: [
    { name: 'operator', type: 'address' },
    { name: 'leaf', type: 'bytes32' },
    { name: 'record', type: 'bytes32' },
    { name: 'version', type: 'uint16' },
    { name: 'anchorBy', type: 'uint64' },
  ],
} as const;

/**
 * Parses a receipt from the JSON of the API.
 *
 * @throws InvalidMessage
 */
export function receiptFromJson(json: unknown): ReadReceipt {
  return messageFromJson(RECEIPT_TYPES, 'ReadReceipt', json) as unknown as ReadReceipt;
}

/**
 * Checks that the deployment's operator signed this receipt for this record version.
 *
 * @throws SignatureError `wrong_signer` also for a receipt of another operator, record or version.
 */
export function verifyReceipt(
  receipt: ReadReceipt,
  signature: Hex,
  deployment: Deployment,
  of: { readonly record: RecordId; readonly version: number },
): void {
  const isForThis = sameHex(receipt.operator, deployment.operator) && sameHex(receipt.record, of.record) && receipt.version === of.version;
  if (!isForThis) throw new SignatureError('wrong_signer');
  const data = typedData(domainOf(deployment, 'access_log'), RECEIPT_TYPES, 'ReadReceipt', receipt);
  verifySignature(signingHash(data), deployment.operator, signature);
}
