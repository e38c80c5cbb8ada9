/** Signatures of externally owned accounts, checked in the same way as in the contracts. */

import { secp256k1 } from '@noble/curves/secp256k1.js';
import { keccak256 } from 'viem/utils';
import type { Bytes } from './bytes.ts';
import { ProtocolError } from './error.ts';
import { type Address, addressBytes, fromHex, type Hex, isHex, sameHex, toAddress } from './hex.ts';
import { isZero } from './bytes.ts';

const MESSAGES = {
  malformed: 'the signature is malformed',
  high_s: 'the signature has a high s',
  wrong_signer: 'the signature was not made by the named signer',
} as const;

/**
 * The reason why a signature is invalid. `malformed`: not 65 bytes with v 27 or 28, or r or s out of range. `high_s`: s is in the upper
 * half of the group order (EIP-2). `wrong_signer`: another account signed.
 */
export class SignatureError extends ProtocolError<keyof typeof MESSAGES> {
  constructor(code: keyof typeof MESSAGES) {
    super(code, MESSAGES[code]);
  }
}

/**
 * Checks that `signature` (65 bytes r ‖ s ‖ v, low s, v 27 or 28) over `hash` was made by `signer`. Contract accounts need ERC-1271
 * instead.
 *
 * @throws SignatureError
 */
export function verifySignature(hash: Hex, signer: Address, signature: Hex): void {
  if (!isHex(signature, 65)) throw new SignatureError('malformed');
  const bytes = fromHex(signature);
  const v = bytes[64] ?? 0;
  if (v !== 27 && v !== 28) throw new SignatureError('malformed');
  const rs = bytes.slice(0, 64);
  let parsed: ReturnType<typeof secp256k1.Signature.fromBytes>;
  try {
    parsed = secp256k1.Signature.fromBytes(rs, 'compact');
  } catch {
    throw new SignatureError('malformed');
  }
  if (parsed.hasHighS()) throw new SignatureError('high_s');
  const recovered = recoverAddress(hash, rs, v - 27);
  if (recovered === null) throw new SignatureError('malformed');
  if (!sameHex(recovered, signer) || isZero(addressBytes(signer))) throw new SignatureError('wrong_signer');
}

/** Returns the address that signed `hash`, given `r ‖ s` and the parity of y; `null` if no account can have signed it. */
export function recoverAddress(hash: Hex, rs: Bytes, parity: number): Address | null {
  try {
    const signature = secp256k1.Signature.fromBytes(rs, 'compact').addRecoveryBit(parity);
    const point = signature.recoverPublicKey(fromHex(hash, 32)).toBytes(false);
    return toAddress(fromHex(keccak256(point.subarray(1))).subarray(12));
  } catch {
    return null;
  }
}
