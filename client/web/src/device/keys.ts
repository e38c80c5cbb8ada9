/** A person's unlocked keys. They exist in memory only and are wiped when the session locks. */
import type { Address } from 'viem';
import type { Chain } from '../chain/chain.ts';
import { keyEvents } from '../chain/events.ts';
import { Refused } from '../chain/rpc.ts';
import { Failure } from '../failure.ts';
import { identityKey, tagAndSalt } from '../protocol/identity.ts';
import type { Salt, Tag } from '../protocol/ids.ts';
import { KeyEpochs } from '../protocol/key-epochs.ts';
import type { IdentityKey, PublicKey } from '../protocol/key-pair.ts';
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
   * Compares a seed with every key that its owner has ever published. A person who was tricked into one signature may have published
   * somebody else's key. Therefore a key that does not belong to this seed does not lock the person out; {@link isReplaced} reports it.
   */
  static async compared(chain: Chain, owner: Address, seed: Seed): Promise<Keys> {
    return Keys.#compared(chain, owner, seed, new Map());
  }

  static async #compared(chain: Chain, owner: Address, seed: Seed, identities: Map<number, IdentityKey>): Promise<Keys> {
    const newest = await chain.findKey(owner);
    const hashes = new Map((newest === null ? [] : await eventsOf(chain, owner)).map(({ epoch, hash }) => [epoch, hash]));
    // The node may no longer have old events; the contract always has the newest hash.
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
   * Like `compared`, for a seed that only the chain can confirm, such as one from typed words.
   *
   * @throws Failure `wrong_keys` if keys are published and none of them belongs to this seed; the seed is then wiped.
   */
  static async checked(chain: Chain, owner: Address, seed: Seed): Promise<Keys> {
    const keys = await Keys.compared(chain, owner, seed);
    if (keys.current > 0 && keys.epoch === 0) {
      keys.wipe();
      throw new Failure('wrong_keys');
    }
    return keys;
  }

  /** Returns the same keys, compared with the chain again after a key was published. */
  async refreshed(chain: Chain): Promise<Keys> {
    return Keys.#compared(chain, this.owner, this.#seed, this.#identities);
  }

  /**
   * Epoch of the newest published key of this seed; 0 if there is none. Everything that this person seals to themselves is sealed to that
   * key.
   */
  get epoch(): number {
    return this.own[0] ?? 0;
  }

  /** Epoch of the newest published key, whoever it belongs to; 0 if there is none. */
  get current(): number {
    return this.#epochs.newest;
  }

  /** Epochs whose key belongs to this seed, newest first. */
  get own(): readonly number[] {
    return this.#epochs.own;
  }

  /** Epochs whose key does not belong to this seed, newest first. Nothing that was sealed to those keys can be opened. */
  get foreign(): readonly number[] {
    return this.#epochs.foreign.toReversed();
  }

  /** True if other people now seal to a key that is not this person's. */
  get isReplaced(): boolean {
    return this.#epochs.isNewestForeign;
  }

  /** The seed, for key derivation. It is not a copy. */
  get seed(): Seed {
    return this.#seed;
  }

  /** Returns this seed's key that is published in an epoch; if there is none, the key that this seed would have in that epoch. */
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
   * The key to which this person seals data for themselves: their newest published key, never somebody else's.
   *
   * @throws Failure `foreign_key` if the chain has only keys of others, `key_not_registered` if it has none.
   */
  get ownKey(): { readonly key: PublicKey; readonly epoch: number } {
    const { epoch } = this;
    if (epoch === 0) throw new Failure(this.current > 0 ? 'foreign_key' : 'key_not_registered');
    return { key: this.identityAt(epoch).publicKey, epoch };
  }

  /** Returns the tag of `grantee` for one right, with the salt that opens it. */
  tag(chain: Chain, grantee: Address, right: Right): { tag: Tag; salt: Salt } {
    return tagAndSalt(this.#seed, chain.deployment.chainId, chain.addressOf('grant_registry'), grantee, right);
  }

  /** Overwrites all keys. */
  wipe(): void {
    this.#seed.wipe();
    for (const key of this.#identities.values()) key.wipe();
    this.#identities.clear();
  }
}

/** Returns every published key; an empty list if the node does not return old events. */
async function eventsOf(chain: Chain, owner: Address): Promise<readonly { epoch: number; hash: `0x${string}` }[]> {
  try {
    return await keyEvents(chain, owner);
  } catch (error) {
    if (error instanceof Refused) return [];
    throw error;
  }
}
