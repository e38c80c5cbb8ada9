/** The first 1,216 bytes of an envelope: its header. */

import { type Bytes, concat, readU16, readU32, u16, u32, u64, u8, utf8 } from '../bytes.ts';
import { Capsule, CapsuleError, ownerBinding } from '../capsule.ts';
import { type Address, addressBytes, fromHex, sameHex, toHex } from '../hex.ts';
import type { IdentityKey, PublicKey } from '../key-pair.ts';
import type { RecordId } from '../ids.ts';
import { LABELS } from '../kdf.ts';
import { CAPSULE_KINDS, DataKey, type ReleaseShare } from '../secret.ts';
import { type RecordVersion, releaseShare } from '../split.ts';
import { HEADER_LEN } from './layout.ts';
import { OpenError } from './open-error.ts';

const MAGIC = utf8('MLK2');
const SUITE = 0x01;
const FLAGS = 0b11;
const CAPSULE_AT = 44;

/** The chain and the registry to which an envelope belongs. */
export interface EnvelopeContext {
  /** EIP-155 chain id. */
  readonly chainId: number;
  /** Address of `RecordRegistry`. */
  readonly registry: Address;
}

/**
 * The unencrypted part of an envelope. FLOE authenticates it, so it may be trusted only after the FLOE header was opened. Servers compare
 * it with the chain before they accept a blob.
 */
export class Header {
  /** The record that the envelope belongs to. */
  readonly record: RecordId;
  /** Its version, counted from 1. */
  readonly version: number;
  /** Epoch of the patient's identity key to which the owner capsule is sealed, counted from 1. */
  readonly keyEpoch: number;
  /** The data key, sealed to the patient. */
  readonly ownerCapsule: Capsule;

  private constructor(record: RecordId, version: number, keyEpoch: number, ownerCapsule: Capsule) {
    this.record = record;
    this.version = version;
    this.keyEpoch = keyEpoch;
    this.ownerCapsule = ownerCapsule;
  }

  /** Makes the header of a new envelope. Seals the data key to the patient. */
  static async create(of: RecordVersion, patient: Address, patientKey: PublicKey, keyEpoch: number, dek: DataKey): Promise<Header> {
    const capsule = await Capsule.seal(dek, patientKey, ownerBinding(of, patient, keyEpoch));
    return new Header(of.record, of.version, keyEpoch, capsule);
  }

  /**
   * Parses the first 1,216 bytes of a file.
   *
   * @throws OpenError `header` if there are fewer, or if they do not have the specified layout.
   */
  static parse(file: Bytes): Header {
    if (file.length < HEADER_LEN) throw new OpenError('header');
    const version = readU16(file, 6);
    const keyEpoch = readU32(file, 40);
    const isMagic = MAGIC.every((byte, i) => file[i] === byte);
    if (!isMagic || file[4] !== SUITE || file[5] !== FLAGS || version === 0 || keyEpoch === 0) {
      throw new OpenError('header');
    }
    let capsule: Capsule;
    try {
      capsule = Capsule.fromBytes(file.subarray(CAPSULE_AT, HEADER_LEN));
    } catch {
      throw new OpenError('header');
    }
    if (capsule.kind !== CAPSULE_KINDS.owner) throw new OpenError('header');
    return new Header(toHex(file.subarray(8, 40)), version, keyEpoch, capsule);
  }

  /** Returns the 1,216 bytes. */
  toBytes(): Bytes {
    return concat(MAGIC, u8(SUITE), u8(FLAGS), u16(this.version), fromHex(this.record, 32), u32(this.keyEpoch), this.ownerCapsule.bytes);
  }

  /**
   * Checks that the envelope is for the requested record version. A hostile store may deliver another one.
   *
   * @throws OpenError `header`.
   */
  expect(record: RecordId, version: number): void {
    if (!sameHex(this.record, record) || this.version !== version) throw new OpenError('header');
  }

  /**
   * Opens the owner capsule with the patient's key. The capsule's own check ensures that it is the capsule that the data key gives.
   *
   * @throws OpenError `no match` for another key, patient, record, version, epoch, chain or registry; `commitment` for a capsule that does
   * not follow the protocol.
   */
  async openOwnerCapsule(context: EnvelopeContext, patient: Address, key: IdentityKey): Promise<DataKey> {
    const binding = ownerBinding(this.#recordVersion(context), patient, this.keyEpoch);
    try {
      return await this.ownerCapsule.open(DataKey, key, binding);
    } catch (error) {
      if (!(error instanceof CapsuleError)) throw error;
      throw new OpenError(error.code === 'malformed' ? 'header' : error.code === 'no_match' ? 'no match' : 'commitment');
    }
  }

  /**
   * Recomputes B and the owner capsule from the joined data key and compares both. So no uploader can make a record that others can read
   * and its patient cannot. `patientKey` is the patient's key of `keyEpoch`, from the chain. Patients call it for each new version with the
   * share that they deposited or fetched.
   *
   * @throws OpenError `commitment` if either differs.
   */
  async checkCommitment(
    context: EnvelopeContext,
    patient: Address,
    patientKey: PublicKey,
    dek: DataKey,
    released: ReleaseShare,
  ): Promise<void> {
    const of = this.#recordVersion(context);
    const expected = releaseShare(dek, of);
    const shareHolds = expected.equals(released);
    expected.wipe();
    const capsuleHolds = await this.ownerCapsule.verify(dek, patientKey, ownerBinding(of, patient, this.keyEpoch));
    if (!shareHolds || !capsuleHolds) throw new OpenError('commitment');
  }

  /** Returns FLOE's associated data: label ‖ header ‖ chain id ‖ RecordRegistry. */
  associatedData(context: EnvelopeContext): Bytes {
    return concat(LABELS.envelope, this.toBytes(), u64(context.chainId), addressBytes(context.registry));
  }

  #recordVersion(context: EnvelopeContext): RecordVersion {
    return { ...context, record: this.record, version: this.version };
  }
}
