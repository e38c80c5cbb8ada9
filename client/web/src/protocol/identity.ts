/** Key pairs and salts that derive from a person's seed. */

import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { concat, u16, u32, u64, u8 } from './bytes.ts';
import { CATEGORIES, type Category, type Right, RIGHTS } from './codes.ts';
import { type Address, addressBytes, toHex } from './hex.ts';
import { type Salt, type Tag, tagOf } from './ids.ts';
import { expand, LABELS } from './kdf.ts';
import { CategoryKey } from './kem/secp256k1.ts';
import { IdentityKey } from './key-pair.ts';
import type { Seed } from './secret.ts';

/**
 * Returns the identity key of an epoch. Its private key is `Expand(seed, "medlock/v1/identity-key\0" ‖ epoch u32)`. The first epoch is 1, as
 * on the chain.
 */
export function identityKey(seed: Seed, epoch: number): IdentityKey {
  return new IdentityKey(expand(seed.expose(), LABELS.identityKey, u32(epoch)));
}

/**
 * Returns the key pair of a category and epoch: `DeriveKeyPair(Expand(seed, "medlock/v1/category-key\0" ‖ category u16 ‖ epoch u32))`.
 * Reserved: the app does not use categories' keys yet.
 */
export function categoryKey(seed: Seed, category: Category, epoch: number): CategoryKey {
  const ikm = expand(seed.expose(), LABELS.categoryKey, u16(CATEGORIES.code(category)), u32(epoch));
  const key = new CategoryKey(ikm);
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
