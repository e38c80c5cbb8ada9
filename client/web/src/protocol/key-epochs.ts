/**
 * Which of the identity keys that the chain has of a person are of their seed (SPEC, section 2, key epochs). Mirrors
 * `protocol/src/key_epochs.rs`.
 *
 * One signature out of a wallet registers a key in its name, and nothing takes it off the chain again. So a seed is compared with
 * every epoch, and one foreign key locks nobody out.
 */
import type { Hex } from './hex.ts';
import type { IdentityKey } from './identity.ts';

export class KeyEpochs {
  /** Of somebody for whom nothing is registered. */
  static readonly NONE = new KeyEpochs(0, new Map(), []);

  /** The newest epoch on chain; 0 while no key is registered. */
  readonly newest: number;
  /** Epochs whose key is of the seed, newest first, each with its number: an own key may be registered again. */
  readonly #own: ReadonlyMap<number, number>;
  /** Every epoch whose key is not of the seed, ascending. */
  readonly foreign: readonly number[];

  private constructor(newest: number, own: ReadonlyMap<number, number>, foreign: readonly number[]) {
    this.newest = newest;
    this.#own = own;
    this.foreign = foreign;
  }

  /** Compares a seed, of which `derive` gives the keys, with what the chain has: each epoch with the hash of its key. */
  static compare(derive: (number: number) => IdentityKey, registered: ReadonlyMap<number, Hex>): KeyEpochs {
    const told = [...registered.keys()].sort((one, other) => other - one);
    const own = new Map<number, number>();
    const foreign: number[] = [];
    for (const epoch of told) {
      const hash = registered.get(epoch) as Hex;
      // Its own number first: that is the rule, and another one the exception.
      const number = [epoch, ...told].find((one) => derive(one).publicKey.hasHash(hash));
      if (number === undefined) foreign.unshift(epoch);
      else own.set(epoch, number);
    }
    return new KeyEpochs(told[0] ?? 0, own, foreign);
  }

  /** Every epoch whose key is of the seed, the newest first. */
  get own(): readonly number[] {
    return [...this.#own.keys()];
  }

  /** What others seal to now is not of the seed. */
  get isNewestForeign(): boolean {
    return this.newest > 0 && this.newest !== this.own[0];
  }

  /**
   * The number of the key that opens something that is bound to an epoch; `null` for a foreign one. An epoch of which nothing was
   * told is taken for the seed's own.
   */
  numberAt(epoch: number): number | null {
    const number = this.#own.get(epoch);
    if (number !== undefined) return number;
    return this.foreign.includes(epoch) ? null : epoch;
  }
}
