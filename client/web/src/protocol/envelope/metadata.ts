/**
 * The metadata before the content, as deterministic CBOR (RFC 8949, section 4.2.1).
 *
 * A map with these keys in this order, each at most once: 1 content length (uint) · 2 media type (text) · 3 file name (text) · 4 content
 * hash (32 bytes) · 5 created, Unix seconds (uint) · 6 FHIR resource type (text, optional) · 7 codes (array of [system, code], optional,
 * not empty) · 8 author (20 bytes, with 9) · 9 author's signature (bytes, with 8).
 */

import { type Bytes, utf8 } from '../bytes.ts';
import { ProtocolError } from '../error.ts';
import { type Address, addressBytes, fromHex, type Hex, isHex, toAddress, toHex } from '../hex.ts';
import { type CborValue, decodeCbor, encodeCbor } from './cbor.ts';
import { MAX_CONTENT_LEN, MAX_METADATA_LEN } from './layout.ts';

/** Maximum length of a file name in bytes of UTF-8. */
const MAX_FILE_NAME_LEN = 255;
const MAX_MEDIA_TYPE_LEN = 127;
const MAX_FHIR_TYPE_LEN = 64;
const MAX_CODES = 32;
const MAX_CODE_PART_LEN = 128;
const MAX_SIGNATURE_LEN = 4_096;

const MESSAGES = {
  content_length: 'the content is too long',
  media_type: 'the media type is not valid',
  file_name: 'the file name is not valid',
  content_hash: 'the content hash is not 32 bytes',
  created: 'the time of creation is out of range',
  fhir_type: 'the FHIR type is not valid',
  codes: 'the codes are not valid',
  signature: "the author's signature is not valid",
  too_long: 'the metadata are too long',
  encoding: 'the metadata are not deterministic CBOR',
} as const;

/** Names the metadata field that is out of range. The error never contains its value. */
export class MetadataError extends ProtocolError<keyof typeof MESSAGES> {
  constructor(code: keyof typeof MESSAGES) {
    super(code, MESSAGES[code]);
  }
}

/** A code from a terminology, such as LOINC. */
interface Coding {
  /** The URI of the terminology. */
  readonly system: string;
  /** The code in that terminology. */
  readonly code: string;
}

/** The claimed author of the content, and the author's signature (see `authorship.ts`). */
interface SignedBy {
  /** The author. */
  readonly author: Address;
  /** The signature over the EIP-712 message `Authorship`: 65 bytes, or a value that the author's contract accepts (ERC-1271). */
  readonly signature: Hex;
}

/** The description of a record version's content. All of it is personal data: it must not be logged or stored. */
export interface Metadata {
  /** Length of the content in bytes. */
  readonly contentLength: number;
  /** The media type of the content. */
  readonly mediaType: string;
  /** The file name to save it under; without a path. */
  readonly fileName: string;
  /** The content hash, see `ContentHasher`. */
  readonly contentHash: Hex;
  /** Time of creation in Unix seconds, as the author states it; up to 2^64 - 1. */
  readonly created: bigint;
  /** The FHIR resource type, if the content is one. */
  readonly fhirType: string | null;
  /** Codes for the subject of the content. */
  readonly codes: readonly Coding[];
  /** The author and the signature, if an author signed. */
  readonly signedBy: SignedBy | null;
}

/**
 * Checks every field and encodes the metadata.
 *
 * @throws MetadataError with the first field that is out of range.
 */
export function encodeMetadata(metadata: Metadata): Bytes {
  validate(metadata);
  const map = new Map<bigint, CborValue>([
    [1n, BigInt(metadata.contentLength)],
    [2n, metadata.mediaType],
    [3n, metadata.fileName],
    [4n, fromHex(metadata.contentHash, 32)],
    [5n, metadata.created],
  ]);
  if (metadata.fhirType !== null) map.set(6n, metadata.fhirType);
  if (metadata.codes.length > 0)
    map.set(
      7n,
      metadata.codes.map(({ system, code }) => [system, code]),
    );
  if (metadata.signedBy !== null) {
    map.set(8n, addressBytes(metadata.signedBy.author));
    map.set(9n, fromHex(metadata.signedBy.signature));
  }
  const bytes = encodeCbor(map);
  if (bytes.length > MAX_METADATA_LEN) throw new MetadataError('too_long');
  return bytes;
}

/**
 * Decodes metadata. Rejects every encoding other than the one that `encodeMetadata` returns.
 *
 * @throws MetadataError
 */
export function decodeMetadata(bytes: Bytes): Metadata {
  if (bytes.length > MAX_METADATA_LEN) throw new MetadataError('too_long');
  const metadata = fromCbor(decodeCbor(bytes));
  if (metadata === null) throw new MetadataError('encoding');
  // Encoding again must give the same bytes: shortest integers, definite lengths, sorted keys, nothing else in the map.
  const again = encodeMetadata(metadata);
  const isSame = again.length === bytes.length && again.every((byte, i) => byte === bytes[i]);
  if (!isSame) throw new MetadataError('encoding');
  return metadata;
}

/**
 * Returns whether a file name is allowed: it names one file in one folder on every system, and looks the same as it is written (no
 * direction marks, which show "gpj.exe" as "exe.jpg").
 */
export function isFileName(name: string): boolean {
  const length = utf8(name).length;
  return length >= 1 && length <= MAX_FILE_NAME_LEN && name !== '.' && name !== '..' && !FORBIDDEN_IN_NAME.test(name);
}

/** Separators, control characters, half surrogate pairs, and marks of text direction. */
const FORBIDDEN_IN_NAME = /[/\\\p{Cc}\p{Cs}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/u;

function validate(metadata: Metadata): void {
  const { contentLength, mediaType, fhirType, codes, created, contentHash, signedBy } = metadata;
  if (!Number.isSafeInteger(contentLength) || contentLength < 0 || contentLength > MAX_CONTENT_LEN) {
    throw new MetadataError('content_length');
  }
  const isMediaType = mediaType.length <= MAX_MEDIA_TYPE_LEN && /^[\x20-\x2e\x30-\x7e]+\/[\x20-\x7e]+$/.test(mediaType);
  if (!isMediaType) throw new MetadataError('media_type');
  if (!isFileName(metadata.fileName)) throw new MetadataError('file_name');
  if (!isHex(contentHash, 32)) throw new MetadataError('content_hash');
  if (created < 0n || created > 0xffff_ffff_ffff_ffffn) throw new MetadataError('created');
  if (fhirType !== null && (fhirType.length > MAX_FHIR_TYPE_LEN || !/^[A-Za-z0-9]+$/.test(fhirType))) {
    throw new MetadataError('fhir_type');
  }
  const isPart = (text: string): boolean => text.length <= MAX_CODE_PART_LEN && /^[\x21-\x7e]+$/.test(text);
  if (codes.length > MAX_CODES || !codes.every(({ system, code }) => isPart(system) && isPart(code))) {
    throw new MetadataError('codes');
  }
  if (signedBy !== null) {
    const length = isHex(signedBy.signature) ? signedBy.signature.length / 2 - 1 : 0;
    if (!isHex(signedBy.author, 20) || length < 1 || length > MAX_SIGNATURE_LEN) throw new MetadataError('signature');
  }
}

function fromCbor(value: CborValue | null): Metadata | null {
  if (!(value instanceof Map)) return null;
  const map = value as ReadonlyMap<bigint, CborValue>;
  const [length, mediaType, fileName, hash, created] = [1n, 2n, 3n, 4n, 5n].map((key) => map.get(key));
  const [fhirType, codes, author, signature] = [6n, 7n, 8n, 9n].map((key) => map.get(key));
  if (typeof length !== 'bigint' || length > BigInt(MAX_CONTENT_LEN) || typeof created !== 'bigint') return null;
  if (typeof mediaType !== 'string' || typeof fileName !== 'string') return null;
  if (!(hash instanceof Uint8Array) || hash.length !== 32) return null;
  if (fhirType !== undefined && typeof fhirType !== 'string') return null;
  const codings = codes === undefined ? [] : codingsOf(codes);
  const signedBy = signedByOf(author, signature);
  if (codings === null || signedBy === undefined) return null;
  return {
    contentLength: Number(length),
    mediaType,
    fileName,
    contentHash: toHex(hash),
    created,
    fhirType: fhirType ?? null,
    codes: codings,
    signedBy,
  };
}

function codingsOf(value: CborValue): Coding[] | null {
  if (!Array.isArray(value)) return null;
  const codings: Coding[] = [];
  for (const item of value as readonly CborValue[]) {
    if (!Array.isArray(item) || item.length !== 2) return null;
    const [system, code] = item as readonly CborValue[];
    if (typeof system !== 'string' || typeof code !== 'string') return null;
    codings.push({ system, code });
  }
  return codings;
}

/** Returns the author with the signature; `undefined` if only one of the two is there, or one has a wrong type. */
function signedByOf(author: CborValue | undefined, signature: CborValue | undefined): SignedBy | null | undefined {
  if (author === undefined && signature === undefined) return null;
  if (!(author instanceof Uint8Array) || author.length !== 20 || !(signature instanceof Uint8Array)) return undefined;
  return { author: toAddress(author), signature: toHex(signature) };
}
