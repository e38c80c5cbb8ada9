/** A person's unlocked keys: in memory only, wiped when the session locks. */
import type { Address } from 'viem';
import type { Chain } from '../chain/chain.ts';
import { Failure } from '../failure.ts';
import { identityKey, tagAndSalt, type IdentityKey } from '../protocol/identity.ts';
import type { Salt, Tag } from '../protocol/ids.ts';
import type { Right } from '../protocol/codes.ts';
import type { Seed } from '../protocol/secret.ts';

export class Keys {
  readonly owner: Address;
  /** Epoch of the published identity key; 0 while none is published. */
  readonly epoch: number;
  readonly #seed: Seed;
  readonly #identities = new Map<number, IdentityKey>();

  private constructor(owner: Address, epoch: number, seed: Seed) {
    this.owner = owner;
    this.epoch = epoch;
    this.#seed = seed;
  }

  /**
   * Compares a seed with the key that its owner has published.
   *
   * @throws Failure `wrong_keys`; the seed is wiped then.
   */
  static async checked(chain: Chain, owner: Address, seed: Seed): Promise<Keys> {
    const published = await chain.findKey(owner);
    const keys = new Keys(owner, published?.epoch ?? 0, seed);
    if (published !== null && !keys.identityAt(published.epoch).publicKey.hasHash(published.hash)) {
      keys.wipe();
      throw new Failure('wrong_keys');
    }
    return keys;
  }

  /** The same keys after one was published. */
  async refreshed(chain: Chain): Promise<Keys> {
    return Keys.checked(chain, this.owner, this.#seed);
  }

  /** The seed, for what derives from it; not a copy. */
  get seed(): Seed {
    return this.#seed;
  }

  /** The identity key of an epoch. */
  identityAt(epoch: number): IdentityKey {
    let key = this.#identities.get(epoch);
    if (key === undefined) {
      key = identityKey(this.#seed, epoch);
      this.#identities.set(epoch, key);
    }
    return key;
  }

  /** The tag of `grantee` for one right, with the salt that opens it. */
  tag(chain: Chain, grantee: Address, right: Right): { tag: Tag; salt: Salt } {
    return tagAndSalt(this.#seed, chain.deployment.chainId, chain.addressOf('grant_registry'), grantee, right);
  }

  /** Overwrites everything. */
  wipe(): void {
    this.#seed.wipe();
    for (const key of this.#identities.values()) key.wipe();
    this.#identities.clear();
  }
}
