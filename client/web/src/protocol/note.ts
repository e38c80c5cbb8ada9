/**
 * Notes: the reason in an access request, which only the patient can read.
 *
 * ```text
 *  off  len
 *    0 1172  capsule of the note's key, sealed to the patient
 * 1172 1040  AES-256-GCM, nonce of zeros, over: length 4 ‖ UTF-8 text ‖ zeros up to 1,024; and its tag
 * ```
 *
 * Each note has a new key, so the nonce can always be zero. Associated data: `"medlock/v1/note\0"` ‖ capsule ‖ the binding ‖ author 20, so
 * that nobody can send another person's note as their own.
 */

import { sha256 } from '@noble/hashes/sha2.js';
import { type Bytes, concat, fromUtf8, utf8 } from './bytes.ts';
import { type Binding, bindingBytes, CAPSULE_LEN, Capsule, CapsuleError } from './capsule.ts';
import { ProtocolError } from './error.ts';
import { type Address, addressBytes, type Hex, toHex } from './hex.ts';
import type { IdentityKey, PublicKey } from './key-pair.ts';
import { LABELS } from './kdf.ts';
import { type Random, systemRandom } from './random.ts';
import { decrypt, encrypt, pad, unpad } from './sealed-box.ts';
import { NoteKey } from './secret.ts';

const PADDED_LEN = 1_024;
/** Length of a sealed note in bytes. */
const NOTE_LEN = CAPSULE_LEN + PADDED_LEN + 16;
/** Maximum length of the text, in bytes of UTF-8. */
export const MAX_NOTE_TEXT_LEN = PADDED_LEN - 4;
const NONCE = new Uint8Array(12);

const MESSAGES = {
  too_long: 'the note is too long',
  malformed: 'malformed note',
  no_match: 'the note is not for this key',
  tag: 'the note was changed or has another author',
} as const;

/**
 * The reason why a note cannot be made or read. `no_match`: it is not for this key, chain, registry or epoch. `tag`: it was changed, or its
 * author is not the sender.
 */
export class NoteError extends ProtocolError<keyof typeof MESSAGES> {
  constructor(code: keyof typeof MESSAGES) {
    super(code, MESSAGES[code]);
  }
}

/**
 * Seals a text to a patient. `binding` is `noteBinding(…)`.
 *
 * @throws NoteError `too_long`.
 */
export async function sealNote(
  text: string,
  author: Address,
  patientKey: PublicKey,
  binding: Binding,
  random: Random = systemRandom,
): Promise<Bytes> {
  const padded = pad(utf8(text), PADDED_LEN);
  if (padded === null) throw new NoteError('too_long');
  const key = NoteKey.generate(random);
  const capsule = await Capsule.seal(key, patientKey, binding);
  const ciphertext = await encrypt(key.expose(), NONCE, associatedData(capsule, binding, author), padded);
  key.wipe();
  padded.fill(0);
  return concat(capsule.bytes, ciphertext);
}

/**
 * Opens a note that `author` sent.
 *
 * @throws NoteError
 */
export async function openNote(note: Bytes, author: Address, patientKey: IdentityKey, binding: Binding): Promise<string> {
  if (note.length !== NOTE_LEN) throw new NoteError('malformed');
  const { capsule, key } = await openCapsule(note.subarray(0, CAPSULE_LEN), patientKey, binding);
  const aad = associatedData(capsule, binding, author);
  const padded = await decrypt(key.expose(), NONCE, aad, note.subarray(CAPSULE_LEN));
  key.wipe();
  if (padded === null) throw new NoteError('tag');
  const bytes = unpad(padded);
  const text = bytes === null ? null : fromUtf8(bytes);
  padded.fill(0);
  if (text === null) throw new NoteError('malformed');
  return text;
}

/** Returns the SHA-256 of the sealed note, which the signed access request names. */
export function noteHash(note: Bytes): Hex {
  return toHex(sha256(note));
}

async function openCapsule(bytes: Bytes, patientKey: IdentityKey, binding: Binding): Promise<{ capsule: Capsule; key: NoteKey }> {
  try {
    const capsule = Capsule.fromBytes(bytes);
    return { capsule, key: await capsule.open(NoteKey, patientKey, binding) };
  } catch (error) {
    if (!(error instanceof CapsuleError)) throw error;
    throw new NoteError(error.code === 'no_match' ? 'no_match' : 'malformed');
  }
}

function associatedData(capsule: Capsule, binding: Binding, author: Address): Bytes {
  return concat(LABELS.note, capsule.bytes, bindingBytes(binding), addressBytes(author));
}
