/** The recovery kit: the seed as 24 words (BIP-39, English), with the chain and the account that they are for. */

import { entropyToMnemonic } from '@scure/bip39';
import { wordlist } from '@scure/bip39/wordlists/english.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { getAddress } from 'viem/utils';
import { ProtocolError } from './error.ts';
import { type Address, isHex } from './hex.ts';
import { SECRET_LEN, Seed } from './secret.ts';

const TITLE = 'medlock recovery kit, version 1';
const WORDS = 24;
const WORD_BITS = 11;
const MAX_TEXT_LEN = 4_096;

const MESSAGES = {
  count: 'a recovery kit has 24 words',
  unknown_word: 'a word is not in the list',
  checksum: 'the checksum does not match: a word is wrong, or two words are swapped',
  malformed: 'this is not the text of a recovery kit',
} as const;

/** The reason why words or a kit cannot be read. The error never contains a word. */
export class RecoveryError extends ProtocolError<keyof typeof MESSAGES> {
  /** For `unknown_word`: the position of the word, counted from 1. */
  readonly place: number | null;

  constructor(code: keyof typeof MESSAGES, place: number | null = null) {
    super(code, MESSAGES[code]);
    this.place = place;
  }
}

/** Returns the 24 words of a seed, separated by spaces. */
export function seedToWords(seed: Seed): string {
  return entropyToMnemonic(seed.expose(), wordlist);
}

/**
 * Returns the seed of 24 words, in upper or lower case and with any white space between them.
 *
 * @throws RecoveryError with the position of a word that is not in the list.
 */
export function seedFromWords(text: string): Seed {
  const words =
    text.length > MAX_TEXT_LEN
      ? []
      : text
          .toLowerCase()
          .split(/\p{White_Space}+/u)
          .filter(Boolean);
  if (words.length !== WORDS) throw new RecoveryError('count');
  const indices = words.map((word, i) => {
    const index = wordlist.indexOf(word);
    if (index < 0) throw new RecoveryError('unknown_word', i + 1);
    return index;
  });
  // BIP-39: 24 words of 11 bits are 256 bits of entropy and 8 of checksum.
  const bits = indices.map((index) => index.toString(2).padStart(WORD_BITS, '0')).join('');
  const bytes = Uint8Array.from({ length: SECRET_LEN + 1 }, (_, i) => Number.parseInt(bits.slice(8 * i, 8 * i + 8), 2));
  const entropy = bytes.slice(0, SECRET_LEN);
  const holds = sha256(entropy)[0] === bytes[SECRET_LEN];
  bytes.fill(0);
  if (!holds) throw new RecoveryError('checksum');
  return new Seed(entropy);
}

/** The content of the kit. With the chain and the stored blocks, it is enough to restore everything. */
interface RecoveryKit {
  /** EIP-155 chain id. */
  readonly chainId: number;
  /** The account that the seed belongs to. */
  readonly owner: Address;
  /** The seed of that account. */
  readonly seed: Seed;
}

/** Returns the text to be printed: a title, chain and owner, and six lines of four numbered words. */
export function kitToText({ chainId, owner, seed }: RecoveryKit): string {
  const words = seedToWords(seed)
    .split(' ')
    .map((word, i) => `${String(i + 1).padStart(2)} ${word}${i % 4 === 3 ? '\n' : '   '}`);
  return `${TITLE}\nchain id: ${chainId}\nowner: ${getAddress(owner)}\n${words.join('')}`;
}

/**
 * Parses the text of a kit.
 *
 * @throws RecoveryError
 */
export function kitFromText(text: string): RecoveryKit {
  const lines = text.length > MAX_TEXT_LEN ? [] : text.split('\n').map((line) => line.trim());
  const [title, chain, owner, ...rest] = lines.filter((line) => line !== '');
  const chainId = /^chain id:\s*\+?(\d{1,16})$/.exec(chain ?? '')?.[1];
  const address = /^owner:\s*(\S+)$/.exec(owner ?? '')?.[1];
  if (!title?.startsWith(TITLE) || chainId === undefined || !isHex(address, 20)) throw new RecoveryError('malformed');
  const words = rest.flatMap((line) => line.split(/\s+/)).filter((part) => !/^\d*$/.test(part));
  return { chainId: Number(chainId), owner: address.toLowerCase() as Address, seed: seedFromWords(words.join(' ')) };
}
