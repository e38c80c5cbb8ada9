/**
 * The patient's part after others have added versions: checks their envelopes, deposits the right release shares, and
 * extends the bundles of active READ grants. Runs after unlocking and when the feed tells of a new version. Mirrors
 * `client/src/grants/catch_up.rs`.
 */
import type { Hex } from 'viem';
import * as api from '../api/routes.ts';
import { bundleHash, versionsOfPatient } from '../chain/events.ts';
import type { ReadyClient } from '../device/device.ts';
import { Failure } from '../failure.ts';
import { Bundle } from '../protocol/bundle.ts';
import { RECORD_STATUSES, SCOPE_KINDS } from '../protocol/codes.ts';
import { bundleBody, listGrants, type ComparedGrant } from './grants.ts';
import { makeBundle, openOwnVersion, releaseShareOf } from './own-versions.ts';
import { publicKey } from './public-key.ts';
import { bundleOf } from './read-key.ts';

const TOMBSTONED = RECORD_STATUSES.code('tombstoned');
const RECORD = SCOPE_KINDS.code('record');

export interface CaughtUp {
  /** Versions whose envelope does not follow the protocol: nobody should trust them. */
  readonly broken: readonly { readonly record: Hex; readonly version: number }[];
  readonly sharesDeposited: number;
  readonly bundlesExtended: number;
}

/** An uploader's fault, not a reason to stop. */
const isBroken = (error: unknown): boolean => error instanceof Failure && (error.code === 'invalid_envelope' || error.code === 'commitment');

export async function catchUp(client: ReadyClient, signal: AbortSignal): Promise<CaughtUp> {
  await client.chain.verifyDeployment();
  const checked = await checkVersions(client, signal);
  return { ...checked, bundlesExtended: await extendBundles(client, signal) };
}

async function checkVersions(client: ReadyClient, signal: AbortSignal): Promise<Pick<CaughtUp, 'broken' | 'sharesDeposited'>> {
  const [onChain, told] = await Promise.all([versionsOfPatient(client.chain, client.address), api.records({ patient: client.address })]);
  const hasShare = new Map<string, boolean>();
  for (const record of told) {
    // A list shows the newest versions only.
    const isWhole = record.versions.length >= record.version_count;
    const versions = isWhole ? record.versions : await api.versions(record.id as Hex);
    for (const version of versions) hasShare.set(`${record.id}:${version.version}`, version.has_release_share);
  }
  const statuses = new Map<Hex, number>();
  const broken: { record: Hex; version: number }[] = [];
  let sharesDeposited = 0;
  for (const version of onChain) {
    if (signal.aborted) break;
    // One mark for each version by others that was found good, and whose share this patient has deposited.
    const mark = `checked:${version.record}:${version.version}:${version.cid.toString()}`;
    const isOthers = version.uploader !== client.address;
    const isNew = isOthers && (await client.shelf.get(mark)) === undefined;
    // The mirror may not have a new version yet; its share is the uploader's business first.
    const lacksShare = hasShare.get(`${version.record}:${version.version}`) === false;
    if (!isNew && !lacksShare) continue;
    const status = statuses.get(version.record) ?? (await client.chain.record(version.record)).status;
    statuses.set(version.record, status);
    if (status === TOMBSTONED) continue;
    try {
      const dek = await openOwnVersion(client, version);
      const capsule = await releaseShareOf(client, version, dek).finally(() => dek.wipe());
      await api.putReleaseShare(version.record, version.version, capsule.hex);
      sharesDeposited += 1;
    } catch (error) {
      if (!isBroken(error)) throw error;
      broken.push({ record: version.record, version: version.version });
      continue;
    }
    if (isNew) await client.shelf.put(mark, true);
  }
  return { broken, sharesDeposited };
}

async function extendBundles(client: ReadyClient, signal: AbortSignal): Promise<number> {
  let extended = 0;
  for (const grant of await listGrants(client, 'given')) {
    if (signal.aborted) break;
    if (await extendBundle(client, grant)) extended += 1;
  }
  return extended;
}

/** Adds the capsules of later versions to the bundle of one grant. Says whether there were any. */
async function extendBundle(client: ReadyClient, { view, item, epoch }: ComparedGrant): Promise<boolean> {
  const isOpen = item.right === 'read' && (item.state === 'active' || item.state === 'future');
  if (!isOpen || item.scope.kind !== 'record' || item.grantee === null) return false;
  const { record } = item.scope;
  const known = await client.chain.record(record);
  const coversNewest = (view.newest_version ?? 0) >= known.version;
  if (coversNewest || known.status === TOMBSTONED) return false;
  const body = await api.bundle(item.id);
  // Only `reissue` can give it again.
  if (body === null) return false;
  const old = bundleOf(body);
  const hash = await bundleHash(client.chain, client.address, item.tag, RECORD, record);
  if (hash === null || old.signedLength(hash) === null) throw new Failure('wrong_bundle');
  let fresh: Bundle;
  try {
    fresh = await makeBundle(client, record, item.grantee, await publicKey(client.chain, item.grantee), epoch);
  } catch (error) {
    // A version that its uploader made otherwise than the protocol says is not passed on.
    if (isBroken(error)) return false;
    throw error;
  }
  const entries = [...old.entries, ...fresh.entries.filter(({ version }) => old.find(version) === null)];
  entries.sort((a, b) => a.version - b.version);
  await api.putBundle(item.id, bundleBody(item.scope, new Bundle(record, entries)));
  return true;
}
