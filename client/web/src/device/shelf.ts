/** The part of the store for one account of one deployment. Data of different networks or people never mixes. */
import type { Address } from 'viem';
import type { Deployment } from '../protocol/deployment.ts';
import { keep } from './store.ts';

export class Shelf {
  readonly #prefix: string;

  constructor(deployment: Deployment, owner: Address) {
    this.#prefix = `${deployment.chainId}:${deployment.genesisHash}:${deployment.contracts.record_registry.address}:${owner}:`;
  }

  get<T>(name: string): Promise<T | undefined> {
    return keep.get<T>(this.#prefix + name);
  }

  put(name: string, value: unknown): Promise<void> {
    return keep.put(this.#prefix + name, value);
  }

  remove(name: string): Promise<void> {
    return keep.remove(this.#prefix + name);
  }

  /** Returns every value whose name begins with `prefix`. */
  all<T>(prefix: string): Promise<T[]> {
    return keep.all<T>(this.#prefix + prefix);
  }
}
