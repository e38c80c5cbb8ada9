/**
 * Does the patient's part after others have added versions: checks their envelopes, deposits the right release shares, and extends the
 * bundles of active READ grants. It runs after unlocking and when the feed reports a new version. A bad version or grant is reported, and
 * the others are still handled. Mirrors `client/src/grants/catch_up.rs`.
 */
import { isOpen } from '../protocol/grants/terms.ts';
import type { Hex } from 'viem';
import * as api from '../api/routes.ts';
import { bundleHash, versionsOfPatient, type ChainVersion } from '../chain/events.ts';
import type { Trouble } from '../types/health.ts';
import type { ReadyClient } from '../device/client.ts';
import { Failure } from '../failure.ts';
import { Bundle } from '../protocol/bundle.ts';
import { RECORD_STATUSES, SCOPE_KINDS } from '../protocol/codes.ts';
import { mapEach } from './each.ts';
import { bundleBody, listGrants, type ComparedGrant } from './grants.ts';
import { makeBundle, openOwnVersion, releaseShareOf } from './own-versions.ts';
import { publicKey } from './public-key.ts';
import { bundleOf } from './read-key.ts';

const TOMBSTONED = RECORD_STATUSES.code('tombstoned');
const RECORD = SCOPE_KINDS.code('record');
/** The number of versions or grants that are handled at the same time. */
const AT_ONCE = 3;

interface CaughtUp {
  /** The versions and grants that could not be handled, each with the code of its failure. */
  readonly troubles: readonly Trouble[];
  readonly sharesDeposited: number;
  readonly bundlesExtended: number;
}

/** Runs the catch-up once. @throws Failure only for a temporary cause, such as a server that does not answer. */
export async function catchUp(client: ReadyClient, signal: AbortSignal): Promise<CaughtUp> {
  await client.chain.verifyDeployment();
  const versions = await checkVersions(client, signal);
  const bundles = await extendBundles(client, signal);
  return {
    troubles: [...versions.troubles, ...bundles.troubles],
    sharesDeposited: versions.sharesDeposited,
    bundlesExtended: bundles.extended,
  };
}

async function checkVersions(client: ReadyClient, signal: AbortSignal): Promise<Pick<CaughtUp, 'troubles' | 'sharesDeposited'>> {
  const [onChain, told] = await Promise.all([versionsOfPatient(client.chain, client.address), api.records({ patient: client.address })]);
  const hasShare = new Map<string, boolean>();
  const { bad: untold } = await mapEach(told, async (record) => {
    // A list shows only the newest version of each record.
    const isWhole = record.versions.length >= record.version_count;
    const versions = isWhole ? record.versions : await api.versions(record.id as Hex);
    for (const version of versions) hasShare.set(`${record.id}:${version.version}`, version.has_release_share);
  });
  const statuses = new Map<Hex, Promise<number>>();
  const statusOf = (record: Hex): Promise<number> => {
    const status = statuses.get(record) ?? client.chain.record(record).then((known) => known.status);
    statuses.set(record, status);
    return status;
  };
  const { done, bad } = await mapEach(
    onChain,
    (version) =>
      signal.aborted
        ? Promise.resolve(false)
        : checkVersion(client, version, hasShare.get(`${version.record}:${version.version}`), statusOf),
    AT_ONCE,
  );
  return {
    troubles: [
      ...untold.map(({ item, failure }) => ({ record: item.id as Hex, version: null, code: failure.code })),
      ...bad.map(({ item, failure }) => ({ record: item.record, version: item.version, code: failure.code })),
    ],
    sharesDeposited: done.filter(Boolean).length,
  };
}

/** Checks one version that is new to this browser, or whose release share is missing. Returns whether its share was deposited. */
async function checkVersion(
  client: ReadyClient,
  version: ChainVersion,
  hasShare: boolean | undefined,
  statusOf: (record: Hex) => Promise<number>,
): Promise<boolean> {
  // There is one mark for each version of others that was checked and whose release share this patient has deposited.
  const mark = `checked:${version.record}:${version.version}:${version.cid.toString()}`;
  const isOthers = version.uploader !== client.address;
  const isNew = isOthers && (await client.shelf.get(mark)) === undefined;
  // The server may not have a new version yet. Its uploader deposits the share first.
  const lacksShare = hasShare === false;
  if ((!isNew && !lacksShare) || (await statusOf(version.record)) === TOMBSTONED) return false;
  const dek = await openOwnVersion(client, version);
  const capsule = await releaseShareOf(client, version, dek).finally(() => dek.wipe());
  await api.putReleaseShare(version.record, version.version, capsule.hex);
  if (isNew) await client.shelf.put(mark, true);
  return true;
}

async function extendBundles(client: ReadyClient, signal: AbortSignal): Promise<{ extended: number; troubles: readonly Trouble[] }> {
  const { done: grants, bad: unread } = await listGrants(client, 'given');
  const { done, bad } = await mapEach(grants, (grant) => (signal.aborted ? Promise.resolve(false) : extendBundle(client, grant)), AT_ONCE);
  const ofGrant = bad.flatMap(({ item: { item }, failure }): Trouble[] =>
    item.scope.kind === 'record' ? [{ record: item.scope.record, version: null, code: failure.code }] : [],
  );
  const ofView = unread.map(({ item, failure }): Trouble => ({ record: item.scope_id as Hex, version: null, code: failure.code }));
  return { extended: done.filter(Boolean).length, troubles: [...ofGrant, ...ofView] };
}

/**
 * Adds the capsules of later versions to the bundle of one grant. Returns whether there were any. A version that breaks the protocol is not
 * added; it is reported with the versions.
 */
async function extendBundle(client: ReadyClient, { view, item, epoch }: ComparedGrant): Promise<boolean> {
  if (item.right !== 'read' || !isOpen(item.state) || item.scope.kind !== 'record' || item.grantee === null) return false;
  const { record } = item.scope;
  const known = await client.chain.record(record);
  const coversNewest = (view.newest_version ?? 0) >= known.version;
  if (coversNewest || known.status === TOMBSTONED) return false;
  const body = await api.bundle(item.id);
  // The bundle is missing. Only `reissue` can send it again.
  if (body === null) return false;
  const old = bundleOf(body);
  const hash = await bundleHash(client.chain, client.address, item.tag, RECORD, record);
  if (hash === null || old.signedLength(hash) === null) throw new Failure('wrong_bundle');
  const { bundle: fresh } = await makeBundle(client, record, item.grantee, await publicKey(client.chain, item.grantee), epoch);
  // Capsules are added only after the last version. A capsule in between would change the hash that was signed for the first ones.
  const last = old.entries.at(-1)?.version ?? 0;
  const added = fresh.entries.filter(({ version }) => version > last);
  if (added.length === 0) return false;
  await api.putBundle(item.id, bundleBody(item.scope, new Bundle(record, [...old.entries, ...added])));
  return true;
}
