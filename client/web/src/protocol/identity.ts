/**
 * Key pairs and salts that derive from a person's seed.
 *
 * The curve arithmetic is that of `@noble/curves`, over `BigInt`. It is secure against attackers who see results, but not against those who
 * can measure time on the same machine. WebCrypto does not have secp256k1.
 */

import { secp256k1 } from '@noble/curves/secp256k1.js';
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { keccak256 } from 'viem/utils';
import { type Bytes, concat, u32, u64, u8 } from './bytes.ts';
import { type Right, RIGHTS } from './codes.ts';
import { ProtocolError } from './error.ts';
import { type Address, addressBytes, fromHex, type Hex, isHex, sameHex, toHex } from './hex.ts';
import { deriveScalar } from './hpke.ts';
import { type Salt, type Tag, tagOf } from './ids.ts';
import { expand, LABELS } from './kdf.ts';
import type { Seed } from './secret.ts';

/** Length of a public key: uncompressed SEC 1, `04 ‖ x ‖ y`. */
const PUBLIC_KEY_LEN = 65;

/** Thrown if the bytes are not a point of secp256k1 in uncompressed form. */
class InvalidPublicKey extends ProtocolError<'public_key'> {
  constructor() {
    super('public_key', 'not an uncompressed public key on secp256k1');
  }
}

/** A public encryption key: a point on secp256k1 other than infinity, uncompressed. It is checked when it is made. */
export class PublicKey {
  /** The 65 bytes. Do not change them. */
  readonly bytes: Bytes;

  private constructor(bytes: Bytes) {
    this.bytes = bytes;
  }

  /**
   * Parses 65 bytes and checks that the point is on the curve.
   *
   * @throws InvalidPublicKey for another length or form, or a point that is not on the curve.
   */
  static fromBytes(bytes: Uint8Array): PublicKey {
    if (bytes.length !== PUBLIC_KEY_LEN || bytes[0] !== 0x04) throw new InvalidPublicKey();
    const copy = new Uint8Array(bytes);
    try {
      secp256k1.Point.fromBytes(copy).assertValidity();
    } catch {
      throw new InvalidPublicKey();
    }
    return new PublicKey(copy);
  }

  /** Parses a public key from hex text. */
  static fromHex(text: string): PublicKey {
    if (!isHex(text, PUBLIC_KEY_LEN)) throw new InvalidPublicKey();
    return PublicKey.fromBytes(fromHex(text));
  }

  /** Returns the public key of a scalar in 1..n. */
  static ofScalar(scalar: Bytes): PublicKey {
    return new PublicKey(secp256k1.getPublicKey(scalar, false) as Bytes);
  }

  /** The 65 bytes as hex text. */
  get hex(): Hex {
    return toHex(this.bytes);
  }

  /** Returns the keccak256 of the 65 bytes, as `KeyRegistry` stores it. */
  hash(): Hex {
    return keccak256(this.bytes);
  }

  /** Returns whether this key has that hash. Check every key from a server in this way, with the hash from the chain. */
  hasHash(hash: Hex): boolean {
    return sameHex(this.hash(), hash);
  }
}

/** A private encryption key with its public half: an identity key or a category key. It is never a wallet's signing key. */
export class IdentityKey {
  readonly #scalar: Bytes;
  /** The public half. */
  readonly publicKey: PublicKey;

  /** `DeriveKeyPair(ikm)` of HPKE (RFC 9180, section 7.1.3) for KEM 0x0016; `ikm` is 32 uniform bytes. */
  constructor(ikm: Bytes) {
    this.#scalar = deriveScalar(ikm);
    this.publicKey = PublicKey.ofScalar(this.#scalar);
  }

  /** Returns the scalar, for use in `hpke.ts` only. It is not a copy. */
  exposeScalar(): Bytes {
    return this.#scalar;
  }

  /** Overwrites the scalar. */
  wipe(): void {
    this.#scalar.fill(0);
  }
}

/**
 * Returns the identity key of an epoch: `DeriveKeyPair(Expand(seed, "medlock/v1/identity-key\0" ‖ epoch u32))`. The first epoch is 1, as on
 * the chain.
 */
export function identityKey(seed: Seed, epoch: number): IdentityKey {
  const ikm = expand(seed.expose(), LABELS.identityKey, u32(epoch));
  const key = new IdentityKey(ikm);
  ikm.fill(0);
  return key;
}

/**
 * Returns the salt that opens the tag of `grantee` for one right: `HMAC-SHA-256(Expand(seed, "medlock/v1/tag-secret\0"), chain id ‖
 * GrantRegistry ‖ grantee ‖ right u8)`.
 */
function tagSalt(seed: Seed, chainId: number, grantRegistry: Address, grantee: Address, right: Right): Salt {
  const key = expand(seed.expose(), LABELS.tagSecret);
  const fields = [u64(chainId), addressBytes(grantRegistry), addressBytes(grantee), u8(RIGHTS.bit(right))];
  const salt = toHex(hmac(sha256, key, concat(...fields)));
  key.fill(0);
  return salt;
}

/** Returns the tag of `grantee` for one right, with the salt that opens it. */
export function tagAndSalt(seed: Seed, chainId: number, grantRegistry: Address, grantee: Address, right: Right): { tag: Tag; salt: Salt } {
  const salt = tagSalt(seed, chainId, grantRegistry, grantee, right);
  return { tag: tagOf(grantee, salt), salt };
}
