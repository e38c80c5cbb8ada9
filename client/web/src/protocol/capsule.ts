/**
 * Capsules: a 32-byte secret sealed to one public key. A capsule has 117 bytes, and sealing again gives the same bytes.
 *
 * ```text
 * off len
 *   0   1  version 0x01
 *   1   2  KEM 0x0016, DHKEM(secp256k1, HKDF-SHA256)
 *   3   1  kind
 *   4  65  enc, the encapsulated key, uncompressed
 *  69  48  ciphertext, AES-256-GCM
 * ```
 *
 * HPKE (RFC 9180) base mode; `info = "medlock/v1/capsule\0" ‖ bytes 0..4`, `aad` = the binding. The ephemeral key pair is derived:
 * `DeriveKeyPair(Expand(secret, "medlock/v1/capsule-ephemeral\0" ‖ bytes 0..4 ‖ recipient key ‖ aad))`. This is safe because every secret
 * is 32 uniform bytes. Everybody who has the secret can make the same capsule again and compare.
 */

import { type Bytes, concat, equalConstantTime, readU16, u16, u32, u64, u8 } from './bytes.ts';
import { KEM_SECP256K1, type ScopeKind, SCOPE_KINDS } from './codes.ts';
import { ProtocolError } from './error.ts';
import { type Address, addressBytes, fromHex, type Hex, isHex, toHex, ZERO_HASH } from './hex.ts';
import * as hpke from './hpke.ts';
import { type IdentityKey, PublicKey } from './identity.ts';
import { expand, LABELS } from './kdf.ts';
import { decrypt, encrypt } from './sealed-box.ts';
import { CAPSULE_KINDS, type CapsuleKind, type SealableClass, type SealableSecret } from './secret.ts';
import type { RecordVersion } from './split.ts';

/** Length of a capsule in bytes. */
export const CAPSULE_LEN = 117;
const HEADER_LEN = 4;
const CIPHERTEXT_AT = 69;
const VERSION = 0x01;

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
 * - `malformed`: wrong length, version, KEM or kind, or an encapsulated key that is not on the curve.
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

/** A capsule: 117 bytes whose version, KEM and kind are known and whose encapsulated key is on the curve. */
export class Capsule {
  /** The 117 bytes. Do not change them. */
  readonly bytes: Bytes;
  /** The kind of secret in the capsule. */
  readonly kind: CapsuleKind;

  private constructor(bytes: Bytes, kind: CapsuleKind) {
    this.bytes = bytes;
    this.kind = kind;
  }

  /**
   * Parses a capsule: checks length, version, KEM, kind and encapsulated key.
   *
   * @throws CapsuleError `malformed`.
   */
  static fromBytes(bytes: Uint8Array): Capsule {
    if (bytes.length !== CAPSULE_LEN) throw failure('malformed');
    const kind = Object.values(CAPSULE_KINDS).find((known) => known === bytes[3]);
    if (bytes[0] !== VERSION || readU16(bytes, 1) !== KEM_SECP256K1 || kind === undefined) throw failure('malformed');
    try {
      PublicKey.fromBytes(bytes.subarray(HEADER_LEN, CIPHERTEXT_AT));
    } catch {
      throw failure('malformed');
    }
    return new Capsule(new Uint8Array(bytes), kind);
  }

  /**
   * Parses a capsule from hex text.
   *
   * @throws CapsuleError `malformed`.
   */
  static fromHex(text: string): Capsule {
    if (!isHex(text, CAPSULE_LEN)) throw failure('malformed');
    return Capsule.fromBytes(fromHex(text));
  }

  /** The 117 bytes as hex text. */
  get hex(): Hex {
    return toHex(this.bytes);
  }

  /** Seals a secret. The same secret, recipient and binding always give the same bytes. */
  static async seal(secret: SealableSecret, recipient: PublicKey, binding: Binding): Promise<Capsule> {
    const header = headerOf(secret.capsuleKind);
    const aad = bindingBytes(binding);
    const ikm = expand(secret.expose(), LABELS.capsuleEphemeral, header, recipient.bytes, aad);
    const scalar = hpke.deriveScalar(ikm);
    const enc = PublicKey.ofScalar(scalar).bytes;
    const shared = hpke.sharedSecret(scalar, recipient.bytes, enc, recipient.bytes);
    const { key, baseNonce } = hpke.keySchedule(hpke.AEAD_AES_256_GCM, 32, shared, infoOf(header));
    const ciphertext = await encrypt(key, baseNonce, aad, secret.expose());
    for (const used of [ikm, scalar, shared, key]) used.fill(0);
    return new Capsule(concat(header, enc, ciphertext), secret.capsuleKind);
  }

  /**
   * Opens the capsule as the kind of secret that `into` is, and checks that sealing the content again gives the same capsule.
   *
   * @throws CapsuleError `malformed` for a capsule of another kind, `no_match`, `commitment`.
   */
  async open<S extends SealableSecret>(into: SealableClass<S>, recipient: IdentityKey, binding: Binding): Promise<S> {
    if (this.kind !== into.capsuleKind) throw failure('malformed');
    const enc = this.bytes.slice(HEADER_LEN, CIPHERTEXT_AT);
    const shared = hpke.sharedSecret(recipient.exposeScalar(), enc, enc, recipient.publicKey.bytes);
    const { key, baseNonce } = hpke.keySchedule(hpke.AEAD_AES_256_GCM, 32, shared, infoOf(headerOf(this.kind)));
    const opened = await decrypt(key, baseNonce, bindingBytes(binding), this.bytes.slice(CIPHERTEXT_AT));
    for (const used of [shared, key]) used.fill(0);
    if (opened === null) throw failure('no_match');
    const secret = new into(opened);
    if (await this.verify(secret, recipient.publicKey, binding)) return secret;
    secret.wipe();
    throw failure('commitment');
  }

  /** Returns whether the capsule is the one that `seal` makes from this secret, recipient and binding. Constant time. */
  async verify(secret: SealableSecret, recipient: PublicKey, binding: Binding): Promise<boolean> {
    const again = await Capsule.seal(secret, recipient, binding);
    return equalConstantTime(again.bytes, this.bytes);
  }
}

function headerOf(kind: CapsuleKind): Bytes {
  return concat(u8(VERSION), u16(KEM_SECP256K1), u8(kind));
}

function infoOf(header: Bytes): Bytes {
  return concat(LABELS.capsule, header);
}
