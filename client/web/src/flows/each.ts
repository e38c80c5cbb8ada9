/** Runs an operation over many items. If one of them fails, it is reported, and the others are still handled. */
import type { BadItem } from '../types/actions.ts';
import { Refused } from '../chain/rpc.ts';
import { asFailure, type Failure, type FailureCode } from '../failure.ts';
import { mapSome } from './act.ts';

/** Failures with a general and temporary cause, which say nothing about a single item. The caller tries again later. */
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

/** Returns whether a failure concerns only the item. A node that refuses one request has answered, so its failure concerns the item. */
export const isOfItem = (failure: Failure): boolean => failure instanceof Refused || !OF_THE_MOMENT.has(failure.code);

/** The outcome for all items: results in order, and the failures of the items without a result. */
export interface Sorted<T, R> {
  readonly done: R[];
  readonly bad: { readonly item: T; readonly failure: Failure }[];
}

/**
 * Runs `act` over items, at most `width` at a time. If it fails for one item, the failure is collected, and the other items continue.
 *
 * @throws Failure with a general cause, such as no answer or a locked session: then there is no result for any item.
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

/** Returns failures in the form that lists show. `name` returns a short text that identifies the item. */
export const badItems = <T>(bad: Sorted<T, unknown>['bad'], name: (item: T) => string): readonly BadItem[] =>
  bad.map(({ item, failure }) => ({ name: name(item), code: failure.code }));

/** Returns the first and last digits of a number or an address. The server may have sent any value. */
export const shortName = (id: unknown): string => (typeof id === 'string' && id.length > 12 ? `${id.slice(0, 6)}…${id.slice(-4)}` : '–');
