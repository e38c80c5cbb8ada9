/**
 * Makes the vectors of TypeScript, `protocol/vectors/web-*.json`. Rust opens and checks each of them (`protocol/tests/vectors.rs`), as
 * TypeScript does with those that Rust made. The random bytes are fixed, so that making the files again gives the same files.
 */

import { p256 } from '@noble/curves/nist.js';
import { privateKeyToAccount } from 'viem/accounts';
import { AddressBook } from '../../src/protocol/address-book.ts';
import { authorshipTypedData } from '../../src/protocol/authorship.ts';
import { Bundle } from '../../src/protocol/bundle.ts';
import type { Bytes } from '../../src/protocol/bytes.ts';
import { type Binding, Capsule, noteBinding, ownerBinding, readerShareBinding, releaseShareBinding } from '../../src/protocol/capsule.ts';
import { domainOf } from '../../src/protocol/deployment.ts';
import { hashContent } from '../../src/protocol/envelope/content-hash.ts';
import { encodeMetadata, type Metadata } from '../../src/protocol/envelope/metadata.ts';
import { Sealer } from '../../src/protocol/envelope/seal.ts';
import { type Address, type Hex, toHex } from '../../src/protocol/hex.ts';
import { categoryKey, identityKey } from '../../src/protocol/identity.ts';
import { Keyring } from '../../src/protocol/keyring/keyring.ts';
import { WalletMessage } from '../../src/protocol/keyring/wallet.ts';
import { actionId, signedActionToJson } from '../../src/protocol/messages.ts';
import { sealNote } from '../../src/protocol/note.ts';
import { hashOfLeaf, type ReadRequest, readRequestBytes, readRequestToJson } from '../../src/protocol/reads.ts';
import { kitToText } from '../../src/protocol/recovery.ts';
import { DataKey, NoteKey, type SealableSecret, SlotShare } from '../../src/protocol/secret.ts';
import { loginHash, loginText, rfc3339 } from '../../src/protocol/session.ts';
import { readerShare, releaseShare } from '../../src/protocol/split.ts';
import { ACCESS_REQUEST, DENY_REQUEST, PROFILE } from '../../src/protocol/statements.ts';
import { argon2idForTests } from './argon2.ts';
import { collect, fixedRandom, patternBytes, toBase64 } from './patterns.ts';
import {
  CONTEXT,
  DEPLOYMENT,
  deploymentJson,
  finishedJson,
  GRANT_REGISTRY,
  GRANTEE,
  KEY_EPOCH,
  metadataOf,
  OPERATOR,
  PATIENT,
  PATIENT_KEY,
  RECORD,
  repeated,
  sealParams,
  seedOf,
  WALLET,
} from './people.ts';
import { type BindingText, openedOf, type Scenario, type Vector } from './scenario.ts';
import { type LeafJson, leafOf } from './scenario-messages.ts';
import { ACTIONS, DENIAL, PROFILE_MESSAGE, REQUEST } from './signed-messages.ts';

const OF = { ...CONTEXT, record: RECORD, version: 1 };
const CHAIN_ID = String(CONTEXT.chainId);
const wallet = privateKeyToAccount(WALLET);
const newKey = (): DataKey => new DataKey(new Uint8Array(32).fill(0xe4));

/** Returns every file by its name. All expect `ok`: files that must not open are among Rust's vectors. */
export async function makeWebVectors(): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  const add = (name: string, description: string, scenario: Scenario): void => {
    const vector: Vector = { description: `made by TypeScript: ${description}`, expect: 'ok', scenario };
    files.set(`web-${name}.json`, `${JSON.stringify(vector, null, 2)}\n`);
  };
  await addCapsules(add);
  await addEnvelopes(add);
  await addLetters(add);
  await addMessages(add);
  return files;
}

type Add = (name: string, description: string, scenario: Scenario) => void;

function bindingText(binding: Binding): BindingText {
  return {
    chain_id: String(binding.chainId),
    contract: binding.contract,
    patient: binding.patient,
    recipient: binding.recipient,
    key_epoch: binding.keyEpoch,
    scope_kind: binding.scopeKind,
    scope_id: binding.scopeId,
    version: binding.version,
    grant_epoch: binding.grantEpoch,
  };
}

async function addCapsules(add: Add): Promise<void> {
  const [seed, epoch] = [0x24, 9];
  const key = identityKey(seedOf(seed), epoch);
  const seal = async (name: string, holds: string, secret: SealableSecret, binding: Binding): Promise<Capsule> => {
    const capsule = await Capsule.seal(secret, key.publicKey, binding);
    add(`capsule-${name}`, `a capsule that holds ${holds.replace('_', ' ')}`, {
      kind: 'capsule',
      holds,
      secret: toHex(secret.expose()),
      recipient_seed: repeated(seed),
      recipient_epoch: epoch,
      binding: bindingText(binding),
      capsule: capsule.hex,
    });
    return capsule;
  };
  const dek = newKey();
  await seal('owner', 'owner', dek, ownerBinding(OF, PATIENT, epoch));
  await seal('release-share', 'release_share', releaseShare(dek, OF), releaseShareBinding(OF, PATIENT, OPERATOR, epoch));
  const noteKey = new NoteKey(new Uint8Array(32).fill(0xe5));
  await seal('note-key', 'note_key', noteKey, noteBinding(CONTEXT.chainId, GRANT_REGISTRY, PATIENT, epoch));
  const share = readerShareBinding(OF, PATIENT, GRANTEE, epoch, 2 ** 32 - 1);
  const capsule = await seal('reader-share', 'reader_share', readerShare(dek, OF), share);
  await addSlotCapsule(add, dek);
  const bundle = new Bundle(RECORD, [
    { version: 1, capsule },
    { version: 65_535, capsule },
  ]);
  const capsules = bundle.entries.map(({ version, capsule }) => [version, capsule.hex] as const);
  add('bundle', 'a bundle of two versions', { kind: 'bundle', record: RECORD, capsules, hash: bundle.hash() });
}

async function addSlotCapsule(add: Add, dek: DataKey): Promise<void> {
  const [seed, category, epoch] = [0x24, 'pathology', 9] as const;
  const share = new SlotShare(readerShare(dek, OF).expose());
  const binding = ownerBinding(OF, PATIENT, epoch);
  const capsule = await Capsule.seal(share, categoryKey(seedOf(seed), category, epoch).publicKey, binding);
  add('capsule-slot', 'a capsule that holds S, sealed to a category key', {
    kind: 'capsule',
    holds: 'slot',
    secret: toHex(share.expose()),
    recipient_seed: repeated(seed),
    recipient_epoch: epoch,
    category,
    binding: bindingText(binding),
    capsule: capsule.hex,
  });
}

async function addEnvelopes(add: Add): Promise<void> {
  const dek = newKey();
  const owner = { role: 'owner', seed: repeated(0x61) } as const;
  const reader = {
    role: 'reader',
    reader_share: toHex(readerShare(dek, OF).expose()),
    release_share: toHex(releaseShare(dek, OF).expose()),
  } as const;
  const seal = async (
    name: string,
    content: Bytes,
    opener: typeof owner | typeof reader,
    change: Partial<Metadata> = {},
  ): Promise<void> => {
    const metadata = { ...metadataOf(await hashContent([content])), ...change };
    const sealer = await Sealer.create(sealParams(metadata), dek, fixedRandom(content.length + 1));
    add(`envelope-${name}`, `an envelope of ${content.length} bytes`, {
      kind: 'envelope',
      chain_id: CHAIN_ID,
      registry: CONTEXT.registry,
      record: RECORD,
      version: 1,
      patient: PATIENT,
      patient_public_key: PATIENT_KEY.publicKey.hex,
      opener,
      file: toBase64(await collect(sealer.seal([content]))),
      opened: openedOf(metadata, [content]),
    });
  };
  const before = 4 + encodeMetadata(metadataOf({ length: 65_000, hash: RECORD })).length;
  await seal('empty', new Uint8Array(0), owner);
  await seal('plain', patternBytes(1_000), reader, { fhirType: null, codes: [], mediaType: 'text/plain; charset=utf-8' });
  await seal('border', patternBytes(65_504 - before), owner);
  await seal('after-border', patternBytes(65_504 - before + 1), reader);
  await seal('three-segments', patternBytes(150_000), owner, { created: 2n ** 64n - 1n, fileName: 'रिपोर्ट.pdf' });

  const content = patternBytes(2_500);
  const { hash: contentHash } = await hashContent([content]);
  const claim = { record: RECORD, version: 1, author: PATIENT, contentHash, created: 1_795_000_000n };
  const signature = await wallet.signTypedData(authorshipTypedData(CONTEXT, claim) as never);
  await seal('signed', content, reader, { signedBy: { author: PATIENT, signature } });
}

async function addLetters(add: Add): Promise<void> {
  const random = fixedRandom(11);
  const binding = noteBinding(CONTEXT.chainId, GRANT_REGISTRY, PATIENT, KEY_EPOCH);
  const text = 'Nachkontrolle: bitte den Befund vom März. 🩺 अनुवर्ती';
  add('note', 'a note', {
    kind: 'note',
    patient_seed: repeated(0x61),
    patient_key_epoch: KEY_EPOCH,
    binding: bindingText(binding),
    author: GRANTEE,
    note: toBase64(await sealNote(text, GRANTEE, PATIENT_KEY.publicKey, binding, random)),
    text,
  });

  const book = new AddressBook();
  book.set(OPERATOR, 'Klinik "am See"');
  book.set(GRANTEE, 'डॉ. आदा');
  add('address-book', 'an address book', {
    kind: 'address_book',
    seed: repeated(0x41),
    owner: PATIENT,
    sealed: toBase64(await book.seal(seedOf(0x41), PATIENT, random)),
    names: book.entries(),
  });

  const keyring = new Keyring(CONTEXT.chainId, PATIENT);
  const parts = { owner: PATIENT, chainId: CONTEXT.chainId, domain: 'medlock.example', uri: 'https://medlock.example/app' };
  const message = WalletMessage.create({ ...parts, issuedAt: '2026-11-21T06:00:00Z' }, random);
  const signature = await wallet.signMessage({ message: message.text });
  const passphrase = 'ﬁve ½ blue ｗhales';
  await keyring.addWallet(seedOf(0x5f), message, signature, signature, random);
  await keyring.addPassphrase(seedOf(0x5f), passphrase, argon2idForTests, random);
  const json: unknown = JSON.parse(new TextDecoder().decode(keyring.toJson()));
  const common = { kind: 'keyring', chain_id: CHAIN_ID, owner: PATIENT, keyring: json, seed: repeated(0x5f) } as const;
  add('keyring-wallet', 'a keyring, opened by the wallet', { ...common, unlock: { signature } });
  add('keyring-passphrase', 'a keyring, opened by the passphrase', { ...common, unlock: { passphrase } });

  const text24 = kitToText({ chainId: CONTEXT.chainId, owner: PATIENT, seed: seedOf(0x7b) });
  add('kit', 'a recovery kit', { kind: 'kit', chain_id: CHAIN_ID, owner: PATIENT, seed: repeated(0x7b), text: text24 });
}

async function addMessages(add: Add): Promise<void> {
  const deployment = deploymentJson();
  for (const action of ACTIONS) {
    add(`action-${action.type.replaceAll('_', '-')}`, 'an action, as the API takes it', {
      kind: 'action',
      deployment,
      action: signedActionToJson({ action, signature: '0x' }).action,
      signing_hash: actionId(action, DEPLOYMENT),
    });
  }
  const statement = (name: string, json: Record<string, unknown>, signing_hash: Hex): void =>
    add(`statement-${name.replaceAll('_', '-')}`, 'a statement, as the API takes it', {
      kind: 'statement',
      deployment,
      statement: { [name]: json },
      signing_hash,
    });
  statement('access_request', ACCESS_REQUEST.toJson(REQUEST), ACCESS_REQUEST.signingHash(REQUEST, DEPLOYMENT));
  statement('deny_request', DENY_REQUEST.toJson(DENIAL), DENY_REQUEST.signingHash(DENIAL, DEPLOYMENT));
  statement('profile', PROFILE.toJson(PROFILE_MESSAGE), PROFILE.signingHash(PROFILE_MESSAGE, DEPLOYMENT));
  await addRead(add, deployment);
  add('operator-keys', "a rotation of the operator's encryption key", {
    kind: 'operator_keys',
    deployment: finishedJson(2),
    kept: finishedJson(1),
    newest_epoch: 2,
  });
}

async function addRead(add: Add, deployment: Record<string, unknown>): Promise<void> {
  // The patient's wallet is the operator here, too.
  const operator = wallet.address.toLowerCase() as Address;
  const at = { ...DEPLOYMENT, operator };
  const sessionScalar = new Uint8Array(32).fill(0x70);
  const point = p256.getPublicKey(sessionScalar, false) as Bytes;
  const login = {
    domain: 'medlock.example',
    address: PATIENT as Address,
    uri: 'https://medlock.example',
    nonce: 'a1B2c3D4e5F6g7H8',
  };
  const times = { issuedAt: rfc3339(1_795_000_000), expirationTime: rfc3339(1_795_043_200) };
  const text = loginText({ ...login, ...times, chainId: CONTEXT.chainId, sessionKey: point });
  add('login', 'a login message', {
    kind: 'login',
    ...login,
    chain_id: CHAIN_ID,
    issued_at: times.issuedAt,
    expiration_time: times.expirationTime,
    session_key: toHex(point),
    text,
  });

  const request: ReadRequest = {
    loginHash: loginHash(text),
    record: RECORD,
    version: 3,
    purpose: 'COC',
    grantee: PATIENT,
    salt: repeated(0x5a),
    nonce: repeated(0x4e),
    deadline: 1_795_000_060,
  };
  const signed = readRequestBytes(request, at);
  const leaf: LeafJson = {
    request: readRequestToJson(request),
    signature: toHex(p256.sign(signed, sessionScalar, { format: 'compact' })),
    login_message: text,
    login_signature: await wallet.signMessage({ message: text }),
    block_hash: repeated(0xb1),
    time: 1_795_000_001,
    anchor_by: 1_795_000_031,
    blinding: repeated(0xb2),
  };
  const leafHash = hashOfLeaf(leafOf(leaf), at);
  const receipt = { operator, leaf: leafHash, record: RECORD, version: 3, anchorBy: BigInt(leaf.anchor_by) };
  const types = ['address operator', 'bytes32 leaf', 'bytes32 record', 'uint16 version', 'uint64 anchorBy'];
  const fields = types.map((field) => ({ type: field.split(' ')[0] ?? '', name: field.split(' ')[1] ?? '' }));
  const receipt_signature = await wallet.signTypedData({
    domain: domainOf(at, 'access_log'),
    types: { ReadReceipt: fields },
    primaryType: 'ReadReceipt',
    message: receipt,
  } as never);
  add('read', 'a read request, its leaf and its receipt', {
    kind: 'read',
    deployment: { ...deployment, operator },
    leaf,
    signed_bytes: toHex(signed),
    leaf_hash: leafHash,
    receipt: { ...receipt, anchorBy: Number(receipt.anchorBy) },
    receipt_signature,
  });
}
