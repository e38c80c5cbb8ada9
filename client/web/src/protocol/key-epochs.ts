/**
 * Finds out which of a person's identity keys on the chain belong to the person's seed (SPEC, section 2, key epochs). Mirrors
 * `protocol/src/key_epochs.rs`.
 *
 * A single signature by a wallet registers a key in its name, and nothing can remove that key from the chain. Therefore a seed is compared
 * with every epoch, and a foreign key does not lock the person out.
 */
import type { Hex } from './hex.ts';
import type { IdentityKey } from './key-pair.ts';

export class KeyEpochs {
  /** The value for a person who has no registered key. */
  static readonly NONE = new KeyEpochs(0, new Map(), []);

  /** The newest epoch on the chain; 0 if no key is registered. */
  readonly newest: number;
  /**
   * Epochs whose key belongs to the seed, newest first. Each has the number from which its key derives, because an own key may be
   * registered again.
   */
  readonly #own: ReadonlyMap<number, number>;
  /** Every epoch whose key does not belong to the seed, ascending. */
  readonly foreign: readonly number[];

  private constructor(newest: number, own: ReadonlyMap<number, number>, foreign: readonly number[]) {
    this.newest = newest;
    this.#own = own;
    this.foreign = foreign;
  }

  /**
   * Compares a seed with the keys on the chain. `derive` returns the seed's key for a number; `registered` has the key hash of each epoch.
   */
  static compare(derive: (number: number) => IdentityKey, registered: ReadonlyMap<number, Hex>): KeyEpochs {
    const told = [...registered.keys()].sort((one, other) => other - one);
    const own = new Map<number, number>();
    const foreign: number[] = [];
    for (const epoch of told) {
      const hash = registered.get(epoch) as Hex;
      // The epoch's own number is tried first: normally the key derives from it.
      const number = [epoch, ...told].find((one) => derive(one).publicKey.hasHash(hash));
      if (number === undefined) foreign.unshift(epoch);
      else own.set(epoch, number);
    }
    return new KeyEpochs(told[0] ?? 0, own, foreign);
  }

  /** Every epoch whose key belongs to the seed, newest first. */
  get own(): readonly number[] {
    return [...this.#own.keys()];
  }

  /** True if the newest key does not belong to the seed. Other people now seal to that key. */
  get isNewestForeign(): boolean {
    return this.newest > 0 && this.newest !== this.own[0];
  }

  /**
   * Returns the number of the key that opens data bound to an epoch; `null` for a foreign key. An epoch that the chain did not show is
   * assumed to be the seed's own.
   */
  numberAt(epoch: number): number | null {
    const number = this.#own.get(epoch);
    if (number !== undefined) return number;
    return this.foreign.includes(epoch) ? null : epoch;
  }
}
