/** Opening a document: fetch, check everything, decrypt. Mirrors `client/src/download.rs`. */
import type { Address } from 'viem';
import type { Chain } from '../chain/chain.ts';
import type { ChainVersion } from '../chain/events.ts';
import type { Author, DocumentFacts, OpenInput, OpenProgress, OpenedRecord } from '../types/records.ts';
import type { ReadyClient } from '../device/client.ts';
import { Failure } from '../failure.ts';
import { verifyAuthorship } from '../protocol/authorship.ts';
import type { Bytes } from '../protocol/bytes.ts';
import { CidMismatch, verifyingCid } from '../protocol/cid/build.ts';
import type { Header } from '../protocol/envelope/header.ts';
import type { Metadata } from '../protocol/envelope/metadata.ts';
import { openFile, openFilePieces, type OpenRequest, type Unlocked } from '../workers/open.ts';
import type { ChosenFile } from './chosen-file.ts';
import { fetched } from './envelope-bytes.ts';
import { rememberName } from './record-names.ts';
import { asOpenFailure } from './open-failure.ts';
import { openOwnCapsule } from './own-versions.ts';
import { person } from './people.ts';
import { askForKey, checkEvidence, unlockAsGrantee } from './read-key.ts';
import { findVersion } from './records.ts';

/** Reads an envelope as it is fetched; gives the metadata, and what became of the content. */
type Read<Content> = (
  envelope: ReadableStream<Uint8Array>,
  request: OpenRequest,
) => Promise<{ readonly metadata: Metadata; readonly content: Content }>;

/**
 * Opens one version of a record.
 *
 * @throws Failure `no_grant`, `wrong_bundle`, `wrong_receipt`, `cid_mismatch`, `invalid_envelope`, `commitment`,
 * and what the server refuses (`grant_revoked`, `grant_expired`, `not_accredited`, `share_missing`, …).
 */
export async function openRecord(
  client: ReadyClient,
  wanted: OpenInput,
  tell: (progress: OpenProgress) => void,
  signal: AbortSignal,
): Promise<OpenedRecord> {
  const { facts, content } = await readRecord(client, wanted, (envelope, request) => openFile(envelope, request, { signal }), tell, signal);
  // Without a type of its own: what it is shown as is the viewer's to decide.
  return { ...facts, blob: content };
}

/**
 * Opens one version of a record straight into a file, of which nothing is left unless everything held. Memory stays flat: the
 * envelope is fetched, checked and written piece by piece.
 *
 * @throws Failure as `openRecord`; `not_saved`.
 */
export async function saveRecord(
  client: ReadyClient,
  wanted: OpenInput,
  file: ChosenFile,
  tell: (progress: OpenProgress) => void,
  signal: AbortSignal,
): Promise<DocumentFacts> {
  try {
    const { facts } = await readRecord(client, wanted, (envelope, request) => readInto(file, envelope, request, signal), tell, signal);
    signal.throwIfAborted();
    await file.keep();
    return facts;
  } catch (error) {
    await file.drop();
    throw error;
  }
}

/** Writes the content of an envelope as it is opened. Whether to keep it is for the caller to say once this is done. */
export async function readInto(
  file: Pick<ChosenFile, 'write'>,
  envelope: ReadableStream<Uint8Array>,
  request: OpenRequest,
  signal: AbortSignal,
): Promise<{ metadata: Metadata; content: null }> {
  const metadata = await openFilePieces(envelope, request, (bytes) => file.write(bytes), { signal });
  return { metadata, content: null };
}

async function readRecord<Content>(
  client: ReadyClient,
  wanted: OpenInput,
  read: Read<Content>,
  tell: (progress: OpenProgress) => void,
  signal: AbortSignal,
): Promise<{ facts: DocumentFacts; content: Content }> {
  await client.chain.verifyDeployment();
  const version = await findVersion(client.chain, wanted.record, wanted.version);
  const isOwner = version.patient === client.keys.owner;
  tell({ step: isOwner ? 'fetching' : 'asking', done: 0 });
  const asked = isOwner ? null : await askForKey(client, version, wanted.purpose);
  tell({ step: 'fetching', done: 0 });
  try {
    const unlock = async (header: Header): Promise<Unlocked> =>
      asked === null ? { dek: await openOwnCapsule(client, header), commitment: null } : unlockAsGrantee(client, version, header, asked);
    const [{ metadata, content }] = await Promise.all([
      openEnvelope(client, version, unlock, read, (done) => tell({ step: 'fetching', done }), signal),
      asked === null ? undefined : checkEvidence(client, asked),
    ]);
    if (isOwner) rememberName(client.keys, version.cid, metadata);
    const facts: DocumentFacts = {
      record: version.record,
      version: version.version,
      patient: version.patient,
      uploader: version.uploader,
      fileName: metadata.fileName,
      mediaType: metadata.mediaType,
      created: Number(metadata.created),
      author: await authorOf(client, version, metadata),
      fhirType: metadata.fhirType,
      leaf: asked?.leaf ?? null,
      anchorBy: asked?.anchorBy ?? null,
      cid: version.cid.toString(),
    };
    return { facts, content };
  } finally {
    asked?.reader.wipe();
    asked?.released.wipe();
  }
}

/** The pieces of an envelope as a stream. */
export function streamOf(pieces: AsyncGenerator<Bytes, void, undefined>): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await pieces.next();
        if (done === true) controller.close();
        else controller.enqueue(value);
      },
      cancel: async () => {
        await pieces.return();
      },
    },
    { highWaterMark: 0 },
  );
}

/** Checks and decrypts an envelope in a worker. It resolves only when all of it holds. */
async function openEnvelope<Content>(
  client: ReadyClient,
  version: ChainVersion,
  unlock: (header: Header) => Promise<Unlocked>,
  read: Read<Content>,
  tell: (done: number) => void,
  signal: AbortSignal,
): Promise<Awaited<ReturnType<Read<Content>>>> {
  const { record, version: number, patient, cid } = version;
  const request = { context: client.chain.envelopeContext, record, version: number, patient, cid, unlock };
  try {
    return await read(streamOf(fetched(cid.toString(), tell, signal)), request);
  } catch (error) {
    const failure = asOpenFailure(error);
    // The chain has the version, so what is missing is its file.
    if (failure instanceof Failure && failure.code === 'not_found') throw new Failure('envelope_missing', { cause: error });
    if (failure instanceof Failure && (failure.code === 'invalid_envelope' || failure.code === 'commitment')) {
      await requireCid(version, signal);
    }
    throw failure;
  }
}

/** Tells a faulty store from a faulty uploader: reads the whole again and compares it with the chain. */
async function requireCid(version: ChainVersion, signal: AbortSignal): Promise<void> {
  try {
    for await (const piece of verifyingCid(
      fetched(version.cid.toString(), () => undefined, signal),
      version.cid,
    ))
      void piece;
  } catch (error) {
    if (error instanceof CidMismatch) throw asOpenFailure(error);
    if (error instanceof Failure && error.code === 'cid_mismatch') throw error;
  }
}

/**
 * Who signed a document. A signature that does not hold keeps nobody from the document (SPEC, section 5): it names nobody,
 * and it is told apart from none.
 */
export async function signerOf(
  chain: Pick<Chain, 'envelopeContext' | 'acceptsSignature'>,
  { record, version }: Pick<ChainVersion, 'record' | 'version'>,
  metadata: Metadata,
): Promise<{ readonly signer: Address | null; readonly forged: boolean }> {
  const proof = verifyAuthorship(chain.envelopeContext, record, version, metadata);
  if (proof.kind === 'unsigned') return { signer: null, forged: false };
  // Only a contract is asked: what a plain account signs has one form, and that was checked.
  const holds = proof.kind === 'signed' || (await chain.acceptsSignature(proof.author, proof.hash, proof.signature));
  return { signer: holds ? proof.author : null, forged: !holds };
}

/** Who wrote a document, after checking their signature. */
async function authorOf(client: ReadyClient, version: ChainVersion, metadata: Metadata): Promise<Author> {
  const { signer, forged } = await signerOf(client.chain, version, metadata);
  const address = (signer ?? version.uploader).toLowerCase() as Address;
  const known = await person(client, address);
  return {
    signed: signer !== null,
    forged,
    address,
    name: known?.name ?? null,
    roles: known?.counts === true ? known.roles : [],
  };
}
