/** Opens a document: fetches, checks everything, decrypts. Mirrors `client/src/download.rs`. */
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

/** Reads an envelope while it is fetched. Returns the metadata, and the content in the form that the reader produces. */
type Read<Content> = (
  envelope: ReadableStream<Uint8Array>,
  request: OpenRequest,
) => Promise<{ readonly metadata: Metadata; readonly content: Content }>;

/**
 * Opens one version of a record.
 *
 * @throws Failure `no_grant`, `wrong_bundle`, `wrong_receipt`, `cid_mismatch`, `invalid_envelope`, `commitment`, and the refusals of the
 * server (`grant_revoked`, `grant_expired`, `not_accredited`, `share_missing`, …).
 */
export async function openRecord(
  client: ReadyClient,
  wanted: OpenInput,
  tell: (progress: OpenProgress) => void,
  signal: AbortSignal,
): Promise<OpenedRecord> {
  const { facts, content } = await readRecord(client, wanted, (envelope, request) => openFile(envelope, request, { signal }), tell, signal);
  // The blob has no media type: the viewer decides how to show it.
  return { ...facts, blob: content };
}

/**
 * Opens one version of a record and writes it directly into a file. If any check fails, nothing is left in the file. Memory use does not
 * grow with the document: the envelope is fetched, checked and written piece by piece.
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

/** Writes the content of an envelope while it is opened. The caller decides whether to keep the file after this function has returned. */
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

/** Returns the pieces of an envelope as a stream. */
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

/** Checks and decrypts an envelope in a worker. Resolves only if every check passed. */
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
    // The chain has the version, so only its file is missing.
    if (failure instanceof Failure && failure.code === 'not_found') throw new Failure('envelope_missing', { cause: error });
    if (failure instanceof Failure && (failure.code === 'invalid_envelope' || failure.code === 'commitment')) {
      await requireCid(version, signal);
    }
    throw failure;
  }
}

/** Distinguishes a faulty store from a faulty uploader: reads the whole envelope again and compares it with the CID on the chain. */
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
 * Returns who signed a document. An invalid signature does not prevent the opening (SPEC, section 5): the document then names no author,
 * and the result differs from that of a document without a signature.
 */
export async function signerOf(
  chain: Pick<Chain, 'envelopeContext' | 'acceptsSignature'>,
  { record, version }: Pick<ChainVersion, 'record' | 'version'>,
  metadata: Metadata,
): Promise<{ readonly signer: Address | null; readonly forged: boolean }> {
  const proof = verifyAuthorship(chain.envelopeContext, record, version, metadata);
  if (proof.kind === 'unsigned') return { signer: null, forged: false };
  // Only a contract is asked here. The signature of a plain account has one valid form, which was checked already.
  const holds = proof.kind === 'signed' || (await chain.acceptsSignature(proof.author, proof.hash, proof.signature));
  return { signer: holds ? proof.author : null, forged: !holds };
}

/** Returns the author of a document, after checking the signature. */
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
