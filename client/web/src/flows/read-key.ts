/** Gets the data key for a grantee: the bundle, a signed read request, the operator's release share and its receipt. */
import type { Address, Hex } from 'viem';
import * as api from '../api/routes.ts';
import { bundleHash, type ChainVersion } from '../chain/events.ts';
import type { ReadyClient } from '../device/client.ts';
import { Failure } from '../failure.ts';
import { Bundle } from '../protocol/bundle.ts';
import { Capsule, CapsuleError, readerShareBinding } from '../protocol/capsule.ts';
import { PURPOSES, type Purpose, SCOPE_KINDS } from '../protocol/codes.ts';
import type { Header } from '../protocol/envelope/header.ts';
import { fromHex, sameHex, toHex } from '../protocol/hex.ts';
import { opensTag } from '../protocol/ids.ts';
import { systemRandom } from '../protocol/random.ts';
import {
  ANCHOR_SECONDS_MAX,
  hashOfLeaf,
  isPromisedInTime,
  READ_REQUEST_SECONDS_MAX,
  readRequestBytes,
  readRequestToJson,
  receiptFromJson,
  verifyReceipt,
  type Leaf,
  type ReadReceipt,
  type ReadRequest,
} from '../protocol/reads.ts';
import { ReaderShare, ReleaseShare } from '../protocol/secret.ts';
import { loginHash } from '../protocol/session.ts';
import { joinShares } from '../protocol/split.ts';
import type { Unlocked } from '../workers/open.ts';
import { unixNow } from './act.ts';
import { asOpenFailure } from './open-failure.ts';
import { publicKeyAt } from './public-key.ts';

/** The greatest difference, in seconds, between the operator's clock and this device's. */
const CLOCK_SECONDS = 300;
const RECORD = SCOPE_KINDS.code('record');

/** A receipt as this browser stores it. It is evidence before and after its leaf is anchored. */
export interface KeptReceipt {
  readonly leaf: Hex;
  readonly record: Hex;
  readonly version: number;
  readonly receivedAt: number;
  readonly anchorBy: number;
  /** The receipt as the operator sent it. */
  readonly signed: unknown;
}

/** Both halves of a data key, and the leaf that records the release. */
interface Released {
  readonly reader: ReaderShare;
  readonly released: ReleaseShare;
  readonly request: ReadRequest;
  readonly leaf: Hex;
  readonly anchorBy: number;
}

/** Opens the capsule of the grant and asks the operator for the release share. */
export async function askForKey(client: ReadyClient, version: ChainVersion, wished: Purpose | undefined): Promise<Released> {
  const { chain, keys, session } = client;
  const grant = await findGrant(client, version);
  const salt = grant.salt as Hex;
  const terms = await chain.terms(version.patient, grant.tag as Hex, RECORD, version.record);
  const purpose = choosePurpose(wished, PURPOSES.fromMask(terms.purposes));
  const capsule = await capsuleOf(client, grant, version);
  const reader = await openCapsule(client, capsule, version, terms.epoch);
  const request: ReadRequest = {
    loginHash: loginHash(session.loginMessage),
    record: version.record,
    version: version.version,
    purpose,
    grantee: keys.owner,
    salt,
    nonce: toHex(systemRandom(32)),
    // Half of the allowed time, because the server's clock may be a little behind this device's.
    deadline: unixNow() + READ_REQUEST_SECONDS_MAX / 2,
  };
  const signature = await session.key.sign(readRequestBytes(request, chain.deployment));
  const answer = await api.read({ request: readRequestToJson(request), signature });
  const leaf = answer.leaf as Hex;
  const receipt = checkReceipt(client, version, leaf, answer.receipt, await chain.now());
  const anchorBy = Number(receipt.anchorBy);
  const kept: KeptReceipt = {
    leaf,
    anchorBy,
    record: version.record,
    version: version.version,
    receivedAt: unixNow(),
    signed: answer.receipt,
  };
  await client.shelf.put(`receipt:${leaf}`, kept);
  return { reader, released: new ReleaseShare(fromHex(answer.release_share, 32)), request, leaf, anchorBy };
}

/**
 * Returns the grant by which this person may read the record. The chain and the operator decide whether it counts. If the server says that
 * a grant has ended, that only makes the error message more precise.
 */
async function findGrant(client: ReadyClient, version: ChainVersion): Promise<api.GrantView> {
  const order = ['active', 'future', 'expired', 'revoked'];
  const told = await api.grants({ side: 'received', record: version.record });
  const [best] = told
    .filter(
      (grant) =>
        sameHex(grant.patient as Address, version.patient) &&
        grant.kind === 'record' &&
        sameHex(grant.scope_id as Hex, version.record) &&
        typeof grant.salt === 'string' &&
        opensTag(grant.tag as Hex, client.address, grant.salt as Hex) &&
        // A revoked grant no longer states which right it gave.
        grant.right !== 'write',
    )
    .sort((a, b) => order.indexOf(a.state) - order.indexOf(b.state));
  if (best === undefined) throw new Failure('no_grant');
  if (best.state === 'revoked') throw new Failure('grant_revoked');
  if (best.state !== 'active') throw new Failure('grant_expired');
  return best;
}

function choosePurpose(wished: Purpose | undefined, granted: readonly Purpose[]): Purpose {
  const [first, ...others] = granted;
  if (first === undefined) throw new Failure('no_grant');
  if (wished !== undefined) {
    if (!granted.includes(wished)) throw new Failure('no_grant');
    return wished;
  }
  if (others.length > 0) throw new Failure('invalid_form', { values: { field: 'purpose' } });
  return first;
}

/**
 * Returns the capsule of a version, from a bundle. The hash of the granted part must be the one on the chain. Later versions were added off
 * chain; they are checked when they are opened.
 */
async function capsuleOf(client: ReadyClient, grant: api.GrantView, version: ChainVersion): Promise<Capsule> {
  const [body, hash] = await Promise.all([
    api.bundle(grant.id as Hex),
    bundleHash(client.chain, version.patient, grant.tag as Hex, RECORD, version.record),
  ]);
  if (body === null) throw new Failure('wrong_bundle');
  const bundle = bundleOf(body);
  if (!sameHex(bundle.record, version.record) || hash === null || bundle.signedLength(hash) === null) throw new Failure('wrong_bundle');
  const capsule = bundle.find(version.version);
  if (capsule === null) throw new Failure('no_grant', { values: { version: version.version } });
  return capsule;
}

/** Parses a bundle from the server. @throws Failure `wrong_bundle`. */
export function bundleOf(body: api.BundleBody): Bundle {
  try {
    const entries = body.capsules.map(({ version, capsule }) => ({ version, capsule: Capsule.fromHex(capsule) }));
    return new Bundle(body.scope_id as Hex, entries);
  } catch (error) {
    throw asOpenFailure(error);
  }
}

async function openCapsule(client: ReadyClient, capsule: Capsule, version: ChainVersion, grantEpoch: number): Promise<ReaderShare> {
  const of = { ...client.chain.envelopeContext, record: version.record, version: version.version };
  // The patient sealed it to the key of that time.
  for (const keyEpoch of client.keys.own) {
    const binding = readerShareBinding(of, version.patient, client.address, keyEpoch, grantEpoch);
    try {
      return await capsule.open(ReaderShare, client.keys.identityAt(keyEpoch), binding);
    } catch (error) {
      if (!(error instanceof CapsuleError) || error.code !== 'no_match') throw asOpenFailure(error);
    }
  }
  // The patient sealed it to the key that the chain showed at that time, which was somebody else's.
  throw new Failure(client.keys.foreign.length > 0 ? 'foreign_key' : 'wrong_bundle');
}

/** Checks the operator's receipt: it concerns this read, it is signed, and it promises a time that is near enough. */
function checkReceipt(
  client: ReadyClient,
  version: ChainVersion,
  leaf: Hex,
  signed: { receipt: unknown; signature: string },
  chainNow: number,
): ReadReceipt {
  const earliest = BigInt(unixNow() - CLOCK_SECONDS);
  // If the newest block is ahead of the operator's clock, the operator counts from the block.
  const latest = BigInt(chainNow + CLOCK_SECONDS + ANCHOR_SECONDS_MAX);
  try {
    const receipt = receiptFromJson(signed.receipt);
    verifyReceipt(receipt, signed.signature as Hex, client.chain.deployment, { record: version.record, version: version.version });
    const isSoon = receipt.anchorBy >= earliest && receipt.anchorBy <= latest;
    if (!isSoon || !sameHex(receipt.leaf, leaf)) throw new Failure('wrong_receipt');
    return receipt;
  } catch (error) {
    throw error instanceof Failure ? error : new Failure('wrong_receipt', { cause: error });
  }
}

/** Returns the operator's evidence as the protocol's type. */
export function leafOf(evidence: api.LogEvidence): Leaf {
  const { leaf } = evidence;
  const { request } = leaf;
  return {
    request: {
      loginHash: request.login_hash as Hex,
      record: request.record as Hex,
      version: request.version,
      purpose: request.purpose,
      grantee: request.grantee.toLowerCase() as Address,
      salt: request.salt as Hex,
      nonce: request.nonce as Hex,
      deadline: request.deadline,
    },
    signature: leaf.signature as Hex,
    loginMessage: leaf.login_message,
    loginSignature: leaf.login_signature as Hex,
    blockHash: leaf.block_hash as Hex,
    time: leaf.time,
    anchorBy: leaf.anchor_by,
    blinding: leaf.blinding as Hex,
  };
}

/**
 * Recomputes the leaf from the operator's evidence. The evidence must concern exactly this request, name the time that the receipt
 * promises, and hash to the promised leaf.
 */
export async function checkEvidence(client: ReadyClient, asked: Released): Promise<void> {
  const evidence = await api.evidence(asked.leaf);
  const { deployment } = client.chain;
  let holds = false;
  try {
    const leaf = leafOf(evidence);
    const isOurs = toHex(readRequestBytes(leaf.request, deployment)) === toHex(readRequestBytes(asked.request, deployment));
    const isPromised = leaf.anchorBy === asked.anchorBy && isPromisedInTime(leaf);
    holds = isOurs && isPromised && sameHex(hashOfLeaf(leaf, deployment), asked.leaf);
  } catch (error) {
    throw new Failure('wrong_receipt', { cause: error });
  }
  if (!holds) throw new Failure('wrong_receipt');
}

/**
 * Joins the two halves of the data key. Returns it with the values to which the envelope must commit; the worker that opens the envelope
 * compares them.
 */
export async function unlockAsGrantee(client: ReadyClient, version: ChainVersion, header: Header, asked: Released): Promise<Unlocked> {
  const patientKey = await publicKeyAt(client.chain, version.patient, header.keyEpoch);
  const dek = joinShares(asked.reader, asked.released);
  return { dek, commitment: { patientKey, releaseShare: asked.released } };
}
