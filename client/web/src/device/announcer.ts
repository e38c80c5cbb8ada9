/** The sentence before each signature: one at a time, for the whole app. */
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

/** What is announced now. */
export const announced = (): Announcement | null => current;

/** Calls `listener` on every change; gives the function that ends it. */
export function onAnnouncement(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** The person has read the sentence and goes on. A second press while the wallet's window is open does nothing. */
export const confirmAnnouncement = (): void => {
  if (current?.stage === 'confirm') answer?.(true);
};

/** The person does not want it, or no longer waits for a wallet that does not answer. */
export const cancelAnnouncement = (): void => answer?.(false);

export interface Part {
  readonly part: number;
  readonly parts: number;
}

/**
 * Shows a sentence, waits for the person where `confirm` is `dialog`, and keeps it in sight while `sign` runs. Signatures
 * of different actions wait for each other: two windows of a wallet at once confuse everybody.
 *
 * @throws Failure `cancelled` when the person does not confirm, or cancels while the wallet's window is open.
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
      // A wallet's window that was closed may never answer. What it signs after that counts for nothing.
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
