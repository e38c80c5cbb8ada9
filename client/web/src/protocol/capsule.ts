/**
 * Capsules: a 32-byte secret sealed to one public key. Sealing again gives the same bytes.
 *
 * ```text
 *  off  len
 *    0    1  version 0x01
 *    1    2  KEM
 *    3    1  kind
 *    4 Nenc  enc, the encapsulated secret
 * 4+Nenc 48  ciphertext, AES-256-GCM
 * ```
 *
 * Each kind has one KEM (`kem.ts`), from which the length follows: 1,172 bytes with MLKEM768-X25519, and 117 bytes with DHKEM(secp256k1),
 * which only slot capsules use.
 *
 * HPKE (RFC 9180) base mode; `info = "medlock/v1/capsule\0" ‖ bytes [0,4)`, `aad` = the binding. Encapsulation is not random but derived from
 * the secret, the recipient's key and the binding. This is safe because every secret is 32 uniform bytes. Everybody who has the secret can
 * make the same capsule again and compare.
 */

import { type Bytes, concat, equalConstantTime, u16, u32, u64, u8 } from './bytes.ts';
import { KEM_SECP256K1, KEM_X_WING, type ScopeKind, SCOPE_KINDS } from './codes.ts';
import { ProtocolError } from './error.ts';
import { type Address, addressBytes, fromHex, type Hex, isHex, toHex, ZERO_HASH } from './hex.ts';
import * as hpke from './hpke.ts';
import { LABELS } from './kdf.ts';
import { type CategoryKey, type CategoryPublicKey, isPoint, POINT_LEN } from './kem/secp256k1.ts';
import { ENC_LEN } from './kem/x-wing.ts';
import type { IdentityKey, PublicKey } from './key-pair.ts';
import { decrypt, encrypt } from './sealed-box.ts';
import { CAPSULE_KINDS, type CapsuleKind, type SealableClass, type SealableSecret } from './secret.ts';
import type { RecordVersion } from './split.ts';

const HEADER_LEN = 4;
const CIPHERTEXT_LEN = 48;
const VERSION = 0x01;
/** Length of every capsule that is sealed to an identity key or to the operator's key, in bytes. */
export const CAPSULE_LEN = HEADER_LEN + ENC_LEN + CIPHERTEXT_LEN;
/** Length of a slot capsule in bytes. */
export const SLOT_CAPSULE_LEN = HEADER_LEN + POINT_LEN + CIPHERTEXT_LEN;

/** The public key to which a kind of secret is sealed. */
type PublicKeyOf<S extends SealableSecret> = S['capsuleKind'] extends typeof CAPSULE_KINDS.slot ? CategoryPublicKey : PublicKey;
/** The private key that opens the capsules of a kind of secret. */
type PrivateKeyOf<S extends SealableSecret> = S['capsuleKind'] extends typeof CAPSULE_KINDS.slot ? CategoryKey : IdentityKey;

/** The values to which a capsule is bound. It opens only with exactly these values. */
export interface Binding {
  /** EIP-155 chain id. */
  readonly chainId: number | bigint;
  /** The contract whose state decides what the capsule is for. */
  readonly contract: Address;
  /** The patient whose data the capsule opens. */
  readonly patient: Address;
  /** The account to whose key the capsule is sealed. */
  readonly recipient: Address;
  /** The epoch of that key. */
  readonly keyEpoch: number;
  /** The kind of the scope. */
  readonly scopeKind: ScopeKind;
  /** A record id, a category, or zero. */
  readonly scopeId: Hex;
  /** The record version; 0 if there is none. */
  readonly version: number;
  /** The epoch of the grant, as `Granted` shows it; 0 if there is none. */
  readonly grantEpoch: number;
}

/** Returns the binding of the owner capsule in an envelope: contract = RecordRegistry, recipient = the patient. */
export function ownerBinding(of: RecordVersion, patient: Address, keyEpoch: number): Binding {
  return ofVersion(of, patient, patient, keyEpoch);
}

/** Returns the binding of a release share: contract = RecordRegistry, recipient = the operator. */
export function releaseShareBinding(of: RecordVersion, patient: Address, operator: Address, operatorKeyEpoch: number): Binding {
  return ofVersion(of, patient, operator, operatorKeyEpoch);
}

/**
 * Returns the binding of a reader share in the bundle of a grant over a record: contract = RecordRegistry, recipient = the grantee.
 * `grantEpoch` is the epoch that the grant will have on chain: one more than the epoch that its message names.
 */
export function readerShareBinding(
  of: RecordVersion,
  patient: Address,
  grantee: Address,
  granteeKeyEpoch: number,
  grantEpoch: number,
): Binding {
  return { ...ofVersion(of, patient, grantee, granteeKeyEpoch), grantEpoch };
}

/** Returns the binding of a note to a patient: contract = GrantRegistry, recipient = the patient, scope = all. */
export function noteBinding(chainId: number, grantRegistry: Address, patient: Address, patientKeyEpoch: number): Binding {
  return {
    chainId,
    contract: grantRegistry,
    patient,
    recipient: patient,
    keyEpoch: patientKeyEpoch,
    scopeKind: 'all',
    scopeId: ZERO_HASH,
    version: 0,
    grantEpoch: 0,
  };
}

function ofVersion(of: RecordVersion, patient: Address, recipient: Address, keyEpoch: number): Binding {
  return {
    chainId: of.chainId,
    contract: of.registry,
    patient,
    recipient,
    keyEpoch,
    scopeKind: 'record',
    scopeId: of.record,
    version: of.version,
    grantEpoch: 0,
  };
}

/**
 * Returns the HPKE associated data, 111 bytes: chain id 8 ‖ contract 20 ‖ patient 20 ‖ recipient 20 ‖ key epoch 4 ‖ scope kind 1 ‖ scope id
 * 32 ‖ version 2 ‖ grant epoch 4.
 */
export function bindingBytes(binding: Binding): Bytes {
  return concat(
    u64(binding.chainId),
    addressBytes(binding.contract),
    addressBytes(binding.patient),
    addressBytes(binding.recipient),
    u32(binding.keyEpoch),
    u8(SCOPE_KINDS.code(binding.scopeKind)),
    fromHex(binding.scopeId, 32),
    u16(binding.version),
    u32(binding.grantEpoch),
  );
}

/**
 * The reason why a capsule does not open.
 *
 * - `malformed`: wrong version, KEM, kind or length, or a point that is not on the curve.
 * - `no_match`: sealed to another key, or for another binding.
 * - `commitment`: it opens, but sealing its content again gives other bytes, so it was not made by the rules of the protocol.
 */
export class CapsuleError extends ProtocolError<'malformed' | 'no_match' | 'commitment'> {}

const MESSAGES = {
  malformed: 'malformed capsule',
  no_match: 'the capsule is not for this key and purpose',
  commitment: 'the capsule was not sealed as the protocol requires',
} as const;

const failure = (code: keyof typeof MESSAGES): CapsuleError => new CapsuleError(code, MESSAGES[code]);

/** A capsule of a known version and kind, with the KEM and the length of its kind. */
export class Capsule {
  /** Its bytes. Do not change them. */
  readonly bytes: Bytes;
  /** The kind of secret in the capsule. */
  readonly kind: CapsuleKind;

  private constructor(bytes: Bytes, kind: CapsuleKind) {
    this.bytes = bytes;
    this.kind = kind;
  }

  /**
   * Parses a capsule: checks version, kind, KEM and length, and the encapsulated secret as far as it can be checked without a private key.
   *
   * @throws CapsuleError `malformed`.
   */
  static fromBytes(bytes: Uint8Array): Capsule {
    const kind = Object.values(CAPSULE_KINDS).find((known) => known === bytes[3]);
    if (kind === undefined || !headerOf(kind).every((byte, i) => byte === bytes[i])) throw failure('malformed');
    if (bytes.length !== lengthOf(kind)) throw failure('malformed');
    const capsule = new Capsule(new Uint8Array(bytes), kind);
    // Every 1,120 bytes are an encapsulated secret of X-Wing (FIPS 203, section 7.3).
    if (kemOf(kind) === KEM_SECP256K1 && !isPoint(capsule.#enc)) throw failure('malformed');
    return capsule;
  }

  /**
   * Parses a capsule from hex text.
   *
   * @throws CapsuleError `malformed`.
   */
  static fromHex(text: string): Capsule {
    // Before a long text is decoded.
    if (!isHex(text, CAPSULE_LEN) && !isHex(text, SLOT_CAPSULE_LEN)) throw failure('malformed');
    return Capsule.fromBytes(fromHex(text));
  }

  /** Its bytes as hex text. */
  get hex(): Hex {
    return toHex(this.bytes);
  }

  /** Seals a secret. The same secret, recipient and binding always give the same bytes. */
  static async seal<S extends SealableSecret>(secret: S, recipient: PublicKeyOf<S>, binding: Binding): Promise<Capsule> {
    const { capsuleKind } = secret;
    if (recipient.kem !== kemOf(capsuleKind)) throw new TypeError('this kind of secret is sealed to another kind of key');
    const [header, aad] = [headerOf(capsuleKind), bindingBytes(binding)];
    const { shared, enc } = recipient.encapsulate(secret.expose(), header, aad);
    const { key, baseNonce } = hpke.keySchedule([recipient.kem, hpke.AEAD_AES_256_GCM], 32, shared, infoOf(header));
    const ciphertext = await encrypt(key, baseNonce, aad, secret.expose());
    for (const used of [shared, key]) used.fill(0);
    return new Capsule(concat(header, enc, ciphertext), capsuleKind);
  }

  /**
   * Opens the capsule as the kind of secret that `into` is, and checks that sealing the content again gives the same capsule.
   *
   * @throws CapsuleError `malformed` for a capsule of another kind, `no_match`, `commitment`.
   */
  async open<S extends SealableSecret>(into: SealableClass<S>, recipient: PrivateKeyOf<S>, binding: Binding): Promise<S> {
    if (this.kind !== into.capsuleKind) throw failure('malformed');
    const kem = kemOf(this.kind);
    if (recipient.publicKey.kem !== kem) throw new TypeError('this kind of secret is sealed to another kind of key');
    const shared = recipient.decapsulate(this.#enc);
    if (shared === null) throw failure('no_match');
    const { key, baseNonce } = hpke.keySchedule([kem, hpke.AEAD_AES_256_GCM], 32, shared, infoOf(headerOf(this.kind)));
    const opened = await decrypt(key, baseNonce, bindingBytes(binding), this.bytes.slice(-CIPHERTEXT_LEN));
    for (const used of [shared, key]) used.fill(0);
    if (opened === null) throw failure('no_match');
    const secret = new into(opened);
    if (await this.verify(secret, recipient.publicKey as PublicKeyOf<S>, binding)) return secret;
    secret.wipe();
    throw failure('commitment');
  }

  /** Returns whether the capsule is the one that `seal` makes from this secret, recipient and binding. Constant time. */
  async verify<S extends SealableSecret>(secret: S, recipient: PublicKeyOf<S>, binding: Binding): Promise<boolean> {
    const again = await Capsule.seal(secret, recipient, binding);
    return equalConstantTime(again.bytes, this.bytes);
  }

  get #enc(): Bytes {
    return this.bytes.slice(HEADER_LEN, -CIPHERTEXT_LEN);
  }
}

/** Returns the HPKE KEM id of a kind. */
function kemOf(kind: CapsuleKind): number {
  return kind === CAPSULE_KINDS.slot ? KEM_SECP256K1 : KEM_X_WING;
}

function lengthOf(kind: CapsuleKind): number {
  return kind === CAPSULE_KINDS.slot ? SLOT_CAPSULE_LEN : CAPSULE_LEN;
}

function headerOf(kind: CapsuleKind): Bytes {
  return concat(u8(VERSION), u16(kemOf(kind)), u8(kind));
}

function infoOf(header: Bytes): Bytes {
  return concat(LABELS.capsule, header);
}
