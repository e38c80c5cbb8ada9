/** The access log straight from the chain, through the wallet or a node of the auditor's own. */
import { useCallback, useMemo } from 'react';
import { Chain } from '../chain/chain.ts';
import { httpRpc, parseRpcUrl } from '../chain/rpc.ts';
import { device, type Client } from '../device/device.ts';
import { chainLog, csvOf, toldActivity, verifyLog } from '../flows/audit.ts';
import type { AuditEntry, AuditFilter, AuditLog, ChainSource, Loaded } from './types.ts';
import { useAct } from './use-act.ts';
import { useConnected } from './use-loaded.ts';

const COLUMNS = ['index', 'time', 'record', 'tag', 'purpose', 'reader', 'leaf', 'block', 'transaction'] as const;

function chainOf(client: Client, source: ChainSource): Chain {
  return source.kind === 'wallet' ? client.chain : new Chain(httpRpc(parseRpcUrl(source.url)), client.chain.deployment);
}

function isShown(entry: AuditEntry, filter: AuditFilter): boolean {
  const is = (wanted: string | undefined, found: string | null): boolean => wanted === undefined || wanted.toLowerCase() === found?.toLowerCase();
  const inTime = (filter.from === undefined || entry.time >= filter.from) && (filter.until === undefined || entry.time < filter.until);
  return inTime && is(filter.tag, entry.tag) && is(filter.record, entry.record) && is(filter.reader, entry.reader) && is(filter.purpose, entry.purpose);
}

export function useAuditLog(source: ChainSource, filter: AuditFilter = {}): AuditLog {
  const place = source.kind === 'wallet' ? 'wallet' : source.url;
  const log = useConnected(['audit', place], async (client) => {
    const [onChain, told] = await Promise.all([
      chainLog(chainOf(client, source)),
      // Readers are the server's to tell, and only where the caller may see them.
      toldActivity({}).catch(() => []),
    ]);
    const readers = new Map(told.map((item) => [item.leaf, item.reader]));
    return { ...onChain, entries: onChain.entries.map((entry) => ({ ...entry, reader: readers.get(entry.leaf) ?? null })) };
  });
  const verify = useAct(async (from: ChainSource) => {
    const client = await device.client();
    const isSignedIn = 'me' in device.snapshot().session;
    const report = await verifyLog(isSignedIn ? client : null, chainOf(client, from));
    // The host only: the rest of the address may be a key.
    return { ...report, node: from.kind === 'wallet' ? null : new URL(parseRpcUrl(from.url)).host };
  });
  const { from, until, tag, record, reader, purpose } = filter;
  const shown = useMemo(() => {
    const wanted = Object.fromEntries(Object.entries({ from, until, tag, record, reader, purpose }).filter(([, value]) => value !== undefined));
    return log.data?.entries.filter((entry) => isShown(entry, wanted)).reverse();
  }, [log.data, from, until, tag, record, reader, purpose]);
  const toCsv = useCallback(
    () =>
      csvOf(COLUMNS, (shown ?? []).map((entry) => [
        entry.index, new Date(entry.time * 1000).toISOString(), entry.record, entry.tag, entry.purpose, entry.reader, entry.leaf, entry.blockNumber, entry.txHash,
      ])),
    [shown],
  );
  return useMemo(() => {
    const part = <T>(data: T | undefined): Loaded<T> => ({ ...log, data });
    return { entries: part(shown), checkpoints: part(log.data?.checkpoints), verify, toCsv };
  }, [log, shown, verify, toCsv]);
}
