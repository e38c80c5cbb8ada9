/**
 * The part of CBOR (RFC 8949) that metadata need: unsigned integers, texts, bytes, arrays, and maps with integer keys.
 *
 * The decoder accepts definite lengths only. It does not check that integers have their shortest form and that keys ascend: its caller
 * encodes the result again and compares.
 */

import { type Bytes, concat, fromUtf8, u16, u32, u64, utf8 } from '../bytes.ts';

/** A value. */
export type CborValue = bigint | string | Bytes | readonly CborValue[] | CborMap;
/** A map. A JavaScript object could not keep integer keys in order. */
type CborMap = ReadonlyMap<bigint, CborValue>;

const UINT = 0;
const BYTES = 2;
const TEXT = 3;
const ARRAY = 4;
const MAP = 5;
/** The maximum depth. Metadata are never deeper (a map of arrays of arrays). It limits the recursion on hostile input. */
const DEPTH_MAX = 4;

/** Encodes a value: integers and lengths in their shortest form, map entries in the given order. */
export function encodeCbor(value: CborValue): Bytes {
  if (typeof value === 'bigint') return head(UINT, value);
  if (typeof value === 'string') {
    const bytes = utf8(value);
    return concat(head(TEXT, BigInt(bytes.length)), bytes);
  }
  if (value instanceof Uint8Array) return concat(head(BYTES, BigInt(value.length)), value);
  if (value instanceof Map) {
    const entries = [...(value as CborMap)].flatMap(([key, inner]) => [encodeCbor(key), encodeCbor(inner)]);
    return concat(head(MAP, BigInt(value.size)), ...entries);
  }
  const items = value as readonly CborValue[];
  return concat(head(ARRAY, BigInt(items.length)), ...items.map(encodeCbor));
}

/** Decodes one value that fills the bytes exactly. Returns `null` for anything else, and for other kinds of values. */
export function decodeCbor(bytes: Bytes): CborValue | null {
  const reader = new Reader(bytes);
  const value = reader.value(DEPTH_MAX);
  return reader.isAtEnd ? value : null;
}

function head(major: number, argument: bigint): Bytes {
  const type = major << 5;
  if (argument < 24n) return Uint8Array.of(type | Number(argument));
  if (argument <= 0xffn) return Uint8Array.of(type | 24, Number(argument));
  if (argument <= 0xffffn) return concat(Uint8Array.of(type | 25), u16(Number(argument)));
  if (argument <= 0xffff_ffffn) return concat(Uint8Array.of(type | 26), u32(Number(argument)));
  return concat(Uint8Array.of(type | 27), u64(argument));
}

class Reader {
  readonly #bytes: Bytes;
  #at = 0;

  constructor(bytes: Bytes) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  value(depth: number): CborValue | null {
    const first = this.#take(1)?.[0];
    if (first === undefined || depth === 0) return null;
    const argument = this.#argument(first & 0x1f);
    if (argument === null) return null;
    switch (first >> 5) {
      case UINT:
        return argument;
      case BYTES:
        return this.#take(Number(argument));
      case TEXT: {
        const text = this.#take(Number(argument));
        return text === null ? null : fromUtf8(text);
      }
      case ARRAY:
        return this.#array(argument, depth);
      case MAP:
        return this.#map(argument, depth);
      default:
        return null;
    }
  }

  #array(length: bigint, depth: number): readonly CborValue[] | null {
    const items: CborValue[] = [];
    for (let i = 0n; i < length; i++) {
      const item = this.value(depth - 1);
      if (item === null) return null;
      items.push(item);
    }
    return items;
  }

  #map(length: bigint, depth: number): CborMap | null {
    const map = new Map<bigint, CborValue>();
    for (let i = 0n; i < length; i++) {
      const key = this.value(depth - 1);
      const value = typeof key === 'bigint' && !map.has(key) ? this.value(depth - 1) : null;
      if (value === null) return null;
      map.set(key as bigint, value);
    }
    return map;
  }

  #argument(info: number): bigint | null {
    if (info < 24) return BigInt(info);
    if (info > 27) return null;
    const bytes = this.#take(1 << (info - 24));
    return bytes === null ? null : bytes.reduce((value, byte) => (value << 8n) | BigInt(byte), 0n);
  }

  #take(length: number): Bytes | null {
    if (length > this.#bytes.length - this.#at) return null;
    const taken = this.#bytes.slice(this.#at, this.#at + length);
    this.#at += length;
    return taken;
  }
}
