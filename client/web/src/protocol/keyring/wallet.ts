/**
 * The wallet unlocker: the wallet signs a constant message, and the signature is the key material.
 *
 * `KEK = HKDF-SHA-256(salt = SHA-256(message), IKM = r ‖ low s, info = "medlock/v1/keyring-wallet\0")`. `v` is left out because wallets
 * encode it differently. Only wallets that sign deterministically (RFC 6979) can unlock, so each signs twice when it is added.
 */

import { secp256k1 } from '@noble/curves/secp256k1.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { getAddress, hashMessage } from 'viem/utils';
import { type Bytes, concat, equalConstantTime, utf8 } from '../bytes.ts';
import { type Address, fromHex, type Hex, isHex, sameHex, toHex } from '../hex.ts';
import { extractAndExpand, LABELS } from '../kdf.ts';
import { type Random, systemRandom } from '../random.ts';
import { KeyEncryptionKey } from '../secret.ts';
import { recoverAddress } from '../signature.ts';
import { KeyringError } from './keyring-error.ts';

/** The statement of every unlock message. */
const UNLOCK_STATEMENT = 'Unlock your medlock health records. Sign this only in medlock: whoever has this signature can read all of them.';
const RESOURCE = 'urn:medlock:keyring';
const MAX_PART_LEN = 256;
const FIRST_LINE_END = ' wants you to sign in with your Ethereum account:';

/** The parts of an unlock message that vary. */
interface WalletMessageParts {
  /** The account that signs. */
  readonly owner: Address;
  /** EIP-155 chain id. */
  readonly chainId: number;
  /** The app's domain, with port. */
  readonly domain: string;
  /** The app's address. */
  readonly uri: string;
  /** 32 hex digits in lower case. */
  readonly nonce: string;
  /** RFC 3339 in UTC to the second: `YYYY-MM-DDThh:mm:ssZ`. */
  readonly issuedAt: string;
}

/**
 * The message that a wallet signs to unlock, in the form of EIP-4361. Its exact text is stored in its entry, so that it stays the same if
 * the app gets a new domain or port.
 *
 * It can only be made from its parts or by parsing exactly this form: a client never asks a wallet to sign a text of another form that came
 * from a server. It cannot be used as a login message, because its statement and resource differ.
 */
export class WalletMessage {
  /** The parts of the text. */
  readonly parts: WalletMessageParts;
  /** The exact text to sign with `personal_sign`. */
  readonly text: string;

  private constructor(parts: WalletMessageParts) {
    this.parts = parts;
    this.text = textOf(parts);
  }

  /**
   * Makes a new message with a random nonce.
   *
   * @throws KeyringError `malformed` for a part that does not fit into a line of the message.
   */
  static create(parts: Omit<WalletMessageParts, 'nonce'>, random: Random = systemRandom): WalletMessage {
    const whole = { ...parts, nonce: toHex(random(16)).slice(2) };
    if (!isWellFormed(whole)) throw new KeyringError('malformed');
    return new WalletMessage(whole);
  }

  /**
   * Parses a stored message. Anything that does not have exactly its form is rejected.
   *
   * @throws KeyringError `malformed`.
   */
  static parse(text: string): WalletMessage {
    const parts = partsOf(text);
    const message = parts !== null && isWellFormed(parts) ? new WalletMessage(parts) : null;
    if (message === null || message.text !== text) throw new KeyringError('malformed');
    return message;
  }

  /** Returns the SHA-256 of the text. */
  digest(): Bytes {
    return sha256(utf8(this.text)) as Bytes;
  }
}

/**
 * Returns whether two signatures (65 bytes r ‖ s ‖ v) are equal except for `v` and the sign of `s`. A wallet whose two signatures differ
 * cannot be an unlocker.
 *
 * @throws KeyringError `invalid_signature` for one that is not 65 bytes with r and s in range.
 */
export function sameSignature(first: Hex, second: Hex): boolean {
  return equalConstantTime(normalForm(first), normalForm(second));
}

/**
 * Checks that the owner signed the message, then derives the key.
 *
 * @throws KeyringError `invalid_signature`.
 */
export function walletKey(message: WalletMessage, signature: Hex): KeyEncryptionKey {
  const normal = normalForm(signature);
  const hash = hashMessage(message.text);
  const isOwner = [0, 1].some((parity) => {
    const signer = recoverAddress(hash, normal, parity);
    return signer !== null && sameHex(signer, message.parts.owner);
  });
  if (!isOwner) throw new KeyringError('invalid_signature');
  const key = new KeyEncryptionKey(extractAndExpand(message.digest(), normal, LABELS.keyringWallet));
  normal.fill(0);
  return key;
}

/** Returns r ‖ low s for a signature of 65 bytes r ‖ s ‖ v. */
function normalForm(signature: Hex): Bytes {
  if (!isHex(signature, 65)) throw new KeyringError('invalid_signature');
  const bytes = fromHex(signature);
  try {
    const { r, s } = secp256k1.Signature.fromBytes(bytes.slice(0, 64), 'compact');
    const order = secp256k1.Point.Fn.ORDER;
    const low = s > order >> 1n ? order - s : s;
    return concat(wide(r), wide(low));
  } catch {
    throw new KeyringError('invalid_signature');
  } finally {
    bytes.fill(0);
  }
}

function wide(value: bigint): Bytes {
  return fromHex(`0x${value.toString(16).padStart(64, '0')}`, 32);
}

function textOf({ owner, chainId, domain, uri, nonce, issuedAt }: WalletMessageParts): string {
  return [
    `${domain}${FIRST_LINE_END}`,
    getAddress(owner),
    '',
    UNLOCK_STATEMENT,
    '',
    `URI: ${uri}`,
    'Version: 1',
    `Chain ID: ${chainId}`,
    `Nonce: ${nonce}`,
    `Issued At: ${issuedAt}`,
    'Resources:',
    `- ${RESOURCE}`,
  ].join('\n');
}

/** Returns the parts of a text that has approximately that form. Comparing with `textOf` shows whether it has exactly that form. */
function partsOf(text: string): WalletMessageParts | null {
  const [first = '', owner = '', , , , uri = '', , chain = '', nonce = '', issuedAt = ''] = text.split('\n');
  const after = (line: string, prefix: string): string => (line.startsWith(prefix) ? line.slice(prefix.length) : '');
  const chainId = Number(after(chain, 'Chain ID: '));
  if (!first.endsWith(FIRST_LINE_END) || !isHex(owner, 20) || !Number.isSafeInteger(chainId)) return null;
  return {
    owner: owner.toLowerCase() as Address,
    chainId,
    domain: first.slice(0, -FIRST_LINE_END.length),
    uri: after(uri, 'URI: '),
    nonce: after(nonce, 'Nonce: '),
    issuedAt: after(issuedAt, 'Issued At: '),
  };
}

function isWellFormed({ domain, uri, nonce, issuedAt, owner }: WalletMessageParts): boolean {
  const isPart = (part: string): boolean => part.length <= MAX_PART_LEN && /^[\x21-\x7e]+$/.test(part);
  const isTime = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/.test(issuedAt);
  return isPart(domain) && isPart(uri) && isTime && /^[0-9a-f]{32}$/.test(nonce) && isHex(owner, 20);
}
