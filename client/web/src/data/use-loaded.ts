/** The common implementation of loading: TanStack Query for the signed-in person, with failures that have a code. */
import { useQuery } from '@tanstack/react-query';
import { useCallback, useMemo } from 'react';
import type { Client, ReadyClient, WalletClient } from '../device/client.ts';
import { device } from '../device/device.ts';
import { asFailure } from '../failure.ts';
import type { BadItem, Listed, Loaded, LoadedList } from '../types/actions.ts';
import { useDevice } from './use-device.ts';

interface Options<T> {
  /** Whether the data is loaded at all; true by default. */
  readonly isWanted?: boolean;
  /** Milliseconds for which loaded data counts as fresh. */
  readonly staleMs?: number;
  /** Returns true if the data will soon change by itself. It is then loaded again every few seconds. */
  readonly isUnsettled?: (data: T) => boolean;
  /** Milliseconds after which the data is always loaded again, for data that the feed does not report. */
  readonly everyMs?: number;
}

const FRESH_MS = 15_000;
const UNSETTLED_MS = 3_000;

/** Loads data that needs the person's keys: only while the session is ready. */
export function useReady<T>(key: readonly unknown[], read: (client: ReadyClient) => Promise<T>, options: Options<T> = {}): Loaded<T> {
  const isReady = useDevice().session.state === 'ready';
  return useLoaded(key, async () => read(await device.ready()), isReady, options);
}

/** Loads data from chain and server that needs no keys: while a wallet is connected. */
export function useConnected<T>(key: readonly unknown[], read: (client: Client) => Promise<T>, options: Options<T> = {}): Loaded<T> {
  const { wallet } = useDevice();
  return useLoaded(key, async () => read(await device.client()), wallet !== null, options);
}

function useLoaded<T>(key: readonly unknown[], read: () => Promise<T>, isPossible: boolean, options: Options<T>): Loaded<T> {
  const { isWanted = true, staleMs = FRESH_MS, isUnsettled, everyMs } = options;
  const address = useDevice().wallet?.address ?? null;
  const query = useQuery({
    // Loaded data belongs to one account and is never shown to another.
    queryKey: [...key, address],
    queryFn: async () => {
      try {
        return await read();
      } catch (error) {
        throw asFailure(error);
      }
    },
    enabled: isPossible && isWanted,
    staleTime: staleMs,
    refetchInterval: (of) => (of.state.data !== undefined && isUnsettled?.(of.state.data) === true ? UNSETTLED_MS : (everyMs ?? false)),
    retry: (count, error) => count < 2 && asFailure(error).isRetryable,
  });
  const { data, error, isLoading, isFetching, refetch } = query;
  const again = useCallback((): void => void refetch(), [refetch]);
  return useMemo(
    () => ({ data, error: error === null ? null : asFailure(error), isLoading, isRefreshing: isFetching && !isLoading, refetch: again }),
    [data, error, isLoading, isFetching, again],
  );
}

const NONE: readonly BadItem[] = [];

/** Returns a list, with its bad items apart. */
export function useList<T>(loaded: Loaded<Listed<T>>): LoadedList<T> {
  return useMemo(() => ({ ...loaded, data: loaded.data?.items, bad: loaded.data?.bad ?? NONE }), [loaded]);
}

/** Loads data for a signed-in account, with or without its keys: data that the wallet alone may see. */
export function useSignedIn<T>(key: readonly unknown[], read: (client: WalletClient) => Promise<T>, options: Options<T> = {}): Loaded<T> {
  const isSignedIn = 'me' in useDevice().session;
  return useLoaded(key, async () => read(await device.withWallet()), isSignedIn, options);
}
