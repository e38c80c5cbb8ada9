/** A person's unlocked keys: in memory only, wiped when the session locks. */
import type { Address } from 'viem';
import type { Chain } from '../chain/chain.ts';
import { keyEvents } from '../chain/events.ts';
import { Refused } from '../chain/rpc.ts';
import { Failure } from '../failure.ts';
import { identityKey, tagAndSalt, type IdentityKey, type PublicKey } from '../protocol/identity.ts';
import type { Salt, Tag } from '../protocol/ids.ts';
import { KeyEpochs } from '../protocol/key-epochs.ts';
import type { Right } from '../protocol/codes.ts';
import type { Seed } from '../protocol/secret.ts';

export class Keys {
  readonly owner: Address;
  readonly #epochs: KeyEpochs;
  readonly #seed: Seed;
  readonly #identities: Map<number, IdentityKey>;

  private constructor(owner: Address, epochs: KeyEpochs, seed: Seed, identities: Map<number, IdentityKey>) {
    this.owner = owner;
    this.#epochs = epochs;
    this.#seed = seed;
    this.#identities = identities;
  }

  /**
   * Compares a seed with every key that its owner has ever published. One signature that somebody was tricked into can publish
   * a key of somebody else, so a key that is not of this seed locks nobody out: {@link isReplaced} says it.
   */
  static async compared(chain: Chain, owner: Address, seed: Seed): Promise<Keys> {
    return Keys.#compared(chain, owner, seed, new Map());
  }

  static async #compared(chain: Chain, owner: Address, seed: Seed, identities: Map<number, IdentityKey>): Promise<Keys> {
    const newest = await chain.findKey(owner);
    const hashes = new Map((newest === null ? [] : await eventsOf(chain, owner)).map(({ epoch, hash }) => [epoch, hash]));
    // The node may have given up old events; the contract always has the newest hash.
    if (newest !== null) hashes.set(newest.epoch, newest.hash);
    const keys = new Keys(owner, KeyEpochs.NONE, seed, identities);
    return new Keys(
      owner,
      KeyEpochs.compare((number) => keys.#derived(number), hashes),
      seed,
      identities,
    );
  }

  /**
   * The same for a seed of which nothing but the chain says that it is the right one, such as that of typed words.
   *
   * @throws Failure `wrong_keys` if keys are published and none of them is of this seed; the seed is wiped then.
   */
  static async checked(chain: Chain, owner: Address, seed: Seed): Promise<Keys> {
    const keys = await Keys.compared(chain, owner, seed);
    if (keys.current > 0 && keys.epoch === 0) {
      keys.wipe();
      throw new Failure('wrong_keys');
    }
    return keys;
  }

  /** The same keys after one was published. */
  async refreshed(chain: Chain): Promise<Keys> {
    return Keys.#compared(chain, this.owner, this.#seed, this.#identities);
  }

  /** Epoch of the newest published key of this seed; 0 while there is none. What this person seals to themselves is sealed to it. */
  get epoch(): number {
    return this.own[0] ?? 0;
  }

  /** Epoch of the newest published key, whosever it is; 0 while there is none. */
  get current(): number {
    return this.#epochs.newest;
  }

  /** Epochs whose key is of this seed, newest first. */
  get own(): readonly number[] {
    return this.#epochs.own;
  }

  /** Epochs whose key is not of this seed, newest first: nothing that was sealed to them opens. */
  get foreign(): readonly number[] {
    return this.#epochs.foreign.toReversed();
  }

  /** Whether the key that others seal to now is somebody else's. */
  get isReplaced(): boolean {
    return this.#epochs.isNewestForeign;
  }

  /** The seed, for what derives from it; not a copy. */
  get seed(): Seed {
    return this.#seed;
  }

  /** The key that stands in an epoch; where none of the seed does, the one that would. */
  identityAt(epoch: number): IdentityKey {
    return this.#derived(this.#epochs.numberAt(epoch) ?? epoch);
  }

  #derived(epoch: number): IdentityKey {
    let key = this.#identities.get(epoch);
    if (key === undefined) {
      key = identityKey(this.#seed, epoch);
      this.#identities.set(epoch, key);
    }
    return key;
  }

  /**
   * To which this person seals what is for themselves: their newest published key, never somebody else's.
   *
   * @throws Failure `foreign_key` if the chain has only keys of others, `key_not_registered` if it has none.
   */
  get ownKey(): { readonly key: PublicKey; readonly epoch: number } {
    const { epoch } = this;
    if (epoch === 0) throw new Failure(this.current > 0 ? 'foreign_key' : 'key_not_registered');
    return { key: this.identityAt(epoch).publicKey, epoch };
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

/** Every published key; none when the node does not tell its past. */
async function eventsOf(chain: Chain, owner: Address): Promise<readonly { epoch: number; hash: `0x${string}` }[]> {
  try {
    return await keyEvents(chain, owner);
  } catch (error) {
    if (error instanceof Refused) return [];
    throw error;
  }
}
