/** The access log, read directly from the chain, through the wallet or a node that the auditor chose. */
import { useCallback, useEffect, useMemo, useRef } from 'react';
import { Chain } from '../chain/chain.ts';
import { httpRpc, parseRpcUrl } from '../chain/rpc.ts';
import type { Client } from '../device/client.ts';
import { device } from '../device/device.ts';
import { chainLog, csvOf, toldActivity, verifyLog } from '../flows/audit.ts';
import type { Loaded } from '../types/actions.ts';
import type { AuditEntry, AuditFilter, AuditLog, ChainSource } from '../types/log.ts';
import { useAct } from './use-act.ts';
import { useConnected } from './use-loaded.ts';

const COLUMNS = ['index', 'time', 'record', 'patient', 'tag', 'purpose', 'reader', 'leaf', 'block', 'transaction'] as const;

function chainOf(client: Client, source: ChainSource): Chain {
  return source.kind === 'wallet' ? client.chain : new Chain(httpRpc(parseRpcUrl(source.url)), client.chain.deployment);
}

/** Returns true if the filter includes the entry. */
export function isShown(entry: AuditEntry, { from, until, record, reader, purpose }: AuditFilter): boolean {
  const begins = (wanted: string | undefined, ...found: readonly (string | null)[]): boolean =>
    wanted === undefined || found.some((text) => text?.toLowerCase().startsWith(wanted.trim().toLowerCase()) === true);
  return (
    (from === undefined || entry.time >= from) &&
    (until === undefined || entry.time <= until) &&
    begins(record, entry.record, entry.patient) &&
    begins(reader, entry.tag, entry.reader) &&
    (purpose === undefined || purpose === entry.purpose)
  );
}

export function useAuditLog(source: ChainSource, filter: AuditFilter = {}): AuditLog {
  const node = source.kind === 'wallet' ? 'wallet' : source.url;
  const log = useConnected(['audit', node], async (client) => {
    const [onChain, told] = await Promise.all([
      chainLog(chainOf(client, source)),
      // Readers come from the server, and only where the caller may see them.
      toldActivity({}).catch(() => []),
    ]);
    const readers = new Map(told.map((item) => [item.leaf, item.reader]));
    return { ...onChain, entries: onChain.entries.map((entry) => ({ ...entry, reader: readers.get(entry.leaf) ?? null })) };
  });
  // The feed reports only a person's own records. Therefore the chain is asked for the head of the log, which shows whether the log has
  // grown.
  const { data: head } = useConnected(['audit-head', node], (client) => chainOf(client, source).logHead(), { isUnsettled: () => true });
  const seen = useRef(head);
  const { refetch } = log;
  useEffect(() => {
    if (head === undefined) return;
    if (seen.current !== undefined && head !== seen.current) refetch();
    seen.current = head;
  }, [head, refetch]);
  const verify = useAct(async (from: ChainSource) => {
    const client = await device.withWallet();
    const isSignedIn = 'me' in device.snapshot().session;
    const report = await verifyLog(isSignedIn ? client : null, chainOf(client, from));
    // Only the host: the rest of the address may contain an API key.
    return { ...report, node: from.kind === 'wallet' ? null : new URL(parseRpcUrl(from.url)).host };
  });
  const { from, until, record, reader, purpose } = filter;
  const shown = useMemo(() => {
    const wanted = Object.fromEntries(Object.entries({ from, until, record, reader, purpose }).filter(([, value]) => value !== undefined));
    return log.data?.entries.filter((entry) => isShown(entry, wanted)).reverse();
  }, [log.data, from, until, record, reader, purpose]);
  const toCsv = useCallback(
    () =>
      csvOf(
        COLUMNS,
        (shown ?? []).map((entry) => [
          entry.index,
          new Date(entry.time * 1000).toISOString(),
          entry.record,
          entry.patient,
          entry.tag,
          entry.purpose,
          entry.reader,
          entry.leaf,
          entry.blockNumber,
          entry.txHash,
        ]),
      ),
    [shown],
  );
  return useMemo(() => {
    const part = <T>(data: T | undefined): Loaded<T> => ({ ...log, data });
    return { entries: part(shown), checkpoints: part(log.data?.checkpoints), verify, toCsv };
  }, [log, shown, verify, toCsv]);
}
