/**
 * The capsules of a READ grant over one record: for each version, S sealed to the grantee.
 *
 * `bundle hash = SHA-256("medlock/v1/bundle\0" ‖ scope kind 1 ‖ scope id 32 ‖ (version 2 ‖ capsule 1,172)…)`, versions ascending. The signed
 * `Grant` names the hash, so that no server can replace the capsules. A WRITE grant has no capsules and names zero (`ZERO_HASH`). Capsules
 * of later versions are added off chain, after those that were signed.
 */

import { sha256 } from '@noble/hashes/sha2.js';
import { u16, u8 } from './bytes.ts';
import type { Capsule } from './capsule.ts';
import { SCOPE_KINDS } from './codes.ts';
import { ProtocolError } from './error.ts';
import { fromHex, type Hex, sameHex, toHex } from './hex.ts';
import type { RecordId } from './ids.ts';
import { LABELS } from './kdf.ts';
import { CAPSULE_KINDS } from './secret.ts';

const MESSAGES = {
  capsule: 'a capsule of the bundle holds something other than a reader share',
  versions: 'the versions of the bundle are not ascending from 1',
} as const;

/** The reason why the capsules of a grant are rejected. */
export class BundleError extends ProtocolError<keyof typeof MESSAGES> {
  constructor(code: keyof typeof MESSAGES) {
    super(code, MESSAGES[code]);
  }
}

/** The capsule of one version. */
interface BundleEntry {
  readonly version: number;
  readonly capsule: Capsule;
}

/** The capsules of one grant over one record. */
export class Bundle {
  /** The record that the capsules open. */
  readonly record: RecordId;
  /** The capsules with their versions, ascending. */
  readonly entries: readonly BundleEntry[];

  /**
   * Makes a bundle from capsules of ascending versions.
   *
   * @throws BundleError
   */
  constructor(record: RecordId, entries: readonly BundleEntry[]) {
    const versions = entries.map((entry) => entry.version);
    if (versions.some((version, i) => version <= (versions[i - 1] ?? 0))) throw new BundleError('versions');
    if (entries.some(({ capsule }) => capsule.kind !== CAPSULE_KINDS.readerShare)) throw new BundleError('capsule');
    this.record = record;
    this.entries = entries;
  }

  /** Returns the capsule of a version; `null` if there is none. */
  find(version: number): Capsule | null {
    return this.entries.find((entry) => entry.version === version)?.capsule ?? null;
  }

  /** Returns the bundle hash, which the signed `Grant` names. */
  hash(): Hex {
    const hash = this.#begin();
    for (const entry of this.entries) absorb(hash, entry);
    return toHex(hash.digest());
  }

  /**
   * Returns how many of the capsules, counted from the first, were signed by a `Grant` with this hash. Returns `null` if no first part of
   * this bundle has this hash: then somebody changed the signed part.
   */
  signedLength(hash: Hex): number | null {
    const state = this.#begin();
    for (let length = 0; length <= this.entries.length; length++) {
      if (sameHex(toHex(state.clone().digest()), hash)) return length;
      const entry = this.entries[length];
      if (entry !== undefined) absorb(state, entry);
    }
    return null;
  }

  #begin(): ReturnType<typeof sha256.create> {
    const kind = u8(SCOPE_KINDS.code('record'));
    return sha256.create().update(LABELS.bundle).update(kind).update(fromHex(this.record, 32));
  }
}

function absorb(hash: ReturnType<typeof sha256.create>, { version, capsule }: BundleEntry): void {
  hash.update(u16(version)).update(capsule.bytes);
}
