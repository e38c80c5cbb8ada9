/**
 * The two halves of a data key.
 *
 * `B = Expand(DEK, "medlock/v1/release-share\0" ‖ chain id ‖ RecordRegistry ‖ record ‖ version)` and `S = DEK xor B`. Each half alone
 * reveals nothing about the DEK. Whoever has the DEK can recompute both.
 */

import { u16, u64, xor } from './bytes.ts';
import { type Address, addressBytes, fromHex } from './hex.ts';
import type { RecordId } from './ids.ts';
import { expand, LABELS } from './kdf.ts';
import { DataKey, ReaderShare, ReleaseShare } from './secret.ts';

/** The record version to which a data key belongs. */
export interface RecordVersion {
  /** EIP-155 chain id. */
  readonly chainId: number;
  /** Address of `RecordRegistry`. */
  readonly registry: Address;
  /** The record. */
  readonly record: RecordId;
  /** Its version, counted from 1. */
  readonly version: number;
}

/** Returns B, the half that the operator stores. */
export function releaseShare(dek: DataKey, of: RecordVersion): ReleaseShare {
  const fields = [u64(of.chainId), addressBytes(of.registry), fromHex(of.record, 32), u16(of.version)];
  return new ReleaseShare(expand(dek.expose(), LABELS.releaseShare, ...fields));
}

/** Returns S, the half for readers. */
export function readerShare(dek: DataKey, of: RecordVersion): ReaderShare {
  const release = releaseShare(dek, of);
  const reader = new ReaderShare(xor(dek.expose(), release.expose()));
  release.wipe();
  return reader;
}

/** Joins the halves. Any two shares give some key; `Header.checkCommitment` checks whether it is the right one. */
export function joinShares(reader: ReaderShare, release: ReleaseShare): DataKey {
  return new DataKey(xor(reader.expose(), release.expose()));
}
