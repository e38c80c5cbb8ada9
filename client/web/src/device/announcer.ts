/** Shows the sentence before each signature: one at a time, for the whole app. */
import type { Announcement, Confirmation, Sentence } from '../types/signing.ts';
import { Failure } from '../failure.ts';

let current: Announcement | null = null;
let answer: ((isConfirmed: boolean) => void) | null = null;
let queue: Promise<unknown> = Promise.resolve();
const listeners = new Set<() => void>();

function show(next: Announcement | null): void {
  current = next;
  for (const listener of listeners) listener();
}

/** Returns the current announcement, or `null`. */
export const announced = (): Announcement | null => current;

/** Calls `listener` on every change. Returns the function that stops it. */
export function onAnnouncement(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Records that the person has read the sentence and continues. A second press while the wallet's window is open has no effect. */
export const confirmAnnouncement = (): void => {
  if (current?.stage === 'confirm') answer?.(true);
};

/** Cancels the announcement: the person does not want to sign, or no longer waits for a wallet that does not answer. */
export const cancelAnnouncement = (): void => answer?.(false);

export interface Part {
  readonly part: number;
  readonly parts: number;
}

/**
 * Shows a sentence, waits for the person if `confirm` is `dialog`, and keeps the sentence on screen while `sign` runs. Signatures of
 * different actions wait for each other, because two open windows of a wallet are confusing.
 *
 * @throws Failure `cancelled` if the person does not confirm, or cancels while the wallet's window is open.
 */
export function announce<T>(sentence: Sentence, part: Part, confirm: Confirmation, sign: () => Promise<T>): Promise<T> {
  const turn = queue.then(async () => {
    try {
      if (confirm === 'dialog' && part.part === 1) {
        const isConfirmed = await new Promise<boolean>((resolve) => {
          answer = resolve;
          show({ sentence, ...part, stage: 'confirm' });
        });
        answer = null;
        if (!isConfirmed) throw new Failure('cancelled');
      }
      // A wallet whose window was closed may never answer. A signature that it gives after the cancellation is ignored.
      const cancelled = new Promise<never>((_, reject) => {
        answer = () => reject(new Failure('cancelled'));
      });
      show({ sentence, ...part, stage: 'wallet' });
      return await Promise.race([sign(), cancelled]);
    } finally {
      answer = null;
      show(null);
    }
  });
  queue = turn.catch(() => undefined);
  return turn;
}
