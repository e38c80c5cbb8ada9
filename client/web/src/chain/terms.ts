/** The terms of a grant, unpacked from their storage word (`IGrantRegistry`, type `Terms`). */
export interface Terms {
  /** Unix seconds; the first second. */
  readonly notBefore: number;
  /** Unix seconds; the first second after. */
  readonly notAfter: number;
  /** Raised by every Grant and Revoke. */
  readonly epoch: number;
  /** The patient's epoch when granted. */
  readonly patientEpoch: number;
  /** Bit set. */
  readonly purposes: number;
  /** Bit set; zero when revoked or never granted. */
  readonly rights: number;
  /** What it covers: 0 record, 1 category, 2 all. */
  readonly kind: number;
}

/** From the lowest bit: notBefore 40 · notAfter 40 · epoch 32 · patient epoch 32 · purposes 16 · rights 8 · kind 8. */
export function termsOf(word: bigint): Terms {
  const field = (shift: bigint, bits: bigint): number => Number((word >> shift) & ((1n << bits) - 1n));
  return {
    notBefore: field(0n, 40n),
    notAfter: field(40n, 40n),
    epoch: field(80n, 32n),
    patientEpoch: field(112n, 32n),
    purposes: field(144n, 16n),
    rights: field(160n, 8n),
    kind: field(168n, 8n),
  };
}
