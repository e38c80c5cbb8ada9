/**
 * Uploads a document: hash and sign, encrypt, send, register, deposit the release share. Mirrors `client/src/upload.rs`.
 *
 * The order is chosen so that nothing is lost: first the envelope is stored, then the release share (in the same request as the signed
 * registration), then the registration goes to the chain. Each finished step is in the journal before the next one begins.
 */
import type { Address, Hex } from 'viem';
import * as api from '../api/routes.ts';
import { versionsOfRecord } from '../chain/events.ts';
import type { NewUpload, UploadState, UploadTarget } from '../types/uploads.ts';
import type { ReadyClient } from '../device/client.ts';
import type { Errand } from '../device/errand.ts';
import { Failure } from '../failure.ts';
import { authorshipTypedData } from '../protocol/authorship.ts';
import { Cid } from '../protocol/cid/cid.ts';
import { CATEGORIES } from '../protocol/codes.ts';
import { checkContentLength, HEADER_LEN, sealedLen } from '../protocol/envelope/layout.ts';
import { encodeMetadata, type Metadata } from '../protocol/envelope/metadata.ts';
import { toHex, ZERO_HASH } from '../protocol/hex.ts';
import { recordId } from '../protocol/ids.ts';
import type { Action } from '../protocol/messages.ts';
import { systemRandom } from '../protocol/random.ts';
import { hashFile, sealFile, type SealedFile } from '../workers/seal.ts';
import { hasRoomFor } from '../workers/waiting-envelopes.ts';
import { forWallet, newDeadline, newNonce, settle, signAction, toBody, unixNow, whileBehind } from './act.ts';
import { fhirTypeOf, mediaTypeOf, storedName } from './content.ts';
import { rememberHeader } from './envelope-bytes.ts';
import { rememberName } from './record-names.ts';
import { asOpenFailure } from './open-failure.ts';
import { publicKey } from './public-key.ts';
import { findWriteSalt, ownSalt } from './authority.ts';
import { requireReadable } from './records.ts';
import { isKitSaved } from './set-up.ts';
import { allEntries, endEntry, markOf, saveEntry, type JournalEntry, type StoredEnvelope } from './upload-journal.ts';

interface UploadProgress {
  readonly state: UploadState;
  /** Progress from 0 to 1. */
  readonly progress: number;
  readonly patient?: Address;
}

interface Uploaded {
  readonly record: Hex;
  readonly version: number;
}

/** There are two signatures: one over the authorship of the document, one over its registration. */
const AUTHOR = { part: 1, parts: 2 };
const REGISTRATION = { part: 2, parts: 2 };
/** A registration whose deadline is nearer than this is signed again. */
const NEARLY_EXPIRED_SECONDS = 30;
/** Answers of a server that no longer has an envelope. The document is then encrypted again. */
const LET_GO = ['not_found', 'invalid_envelope', 'cid_mismatch', 'expired'];

/**
 * Uploads one document. After an interruption, uploading the same document to the same destination completes the earlier upload; no second
 * record is made.
 *
 * @throws Failure `kit_not_saved` for own records before the words are saved, `key_not_registered`, `wrong_public_key`, `source_changed`,
 * `stored_other_bytes`, and the refusals of wallet, server and chain.
 */
export async function upload(
  client: ReadyClient,
  wanted: NewUpload,
  errand: Errand,
  tell: (progress: UploadProgress) => void,
): Promise<Uploaded> {
  tell({ state: 'hashing', progress: 0 });
  await client.chain.verifyDeployment();
  const destination = await findDestination(client, wanted.target);
  if (destination.patient === client.address && !(await isKitSaved(client))) throw new Failure('kit_not_saved');
  // Checked before the long hashing: without an own published key there is no key to seal to.
  if (destination.patient === client.address) void client.keys.ownKey;
  // Checked before the hashing, which may take minutes, and not after it.
  requireLength(client, wanted.content.size, 0);
  if (!(await hasRoomFor(wanted.content.size))) throw new Failure('no_room');
  tell({ state: 'hashing', progress: 0, patient: destination.patient });
  const { hash } = await inWorker(() =>
    hashFile(wanted.content, {
      signal: errand.signal,
      onProgress: (bytes) => tell({ state: 'hashing', progress: bytes / wanted.content.size }),
    }),
  );

  tell({ state: 'signing', progress: 0 });
  const mark = markOf(client.keys, hash);
  const known = await findJournalEntry(client, destination, mark);
  if (known !== null) {
    const done = await complete(client, known, errand, tell);
    if (done !== null) return done;
  }
  const entry = known === null ? newJournalEntry(client, destination, mark) : { ...known, stored: null };
  await requireSpace(wanted.content.size);
  const signature = await signContent(client, entry, hash, errand);
  await saveEntry(client, entry);
  return finish(client, await store(client, entry, { ...wanted, hash, signature }, errand, tell), errand, tell);
}

/** A document whose hash the author has signed. */
interface SignedContent extends NewUpload {
  readonly hash: Hex;
  readonly signature: Hex;
}

/** Completes an upload of an earlier visit whose envelope is stored. */
export async function finishUpload(client: ReadyClient, record: Hex, version: number, errand: Errand): Promise<void> {
  const entry = (await allEntries(client)).find((one) => one.record === record && one.version === version);
  if (entry === undefined) return;
  if ((await complete(client, entry, errand, () => undefined)) === null) throw new Failure('not_found');
}

/** The destination of an upload, with its data from the chain. */
interface Destination {
  readonly patient: Address;
  readonly category: JournalEntry['category'];
  /** For a further version: the record and the version that is replaced. */
  readonly replaces: { readonly record: Hex; readonly version: number; readonly category: number } | null;
}

async function findDestination(client: ReadyClient, target: UploadTarget): Promise<Destination> {
  if (target.kind === 'record') {
    return { patient: target.patient.toLowerCase() as Address, category: target.category, replaces: null };
  }
  const known = await client.chain.record(target.record);
  requireReadable(known);
  return { patient: known.patient, category: null, replaces: { record: target.record, version: known.version, category: known.category } };
}

/** Returns the journal's entry of an interrupted upload of the same document to the same destination. */
async function findJournalEntry(client: ReadyClient, destination: Destination, mark: Hex): Promise<JournalEntry | null> {
  const entry = (await allEntries(client)).find((one) => {
    if (one.uploader !== client.address || one.patient !== destination.patient || one.mark !== mark) return false;
    if (destination.replaces === null) return one.version === 1 && one.category === destination.category;
    const { record, version } = destination.replaces;
    // Its own registration may have been mined in the meantime.
    return one.record === record && (one.version === version + 1 || one.version === version);
  });
  if (entry === undefined) return null;
  const registered = await registeredCid(client, entry);
  if (registered === null || (entry.stored !== null && registered.equals(cidOf(entry.stored)))) return entry;
  // Another version got this number in the meantime: the upload starts again with the next number.
  await endEntry(client, entry);
  return null;
}

function newJournalEntry(client: ReadyClient, destination: Destination, mark: Hex): JournalEntry {
  const uploader = client.address;
  const salt = destination.replaces === null ? toHex(systemRandom(32)) : null;
  const record = salt === null ? (destination.replaces as { record: Hex }).record : recordId(uploader, salt);
  const version = destination.replaces === null ? 1 : destination.replaces.version + 1;
  if (version > 0xffff) throw new Failure('out_of_range');
  return {
    record,
    version,
    salt,
    uploader,
    mark,
    begun: unixNow(),
    patient: destination.patient,
    category: destination.category,
    stored: null,
  };
}

/** Asks for the author's signature over the content. It is asked for at every encryption, and stored only in the envelope. */
function signContent(
  client: ReadyClient,
  { record, version, uploader, begun }: JournalEntry,
  contentHash: Hex,
  errand: Errand,
): Promise<Hex> {
  const message = { record, version, author: uploader, contentHash, created: BigInt(begun) };
  const data = forWallet(authorshipTypedData(client.chain.envelopeContext, message));
  return errand.signTypedData(client.wallet, data, { key: 'sign.author', values: {} }, AUTHOR);
}

function requireLength(client: ReadyClient, contentLength: number, metadataLength: number): void {
  const max = client.info.envelopeBytesMax;
  const problem = checkContentLength(contentLength, metadataLength, max);
  if (problem === 'empty') throw new Failure('empty_file');
  if (problem === 'too_large') throw new Failure('too_large', { values: { max } });
}

/**
 * Checks that the server has enough space for the account. This happens before the wallet asks and before the sending, which may take
 * minutes. The server still makes the final decision.
 */
async function requireSpace(contentLength: number): Promise<void> {
  const { stored, quota } = await api.storage();
  if (stored + sealedLen(contentLength, 0) > quota) throw new Failure('quota_exceeded', { values: { quota } });
}

/** Encrypts the document under a new data key, sends it, and stores the journal entry. */
async function store(
  client: ReadyClient,
  entry: JournalEntry,
  wanted: SignedContent,
  errand: Errand,
  tell: (progress: UploadProgress) => void,
): Promise<JournalEntry> {
  const mediaType = wanted.mediaType ?? mediaTypeOf(wanted.fileName);
  const contentLength = wanted.content.size;
  const metadata: Metadata = {
    contentLength,
    mediaType,
    fileName: storedName(wanted.fileName),
    contentHash: wanted.hash,
    created: BigInt(entry.begun),
    fhirType: await fhirTypeOf(mediaType, wanted.content),
    codes: [],
    signedBy: { author: entry.uploader, signature: wanted.signature },
  };
  tell({ state: 'sending', progress: 0 });
  // For the person's own records, the key on the chain is never used: somebody else may have published it in the person's name.
  const patientKey = entry.patient === client.address ? client.keys.ownKey : await publicKey(client.chain, entry.patient);
  requireLength(client, contentLength, encodedLength(metadata));
  const request = {
    context: client.chain.envelopeContext,
    record: entry.record,
    version: entry.version,
    patient: entry.patient,
    patientKey: patientKey.key,
    patientKeyEpoch: patientKey.epoch,
    metadata,
    operator: client.chain.deployment.operator,
    operatorKey: client.info.operatorKey.key,
    operatorKeyEpoch: client.info.operatorKey.epoch,
  };
  // Encrypting and sending each count as one half of the progress.
  const onProgress = (bytes: number): void => tell({ state: 'sending', progress: bytes / contentLength / 2 });
  const sealed = await inWorker(() => sealFile(wanted.content, request, { signal: errand.signal, onProgress }));
  try {
    return await send(client, entry, sealed, metadata, errand, tell);
  } finally {
    // Whether it was stored, refused or cancelled, the envelope is removed here. An upload that is continued later encrypts again.
    await sealed.discard();
  }
}

/** Sends the envelope and records in the journal that it is stored. */
async function send(
  client: ReadyClient,
  entry: JournalEntry,
  sealed: SealedFile,
  metadata: Metadata,
  errand: Errand,
  tell: (progress: UploadProgress) => void,
): Promise<JournalEntry> {
  const { size } = sealed.envelope;
  const onSent = (sent: number): void => tell({ state: 'sending', progress: 0.5 + sent / size / 2 });
  const answer = await api.uploadBlob(entry, sealed.envelope, onSent, errand.signal);
  if (answer.cid !== sealed.cid.toString() || answer.size !== size) throw new Failure('stored_other_bytes');
  if (entry.patient === client.address) {
    rememberName(client.keys, sealed.cid, metadata);
    rememberHeader(sealed.cid, new Uint8Array(await sealed.envelope.slice(0, HEADER_LEN).arrayBuffer()));
  }
  const { codec, digest } = sealed.cid;
  const next = { ...entry, stored: { codec, digest, releaseShare: sealed.releaseShare.hex, body: null } };
  await saveEntry(client, next);
  return next;
}

function encodedLength(metadata: Metadata): number {
  try {
    return encodeMetadata(metadata).length;
  } catch (error) {
    throw asOpenFailure(error);
  }
}

async function inWorker<T>(job: () => Promise<T>): Promise<T> {
  try {
    return await job();
  } catch (error) {
    throw asOpenFailure(error);
  }
}

/** Continues an interrupted upload whose envelope was stored. Returns `null` if the document has to be encrypted again. */
async function complete(
  client: ReadyClient,
  entry: JournalEntry,
  errand: Errand,
  tell: (progress: UploadProgress) => void,
): Promise<Uploaded | null> {
  const { stored } = entry;
  if (stored === null) return null;
  const registered = await registeredCid(client, entry);
  if (registered?.equals(cidOf(stored))) return finish(client, entry, errand, tell);
  // A registration whose deadline has passed can no longer succeed. A new one registers the same record and version.
  const isLate = stored.body !== null && stored.body.deadline <= unixNow() + NEARLY_EXPIRED_SECONDS;
  try {
    return await finish(client, isLate ? { ...entry, stored: { ...stored, body: null } } : entry, errand, tell);
  } catch (error) {
    if (!(error instanceof Failure) || !LET_GO.includes(error.code)) throw error;
    await saveEntry(client, { ...entry, stored: null });
    return null;
  }
}

const cidOf = (stored: StoredEnvelope): Cid => new Cid(stored.codec, stored.digest);

/** Registers a stored envelope, and ends the upload. */
async function finish(
  client: ReadyClient,
  entry: JournalEntry,
  errand: Errand,
  tell: (progress: UploadProgress) => void,
): Promise<Uploaded> {
  const stored = entry.stored;
  if (stored === null) throw new Error('called once the envelope is stored');
  tell({ state: 'registering', progress: 0 });
  const deposit: api.RegisterBody = {
    record: entry.record,
    version: entry.version,
    release_share: stored.releaseShare,
    ...(entry.salt === null ? {} : { salt: entry.salt }),
  };
  if ((await registeredCid(client, entry))?.equals(cidOf(stored))) {
    await depositShare(client, entry, deposit);
  } else {
    const action = await registration(client, entry, stored);
    let body = stored.body?.json;
    if (body === undefined) {
      const signed = await signAction(client, action, sentenceOf(client, entry, action), errand, REGISTRATION);
      body = { ...deposit, action: toBody(signed) };
      const { nonce, deadline } = action.message;
      const kept = { json: body, deadline: Number(deadline), nonce: nonce.toString() };
      await saveEntry(client, { ...entry, stored: { ...stored, body: kept } });
    }
    await settle(client, action, await api.register(body), errand);
  }
  const registered = await registeredCid(client, entry);
  if (!registered?.equals(cidOf(stored))) throw new Failure('changed');
  await endEntry(client, entry);
  return { record: entry.record, version: entry.version };
}

function sentenceOf(client: ReadyClient, entry: JournalEntry, action: Action) {
  const own = entry.patient === client.address;
  return action.type === 'register_record'
    ? ({ key: 'sign.add_record', values: { category: entry.category ?? 'unspecified', patient: entry.patient, own } } as const)
    : ({ key: 'sign.add_version', values: { version: entry.version, record: entry.record, patient: entry.patient, own } } as const);
}

/** Deposits the release share for a version that is on the chain, with the proof that the uploader may do so. */
async function depositShare(client: ReadyClient, entry: JournalEntry, deposit: api.RegisterBody): Promise<void> {
  const isPatient = entry.patient === entry.uploader;
  const body = isPatient
    ? deposit
    : { ...deposit, salt: entry.salt ?? (await ownSalt(client, entry.record)), write_salt: await writeSaltOf(client, entry) };
  try {
    await whileBehind(['unknown_record'], () => api.register(body), 10);
  } catch (error) {
    if (!(error instanceof Failure) || error.code !== 'already_exists') throw error;
  }
}

/** Returns the CID that the chain has for the entry's version; `null` if it has none. */
async function registeredCid(client: ReadyClient, entry: JournalEntry): Promise<Cid | null> {
  const record = await client.chain.findRecord(entry.record);
  if (record === null || record.version < entry.version) return null;
  const versions = await versionsOfRecord(client.chain, entry.record);
  return versions.find((version) => version.version === entry.version)?.cid ?? null;
}

/** Returns the message that registers the entry's version; the one that was signed before, if there is one. */
async function registration(client: ReadyClient, entry: JournalEntry, stored: StoredEnvelope): Promise<Action> {
  const nonce = stored.body === null ? newNonce() : BigInt(stored.body.nonce);
  const deadline =
    stored.body === null
      ? await newDeadline(client.chain, entry.salt === null ? 'register_version' : 'register_record')
      : BigInt(stored.body.deadline);
  const signedBefore = stored.body?.json.action?.action as { message?: { writeSalt?: Hex } } | undefined;
  const isPatient = entry.patient === entry.uploader;
  const writeSalt = isPatient ? ZERO_HASH : (signedBefore?.message?.writeSalt ?? (await writeSaltOf(client, entry)));
  const { codec, digest } = stored;
  const shared = { uploader: entry.uploader, codec, digest, writeSalt, nonce, deadline };
  if (entry.salt !== null && entry.category !== null) {
    const category = CATEGORIES.code(entry.category);
    return { type: 'register_record', message: { ...shared, patient: entry.patient, salt: entry.salt, category } };
  }
  const salt = isPatient ? ZERO_HASH : await ownSalt(client, entry.record);
  return { type: 'register_version', message: { ...shared, record: entry.record, version: entry.version - 1, salt } };
}

/** Returns the salt that opens this uploader's WRITE tag for the patient. */
async function writeSaltOf(client: ReadyClient, entry: JournalEntry): Promise<Hex> {
  const category = entry.category === null ? (await client.chain.record(entry.record)).category : CATEGORIES.code(entry.category);
  return findWriteSalt(client, entry.patient, category);
}
