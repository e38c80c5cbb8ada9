/** Opens the patient's own record versions and makes bundles and release shares from their data keys. */
import type { Address, Hex } from 'viem';
import { versionsOfRecord, type ChainVersion } from '../chain/events.ts';
import type { ReadyClient } from '../device/client.ts';
import { Failure, type FailureCode } from '../failure.ts';
import { Bundle } from '../protocol/bundle.ts';
import { Capsule, readerShareBinding, releaseShareBinding } from '../protocol/capsule.ts';
import { Header } from '../protocol/envelope/header.ts';
import type { DataKey } from '../protocol/secret.ts';
import { readerShare, releaseShare, type RecordVersion } from '../protocol/split.ts';
import { mapSome } from './act.ts';
import { mapEach } from './each.ts';
import { checkedHeader } from './envelope-bytes.ts';
import { asOpenFailure } from './open-failure.ts';
import type { CurrentKey } from './public-key.ts';
import { requireReadable } from './records.ts';

const recordVersion = (client: ReadyClient, version: ChainVersion): RecordVersion => ({
  ...client.chain.envelopeContext,
  record: version.record,
  version: version.version,
});

/**
 * Returns the data key of one version of an own record, from its owner capsule. The caller wipes it.
 *
 * The whole envelope is compared with its CID first, once for each version while the page is open. Otherwise the server could invent a
 * header that opens as well, and the patient would sign a bundle, or deposit a release share, with a key that decrypts nothing.
 */
export async function openOwnVersion(client: ReadyClient, version: ChainVersion): Promise<DataKey> {
  const bytes = await checkedHeader(version.cid);
  try {
    const header = Header.parse(bytes);
    header.expect(version.record, version.version);
    return await openOwnCapsule(client, header);
  } catch (error) {
    throw asOpenFailure(error);
  }
}

/**
 * Returns the data key of an own record from its envelope's header.
 *
 * @throws Failure `foreign_key` if it was sealed to a published key that is not this person's.
 */
export async function openOwnCapsule(client: ReadyClient, header: Header): Promise<DataKey> {
  const { chain, keys } = client;
  const { keyEpoch } = header;
  if (keys.foreign.includes(keyEpoch)) throw new Failure('foreign_key', { values: { epoch: keyEpoch } });
  return header.openOwnerCapsule(chain.envelopeContext, keys.owner, keys.identityAt(keyEpoch));
}

/** A version that was left out, and the reason; `version` is `null` if it is a whole record. */
export interface LeftOut {
  readonly record: Hex;
  readonly version: number | null;
  readonly code: FailureCode;
}

/**
 * Opens every version of an own record and passes the versions with their data keys, oldest first, to `use`. The keys are wiped when `use`
 * ends. A version that cannot be opened is left out and reported, so that a faulty uploader cannot prevent the others from being granted.
 *
 * @throws Failure of the newest version if none opens, and failures of the whole record.
 */
async function withOwnVersions<T>(
  client: ReadyClient,
  record: Hex,
  use: (versions: readonly { version: ChainVersion; dek: DataKey }[], leftOut: readonly LeftOut[]) => Promise<T>,
): Promise<T> {
  const [known, versions] = await Promise.all([client.chain.record(record), versionsOfRecord(client.chain, record)]);
  if (known.patient !== client.keys.owner) throw new Failure('not_allowed');
  requireReadable(known);
  if (versions.length !== known.version) throw new Failure('no_history');
  const opened: { version: ChainVersion; dek: DataKey }[] = [];
  try {
    const { bad } = await mapEach(versions, async (version) => {
      opened.push({ version, dek: await openOwnVersion(client, version) });
    });
    const [worst] = bad.toSorted((a, b) => b.item.version - a.item.version);
    if (opened.length === 0 && worst !== undefined) throw worst.failure;
    opened.sort((a, b) => a.version.version - b.version.version);
    return await use(
      opened,
      bad.map(({ item, failure }) => ({ record, version: item.version, code: failure.code })),
    );
  } finally {
    for (const { dek } of opened) dek.wipe();
  }
}

/**
 * Makes the capsules of a record for one grantee, and lists the versions that are left out. The same versions, key and grant epoch always
 * give the same bytes.
 */
export function makeBundle(
  client: ReadyClient,
  record: Hex,
  grantee: Address,
  key: CurrentKey,
  grantEpoch: number,
): Promise<{ bundle: Bundle; leftOut: readonly LeftOut[] }> {
  return withOwnVersions(client, record, async (versions, leftOut) => {
    const entries = await mapSome(versions, async ({ version, dek }) => {
      const of = recordVersion(client, version);
      const share = readerShare(dek, of);
      const binding = readerShareBinding(of, client.keys.owner, grantee, key.epoch, grantEpoch);
      const capsule = await Capsule.seal(share, key.key, binding);
      share.wipe();
      return { version: version.version, capsule };
    });
    return { bundle: new Bundle(record, entries), leftOut };
  });
}

/** Returns the release share of one version, sealed to the operator. */
export async function releaseShareOf(client: ReadyClient, version: ChainVersion, dek: DataKey): Promise<Capsule> {
  const of = recordVersion(client, version);
  const share = releaseShare(dek, of);
  const { epoch, key } = client.info.operatorKey;
  const binding = releaseShareBinding(of, version.patient, client.chain.deployment.operator, epoch);
  const capsule = await Capsule.seal(share, key, binding);
  share.wipe();
  return capsule;
}
