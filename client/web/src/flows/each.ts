/** Work over many things of which one may be bad: it is told, and the rest goes on. */
import type { BadItem } from '../types/actions.ts';
import { Refused } from '../chain/rpc.ts';
import { asFailure, type Failure, type FailureCode } from '../failure.ts';
import { mapSome } from './act.ts';

/** What says nothing about one thing and everything about the moment: whoever waits for the answer tries again later. */
const OF_THE_MOMENT: ReadonlySet<FailureCode> = new Set([
  'unreachable',
  'unavailable',
  'rate_limited',
  'rpc',
  'not_signed_in',
  'session_expired',
  'locked',
  'cancelled',
  'storage_unavailable',
  'no_wallet',
  'wallet_busy',
  'wallet_locked',
  'wallet_disconnected',
  'wallet_wrong_chain',
  'wallet_other_account',
  'other_chain',
  'other_code',
  'other_deployment',
]);

/** Whether a failure is that of the one thing at hand. A node that answers "no" to one question has answered. */
export const isOfItem = (failure: Failure): boolean => failure instanceof Refused || !OF_THE_MOMENT.has(failure.code);

/** What became of each: results in order, and the failures of those that have none. */
export interface Sorted<T, R> {
  readonly done: R[];
  readonly bad: { readonly item: T; readonly failure: Failure }[];
}

/**
 * Runs `act` over items, at most `width` at a time. What fails for one item is put aside, and the others go on.
 *
 * @throws Failure of the moment: without an answer, or locked, nothing can be said about any of them.
 */
export async function mapEach<T, R>(items: readonly T[], act: (item: T) => Promise<R>, width = 8): Promise<Sorted<T, R>> {
  const sorted: Sorted<T, R> = { done: [], bad: [] };
  const outcomes = await mapSome(
    items,
    async (item) => {
      try {
        return { item, result: await act(item) };
      } catch (error) {
        const failure = asFailure(error);
        if (!isOfItem(failure)) throw failure;
        return { item, failure };
      }
    },
    width,
  );
  for (const one of outcomes) {
    if ('failure' in one) sorted.bad.push({ item: one.item, failure: one.failure as Failure });
    else sorted.done.push(one.result);
  }
  return sorted;
}

/** Failures as lists show them. `name` says which item it is, in a few characters. */
export const badItems = <T>(bad: Sorted<T, unknown>['bad'], name: (item: T) => string): readonly BadItem[] =>
  bad.map(({ item, failure }) => ({ name: name(item), code: failure.code }));

/** The first and last digits of a number or an address; a server may have sent anything. */
export const shortName = (id: unknown): string => (typeof id === 'string' && id.length > 12 ? `${id.slice(0, 6)}…${id.slice(-4)}` : '–');
