/** The message that an author signs over the content of a record version. It is inside the envelope, so only readers see it. */

import { domainAt } from './deployment.ts';
import type { EnvelopeContext } from './envelope/header.ts';
import type { Metadata } from './envelope/metadata.ts';
import type { Address, Hex } from './hex.ts';
import type { RecordId } from './ids.ts';
import { SignatureError, verifySignature } from './signature.ts';
import { signingHash, type TypedData, typedData } from './typed-data.ts';

/** States that `author` wrote the content with this hash as this version of this record. */
interface Authorship {
  readonly record: RecordId;
  readonly version: number;
  readonly author: Address;
  readonly contentHash: Hex;
  /** Unix seconds. */
  readonly created: bigint;
}

const TYPES = {
  Authorship: [
    { name: 'record', type: 'bytes32' },
    { name: 'version', type: 'uint16' },
    { name: 'author', type: 'address' },
    { name: 'contentHash', type: 'bytes32' },
    { name: 'created', type: 'uint64' },
  ],
} as const;

/**
 * The result of checking who wrote a record version.
 *
 * - `unsigned`: nobody signed.
 * - `signed`: the author's own key signed.
 * - `ask_contract`: the signature is not a plain one of the author's key. If the author is a contract, ask it (ERC-1271) about `hash`.
 *   Otherwise the signature is forged, and a client must not name an author.
 */
type AuthorshipProof =
  | { readonly kind: 'unsigned' }
  | { readonly kind: 'signed'; readonly author: Address }
  | { readonly kind: 'ask_contract'; readonly author: Address; readonly hash: Hex; readonly signature: Hex };

/** Returns the message that the author's wallet shows and signs. */
export function authorshipTypedData(context: EnvelopeContext, message: Authorship): TypedData {
  return typedData(domainAt(context.chainId, context.registry), TYPES, 'Authorship', message);
}

/** Returns the EIP-712 hash that the author signs. */
export function authorshipHash(context: EnvelopeContext, message: Authorship): Hex {
  return signingHash(authorshipTypedData(context, message));
}

/** Checks the author's claim in the metadata of an opened envelope. */
export function verifyAuthorship(context: EnvelopeContext, record: RecordId, version: number, metadata: Metadata): AuthorshipProof {
  if (metadata.signedBy === null) return { kind: 'unsigned' };
  const { author, signature } = metadata.signedBy;
  const { contentHash, created } = metadata;
  const hash = authorshipHash(context, { record, version, author, contentHash, created });
  try {
    verifySignature(hash, author, signature);
    return { kind: 'signed', author };
  } catch (error) {
    if (!(error instanceof SignatureError)) throw error;
    return { kind: 'ask_contract', author, hash, signature };
  }
}
