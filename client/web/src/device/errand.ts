/** One run of an action: how it asks before signatures, its phase, and whether it was cancelled. */
import type { Hex } from 'viem';
import type { ActionPhase } from '../types/actions.ts';
import type { Confirmation, Sentence } from '../types/signing.ts';
import { Failure } from '../failure.ts';
import type { TypedData, Wallet } from '../wallet/wallet.ts';
import { announce, type Part } from './announcer.ts';

const ONLY: Part = { part: 1, parts: 1 };

export class Errand {
  readonly #confirm: Confirmation;
  readonly #tell: (phase: ActionPhase) => void;
  /** Aborted when the person cancels or the session locks. */
  readonly signal: AbortSignal;

  constructor(options: { confirm?: Confirmation | undefined; tell?: (phase: ActionPhase) => void; signal?: AbortSignal } = {}) {
    this.#confirm = options.confirm ?? 'dialog';
    this.#tell = options.tell ?? (() => undefined);
    this.signal = options.signal ?? new AbortController().signal;
  }

  phase(phase: ActionPhase): void {
    this.#tell(phase);
  }

  /** Throws if the run was cancelled. */
  check(): void {
    if (this.signal.aborted) throw new Failure('cancelled');
  }

  /** Signs a text after its sentence was shown. */
  signMessage(wallet: Wallet, text: string, sentence: Sentence, part: Part = ONLY): Promise<Hex> {
    return this.#sign(sentence, part, () => wallet.signMessage(text));
  }

  /** Signs typed data after its sentence was shown. */
  signTypedData(wallet: Wallet, data: TypedData, sentence: Sentence, part: Part = ONLY): Promise<Hex> {
    return this.#sign(sentence, part, () => wallet.signTypedData(data));
  }

  async #sign(sentence: Sentence, part: Part, sign: () => Promise<Hex>): Promise<Hex> {
    this.check();
    this.phase('signing');
    const signature = await announce(sentence, part, this.#confirm, () => {
      this.check();
      return sign();
    });
    this.check();
    return signature;
  }
}
