/** EIP-712 messages: hashes a message of a known type, prepares it for a wallet, and converts it to and from the JSON of the API. */

import type { TypedDataParameter } from 'viem';
import { hashTypedData } from 'viem/utils';
import type { Domain } from './deployment.ts';
import { ProtocolError } from './error.ts';
import { type Hex, isHex } from './hex.ts';
import { exactFields, isUint } from './json-form.ts';

/** The struct types of a message, including its own type. */
export type Types = Readonly<Record<string, readonly TypedDataParameter[]>>;

/** The data that a wallet shows and signs. It fits viem's `signTypedData`. */
export interface TypedData {
  readonly domain: Domain;
  readonly types: Record<string, readonly TypedDataParameter[]>;
  readonly primaryType: string;
  readonly message: Record<string, unknown>;
}

/** Thrown if the JSON of a message does not have the message's type. */
class InvalidMessage extends ProtocolError<'message'> {
  constructor() {
    super('message', 'the message is not of its type');
  }
}

/** Makes the typed data of a message. */
export function typedData(domain: Domain, types: Types, primaryType: string, message: object): TypedData {
  return { domain, types: { ...types }, primaryType, message: { ...message } };
}

/** Returns `keccak256(0x1901 ‖ domain ‖ struct)`: the 32 bytes that are signed. */
export function signingHash(data: TypedData): Hex {
  return hashTypedData(data);
}

/**
 * Returns the message in the form that the API accepts: integers of up to 32 bits and of exactly 64 bits are JSON numbers, all others are
 * hex texts; addresses and bytes are hex in lower case.
 */
export function messageToJson(types: Types, primaryType: string, message: object): Record<string, unknown> {
  const fields = message as Record<string, unknown>;
  const entries = fieldsOf(types, primaryType).map(({ name, type }) => [name, toJson(types, type, fields[name])]);
  return Object.fromEntries(entries);
}

/**
 * Parses the JSON that `messageToJson` returns. A message must have exactly the fields of its type, each in range.
 *
 * @throws InvalidMessage
 */
export function messageFromJson(types: Types, primaryType: string, json: unknown): Record<string, unknown> {
  const fields = fieldsOf(types, primaryType);
  const values = exactFields(
    json,
    fields.map(({ name }) => name),
  );
  if (values === null) throw new InvalidMessage();
  return Object.fromEntries(fields.map(({ name, type }) => [name, fromJson(types, type, values[name])]));
}

function fieldsOf(types: Types, name: string): readonly TypedDataParameter[] {
  const fields = types[name];
  if (fields === undefined) throw new InvalidMessage();
  return fields;
}

function toJson(types: Types, type: string, value: unknown): unknown {
  if (type.endsWith('[]')) return (value as unknown[]).map((item) => toJson(types, type.slice(0, -2), item));
  if (type in types) return messageToJson(types, type, value as object);
  const bits = uintBits(type);
  if (bits === null) return type === 'string' ? value : (value as string).toLowerCase();
  return isJsonNumber(bits) ? Number(value) : `0x${BigInt(value as bigint | number).toString(16)}`;
}

function fromJson(types: Types, type: string, value: unknown): unknown {
  if (type.endsWith('[]')) {
    if (!Array.isArray(value)) throw new InvalidMessage();
    return value.map((item) => fromJson(types, type.slice(0, -2), item));
  }
  if (type in types) return messageFromJson(types, type, value);
  const bits = uintBits(type);
  if (bits !== null) return uintFromJson(bits, value);
  if (type === 'string' && typeof value === 'string') return value;
  const length = type === 'address' ? 20 : type === 'bytes32' ? 32 : undefined;
  if (type === 'string' || !isHex(value, length)) throw new InvalidMessage();
  return value.toLowerCase();
}

/** Parses an unsigned integer. In viem's types, integers of up to 48 bits are numbers and longer ones are bigints. */
function uintFromJson(bits: number, value: unknown): number | bigint {
  let integer: bigint;
  if (isUint(value)) integer = BigInt(value);
  else if (typeof value === 'string' && /^0x[0-9a-fA-F]{1,64}$/.test(value)) integer = BigInt(value);
  else throw new InvalidMessage();
  if (integer >= 1n << BigInt(bits)) throw new InvalidMessage();
  return bits <= 48 ? Number(integer) : integer;
}

function uintBits(type: string): number | null {
  const digits = /^uint(\d+)$/.exec(type)?.[1];
  return digits === undefined ? null : Number(digits);
}

/**
 * Returns whether an integer type is a number in JSON: it is, if Rust has a native integer of that size. Others (uint40, uint256) are hex.
 */
function isJsonNumber(bits: number): boolean {
  return bits === 8 || bits === 16 || bits === 32 || bits === 64;
}
