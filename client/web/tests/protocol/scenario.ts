/**
 * The form of a vector file, and the code that runs it; the twin of `protocol/examples/vectors/scenario.rs`. Numbers that may exceed 2^53
 * are decimal text, bytes are `0x` hex, long byte strings are base64.
 */

import { createHash } from 'node:crypto';
import { expect } from 'vitest';
import { AddressBook, AddressBookError } from '../../src/protocol/address-book.ts';
import { authorshipHash, verifyAuthorship } from '../../src/protocol/authorship.ts';
import { Bundle, BundleError } from '../../src/protocol/bundle.ts';
import { utf8 } from '../../src/protocol/bytes.ts';
import { type Binding, Capsule, CapsuleError } from '../../src/protocol/capsule.ts';
import { CidBuilder } from '../../src/protocol/cid/build.ts';
import { Cid } from '../../src/protocol/cid/cid.ts';
import type { Category, Right, ScopeKind } from '../../src/protocol/codes.ts';
import { ContentHasher } from '../../src/protocol/envelope/content-hash.ts';
import { Header } from '../../src/protocol/envelope/header.ts';
import { HEADER_LEN, paddedLen } from '../../src/protocol/envelope/layout.ts';
import type { Metadata } from '../../src/protocol/envelope/metadata.ts';
import { Opener } from '../../src/protocol/envelope/open.ts';
import { OpenError } from '../../src/protocol/envelope/open-error.ts';
import { type Address, fromHex, type Hex, toHex } from '../../src/protocol/hex.ts';
import { categoryKey, identityKey, tagAndSalt } from '../../src/protocol/identity.ts';
import { KeyEpochs } from '../../src/protocol/key-epochs.ts';
import { PublicKey } from '../../src/protocol/key-pair.ts';
import { Keyring } from '../../src/protocol/keyring/keyring.ts';
import { KeyringError } from '../../src/protocol/keyring/keyring-error.ts';
import { EMPTY_HEAD, headHash, leafHash, nextHead, rootOf } from '../../src/protocol/log.ts';
import { NoteError, openNote } from '../../src/protocol/note.ts';
import { RecoveryError, seedFromWords, seedToWords } from '../../src/protocol/recovery.ts';
import {
  DataKey,
  NoteKey,
  ReaderShare,
  ReleaseShare,
  type SealableClass,
  type SealableSecret,
  Seed,
  SlotShare,
} from '../../src/protocol/secret.ts';
import { joinShares, readerShare, releaseShare } from '../../src/protocol/split.ts';
import { argon2idForTests } from './argon2.ts';
import { fromBase64, patternPieces } from './patterns.ts';
import { messageRunners, type MessageScenarios } from './scenario-messages.ts';
import { type RuleScenarios, ruleRunners } from './scenario-rules.ts';

/** One file of `protocol/vectors`. */
export interface Vector {
  readonly description: string;
  /** `ok`, or the class of the only failure in it. */
  readonly expect: string;
  readonly scenario: Scenario;
}

interface Content {
  readonly pattern: string;
  readonly length: string;
}

/** A capsule's binding, as vectors contain it. */
export interface BindingText {
  readonly chain_id: string;
  readonly contract: Address;
  readonly patient: Address;
  readonly recipient: Address;
  readonly key_epoch: number;
  readonly scope_kind: ScopeKind;
  readonly scope_id: Hex;
  readonly version: number;
  readonly grant_epoch: number;
}

/** The result of opening an envelope. */
export interface Opened {
  readonly content_length: string;
  readonly media_type: string;
  readonly file_name: string;
  readonly content_hash: Hex;
  readonly created: string;
  readonly fhir_type: string | null;
  readonly codes: readonly (readonly [string, string])[];
  readonly author: Address | null;
  readonly author_signature: Hex | null;
  readonly content_sha256: Hex;
}

interface Scenarios extends MessageScenarios, RuleScenarios {
  identity: { seed: Hex; epoch: number; public_key: Hex; key_hash: Hex };
  key_epochs: {
    seed: Hex;
    history: readonly (readonly [number, Hex])[];
    own: readonly number[];
    foreign: readonly number[];
    opens: readonly (readonly [number, Hex | null])[];
  };
  tag: { seed: Hex; chain_id: string; grant_registry: Address; grantee: Address; right: Right; salt: Hex; tag: Hex };
  split: {
    data_key: Hex;
    chain_id: string;
    registry: Address;
    record: Hex;
    version: number;
    release_share: Hex;
    reader_share: Hex;
  };
  capsule: {
    holds: string;
    secret: Hex;
    recipient_seed: Hex;
    recipient_epoch: number;
    /** The category of a slot capsule, whose recipient is a category key. */
    category?: Category;
    binding: BindingText;
    capsule: Hex;
  };
  padding: { lengths: readonly (readonly [string, string])[] };
  content_hash: { content: Content; hash: Hex };
  cid: { content: Content; cid: string };
  envelope: {
    chain_id: string;
    registry: Address;
    record: Hex;
    version: number;
    patient: Address;
    patient_public_key: Hex;
    opener: { role: 'owner'; seed: Hex } | { role: 'reader'; reader_share: Hex; release_share: Hex };
    file: string;
    opened?: Opened;
  };
  authorship: {
    chain_id: string;
    registry: Address;
    record: Hex;
    version: number;
    author: Address;
    content_hash: Hex;
    created: string;
    signing_hash: Hex;
    signature: Hex;
  };
  keyring: {
    chain_id: string;
    owner: Address;
    keyring: unknown;
    unlock: { passphrase: string } | { signature: Hex };
    seed: Hex;
  };
  recovery: { words: string; seed: Hex };
  note: {
    patient_seed: Hex;
    patient_key_epoch: number;
    binding: BindingText;
    author: Address;
    note: string;
    text: string;
  };
  address_book: { seed: Hex; owner: Address; sealed: string; names: readonly (readonly [Address, string])[] };
  bundle: { record: Hex; capsules: readonly (readonly [number, Hex])[]; hash: Hex };
  log: { leaves: readonly Hex[]; leaf_hashes: readonly Hex[]; roots: readonly Hex[]; heads: readonly Hex[] };
}

type Kind = keyof Scenarios;
/** A scenario of any kind. */
export type Scenario = { [K in Kind]: { readonly kind: K } & Readonly<Scenarios[K]> }[Kind];
type Runners = { [K in Kind]: (scenario: Readonly<Scenarios[K]>) => Promise<string> };

/** Runs a scenario and returns its class. If the class is `ok`, all results were compared. A kind without a runner fails. */
export async function runScenario(scenario: Scenario): Promise<string> {
  const run = runners[scenario.kind] as ((scenario: Scenario) => Promise<string>) | undefined;
  if (run === undefined) throw new Error(`no runner for vectors of kind ${scenario.kind}`);
  return run(scenario);
}

/** Returns the binding of a vector. */
export function bindingOf(text: BindingText): Binding {
  return {
    chainId: Number(text.chain_id),
    contract: text.contract,
    patient: text.patient,
    recipient: text.recipient,
    keyEpoch: text.key_epoch,
    scopeKind: text.scope_kind,
    scopeId: text.scope_id,
    version: text.version,
    grantEpoch: text.grant_epoch,
  };
}

/** Returns an opened envelope in the form of the vectors. */
export function openedOf(metadata: Metadata, content: readonly Uint8Array[]): Opened {
  const sha256 = createHash('sha256');
  for (const piece of content) sha256.update(piece);
  return {
    content_length: String(metadata.contentLength),
    media_type: metadata.mediaType,
    file_name: metadata.fileName,
    content_hash: metadata.contentHash,
    created: String(metadata.created),
    fhir_type: metadata.fhirType,
    codes: metadata.codes.map(({ system, code }) => [system, code] as const),
    author: metadata.signedBy?.author ?? null,
    author_signature: metadata.signedBy?.signature ?? null,
    content_sha256: toHex(sha256.digest()),
  };
}

const HOLDS: Readonly<Record<string, SealableClass<SealableSecret>>> = {
  owner: DataKey,
  reader_share: ReaderShare,
  release_share: ReleaseShare,
  note_key: NoteKey,
};

const runners: Runners = {
  ...messageRunners,
  ...ruleRunners,

  async identity({ seed, epoch, public_key, key_hash }) {
    const { publicKey } = identityKey(new Seed(fromHex(seed)), epoch);
    expect(publicKey.hex).toBe(public_key);
    expect(publicKey.hash()).toBe(key_hash);
    return 'ok';
  },
  async key_epochs({ seed, history, own, foreign, opens }) {
    const owner = new Seed(fromHex(seed));
    const epochs = KeyEpochs.compare((number) => identityKey(owner, number), new Map(history));
    expect(epochs.own).toEqual(own);
    expect(epochs.foreign).toEqual(foreign);
    for (const [epoch, hash] of opens) {
      const number = epochs.numberAt(epoch);
      expect(number === null ? null : identityKey(owner, number).publicKey.hash(), String(epoch)).toBe(hash);
    }
    if (epochs.newest === 0) return 'none';
    if (epochs.own.length === 0) return 'wrong keys';
    return epochs.isNewestForeign ? 'foreign key' : 'ok';
  },

  async tag({ seed, chain_id, grant_registry, grantee, right, salt, tag }) {
    const found = tagAndSalt(new Seed(fromHex(seed)), Number(chain_id), grant_registry, grantee, right);
    expect(found).toEqual({ tag, salt });
    return 'ok';
  },

  async split({ data_key, chain_id, registry, record, version, release_share, reader_share }) {
    const of = { chainId: Number(chain_id), registry, record, version };
    const dek = new DataKey(fromHex(data_key));
    expect(toHex(releaseShare(dek, of).expose())).toBe(release_share);
    expect(toHex(readerShare(dek, of).expose())).toBe(reader_share);
    expect(joinShares(readerShare(dek, of), releaseShare(dek, of)).equals(dek)).toBe(true);
    return 'ok';
  },

  async capsule({ holds, secret, recipient_seed, recipient_epoch, category, binding, capsule }) {
    const into = HOLDS[holds];
    const seed = new Seed(fromHex(recipient_seed));
    const at = bindingOf(binding);
    try {
      const parsed = Capsule.fromBytes(fromHex(capsule));
      if (category !== undefined) {
        const key = categoryKey(seed, category, recipient_epoch);
        const opened = await parsed.open(SlotShare, key, at);
        expect(toHex(opened.expose())).toBe(secret);
        expect((await Capsule.seal(opened, key.publicKey, at)).hex).toBe(capsule);
        return 'ok';
      }
      if (into === undefined) throw new Error(`unknown capsule kind ${holds}`);
      const key = identityKey(seed, recipient_epoch);
      const opened = await parsed.open(into, key, at);
      expect(toHex(opened.expose())).toBe(secret);
      expect((await Capsule.seal(opened, key.publicKey, at)).hex).toBe(capsule);
      return 'ok';
    } catch (error) {
      if (!(error instanceof CapsuleError)) throw error;
      return { malformed: 'header', no_match: 'no match', commitment: 'commitment' }[error.code];
    }
  },

  async padding({ lengths }) {
    for (const [length, padded] of lengths) expect(paddedLen(Number(length))).toBe(Number(padded));
    return 'ok';
  },

  async content_hash({ content, hash }) {
    const hasher = new ContentHasher();
    for (const piece of patternPieces(content.pattern, Number(content.length))) await hasher.update(piece);
    expect(await hasher.finish()).toBe(hash);
    return 'ok';
  },

  async cid({ content, cid }) {
    const builder = new CidBuilder();
    for (const piece of patternPieces(content.pattern, Number(content.length))) await builder.update(piece);
    expect((await builder.finish()).toString()).toBe(cid);
    expect(Cid.parse(cid).toString()).toBe(cid);
    return 'ok';
  },

  async envelope(scenario) {
    try {
      expect(await openEnvelope(scenario)).toEqual(scenario.opened);
      return 'ok';
    } catch (error) {
      if (error instanceof OpenError) return error.code;
      throw error;
    }
  },

  async authorship({ chain_id, registry, record, version, author, content_hash, created, signing_hash, signature }) {
    const context = { chainId: Number(chain_id), registry };
    const message = { record, version, author, contentHash: content_hash, created: BigInt(created) };
    expect(authorshipHash(context, message)).toBe(signing_hash);
    const proof = verifyAuthorship(context, record, version, {
      contentLength: 0,
      mediaType: 'a/b',
      fileName: 'x',
      contentHash: content_hash,
      created: BigInt(created),
      fhirType: null,
      codes: [],
      signedBy: { author, signature },
    });
    return proof.kind === 'signed' && proof.author === author ? 'ok' : 'no match';
  },

  async keyring({ chain_id, owner, keyring, unlock, seed }) {
    try {
      const parsed = Keyring.fromJson(utf8(JSON.stringify(keyring)), Number(chain_id), owner);
      expect(Keyring.fromJson(parsed.toJson(), Number(chain_id), owner).toJson()).toEqual(parsed.toJson());
      const opened =
        'passphrase' in unlock
          ? await parsed.openWithPassphrase(unlock.passphrase, argon2idForTests)
          : await openWithFirstWallet(parsed, unlock.signature);
      expect(toHex(opened.expose())).toBe(seed);
      return 'ok';
    } catch (error) {
      if (!(error instanceof KeyringError)) throw error;
      if (error.code === 'malformed' || error.code === 'other_owner') return 'header';
      return error.code === 'tag' ? 'tag' : 'no match';
    }
  },

  async recovery({ words, seed }) {
    try {
      const opened = seedFromWords(words);
      expect(toHex(opened.expose())).toBe(seed);
      expect(seedToWords(opened)).toBe(words);
      return 'ok';
    } catch (error) {
      if (!(error instanceof RecoveryError)) throw error;
      return error.code === 'count' ? 'length' : 'no match';
    }
  },

  async note({ patient_seed, patient_key_epoch, binding, author, note, text }) {
    const key = identityKey(new Seed(fromHex(patient_seed)), patient_key_epoch);
    try {
      expect(await openNote(fromBase64(note), author, key, bindingOf(binding))).toBe(text);
      return 'ok';
    } catch (error) {
      if (!(error instanceof NoteError)) throw error;
      return { tag: 'tag', no_match: 'no match', malformed: 'header', too_long: 'header' }[error.code];
    }
  },

  async address_book({ seed, owner, sealed, names }) {
    try {
      const book = await AddressBook.open(fromBase64(sealed), new Seed(fromHex(seed)), owner);
      expect(book.entries()).toEqual(names);
      return 'ok';
    } catch (error) {
      if (!(error instanceof AddressBookError)) throw error;
      return error.code === 'tag' ? 'tag' : 'header';
    }
  },

  async bundle({ record, capsules, hash }) {
    try {
      const entries = capsules.map(([version, hex]) => ({ version, capsule: Capsule.fromHex(hex) }));
      const bundle = new Bundle(record, entries);
      if (bundle.hash() !== hash) return 'commitment';
      expect(bundle.signedLength(hash)).toBe(entries.length);
      return 'ok';
    } catch (error) {
      if (error instanceof BundleError || error instanceof CapsuleError) return 'header';
      throw error;
    }
  },

  async log({ leaves, leaf_hashes, roots, heads }) {
    const hashes = leaves.map((leaf) => leafHash(fromHex(leaf)));
    expect(hashes).toEqual(leaf_hashes);
    let head = EMPTY_HEAD;
    for (const [i, root] of roots.entries()) {
      expect(rootOf(hashes.slice(0, i + 1))).toBe(root);
      head = nextHead(head, i + 1, root);
      expect(headHash(head)).toBe(heads[i]);
    }
    return 'ok';
  },
};

async function openWithFirstWallet(keyring: Keyring, signature: Hex): Promise<Seed> {
  const [message] = keyring.walletMessages();
  if (message === undefined) throw new Error('the keyring has a wallet entry');
  return keyring.openWithWallet(message, signature);
}

async function openEnvelope(scenario: Readonly<Scenarios['envelope']>): Promise<Opened> {
  const file = fromBase64(scenario.file);
  const context = { chainId: Number(scenario.chain_id), registry: scenario.registry };
  const header = Header.parse(file);
  header.expect(scenario.record, scenario.version);
  const { opener } = scenario;
  const dek =
    opener.role === 'owner'
      ? await header.openOwnerCapsule(context, scenario.patient, identityKey(new Seed(fromHex(opener.seed)), header.keyEpoch))
      : joinShares(new ReaderShare(fromHex(opener.reader_share)), new ReleaseShare(fromHex(opener.release_share)));
  const opening = new Opener(header, context, dek).open([file.subarray(HEADER_LEN)]);
  const content: Uint8Array[] = [];
  for (;;) {
    const next = await opening.next();
    if (next.done !== true) {
      content.push(next.value);
      continue;
    }
    if (opener.role === 'reader') {
      const patientKey = PublicKey.fromHex(scenario.patient_public_key);
      const released = new ReleaseShare(fromHex(opener.release_share));
      await header.checkCommitment(context, scenario.patient, patientKey, dek, released);
    }
    return openedOf(next.value, content);
  }
}
