/**
 * The keyring: a seed, encrypted once for each unlocker.
 *
 * For an entry with context `c` = version 1 ‖ chain id 8 ‖ owner 20 ‖ unlocker:
 *
 * ```text
 * key        = Expand(KEK, "medlock/v1/keyring-key\0" ‖ c)
 * commitment = Expand(KEK, "medlock/v1/keyring-commitment\0" ‖ c)
 * ciphertext = AES-256-GCM(key, nonce, aad = c, seed)
 * ```
 *
 * The unlocker in `c` is `01 ‖ SHA-256(message)` or `02 ‖ parameters`. The commitment is compared before decryption, because with AES-GCM
 * alone, one ciphertext could open under two keys. The keyring is stored as JSON. The server that stores it cannot open it. After opening,
 * a client compares the derived identity key with the chain.
 */

import { type Bytes, concat, equalConstantTime, fromUtf8, u64, u8, utf8 } from '../bytes.ts';
import { type Address, addressBytes, fromHex, type Hex, sameHex, toHex } from '../hex.ts';
import { exactFields, hexOf, isUint } from '../json-form.ts';
import { expand, LABELS } from '../kdf.ts';
import { type Random, systemRandom } from '../random.ts';
import { decrypt, encrypt } from '../sealed-box.ts';
import { type KeyEncryptionKey, SECRET_LEN, Seed } from '../secret.ts';
import { KeyringError } from './keyring-error.ts';
import { type Argon2id, checkPassphraseLength, PassphraseParameters } from './passphrase.ts';
import { sameSignature, WalletMessage, walletKey } from './wallet.ts';

/** Maximum length of a keyring in bytes of JSON. */
const MAX_KEYRING_LEN = 64 * 1024;
/** Maximum number of entries. */
const MAX_ENTRIES = 16;
/** Maximum number of entries with a passphrase: each costs its reader a run of Argon2id. */
const MAX_PASSPHRASES = 4;
const VERSION = 1;
const NONCE_LEN = 12;

/** The way to open an entry: a wallet signs this exact message, or a passphrase goes through Argon2id. */
type Unlocker =
  | { readonly kind: 'wallet'; readonly message: WalletMessage }
  | { readonly kind: 'passphrase'; readonly parameters: PassphraseParameters };

/** The seed, encrypted for one unlocker. */
interface KeyringEntry {
  readonly unlocker: Unlocker;
  readonly nonce: Hex;
  readonly commitment: Hex;
  readonly ciphertext: Hex;
}

/** A person's keyring. It contains no unencrypted secret. */
export class Keyring {
  readonly chainId: number;
  readonly owner: Address;
  #entries: readonly KeyringEntry[] = [];

  /** Makes an empty keyring, which nothing can open yet. */
  constructor(chainId: number, owner: Address) {
    this.chainId = chainId;
    this.owner = owner.toLowerCase() as Address;
  }

  /**
   * Parses stored JSON and checks that the keyring belongs to this owner.
   *
   * @throws KeyringError `malformed`, also for unknown fields and parameters out of range; `other_owner`.
   */
  static fromJson(json: Bytes, chainId: number, owner: Address): Keyring {
    const text = json.length > MAX_KEYRING_LEN ? null : fromUtf8(json);
    const fields = exactFields(parseJson(text), ['version', 'chain_id', 'owner', 'entries'] as const);
    const storedOwner = hexOf(fields?.owner, 20);
    const entries = fields?.entries;
    if (fields === null || storedOwner === null || !Array.isArray(entries)) throw new KeyringError('malformed');
    if (fields.version !== VERSION || !isUint(fields.chain_id)) throw new KeyringError('malformed');
    const parsed = entries.map(parseEntry);
    const keyring = new Keyring(chainId, owner);
    keyring.#entries = parsed;
    if (parsed.length > MAX_ENTRIES || keyring.#passphrases().length > MAX_PASSPHRASES) {
      throw new KeyringError('malformed');
    }
    if (fields.chain_id !== chainId || !sameHex(storedOwner, owner)) throw new KeyringError('other_owner');
    const isTheirs = keyring.walletMessages().every(({ parts }) => parts.chainId === chainId && sameHex(parts.owner, owner));
    if (!isTheirs) throw new KeyringError('malformed');
    return keyring;
  }

  /** Returns the JSON to store. */
  toJson(): Bytes {
    const entries = this.#entries.map(({ unlocker, ...wrapped }) => ({ unlocker: unlockerToJson(unlocker), ...wrapped }));
    return utf8(JSON.stringify({ version: VERSION, chain_id: this.chainId, owner: this.owner, entries }, null, 2));
  }

  /** The entries of the keyring. */
  get entries(): readonly KeyringEntry[] {
    return this.#entries;
  }

  /** Returns the messages of the wallet entries. The owner signs one with `personal_sign` to open its entry. */
  walletMessages(): WalletMessage[] {
    return this.#entries.flatMap(({ unlocker }) => (unlocker.kind === 'wallet' ? [unlocker.message] : []));
  }

  /** Returns whether an entry can be opened with a passphrase. */
  hasPassphrase(): boolean {
    return this.#passphrases().length > 0;
  }

  /**
   * Adds a wallet unlocker. The wallet has signed `message` twice; each signature is 65 bytes r ‖ s ‖ v.
   *
   * @throws KeyringError `unstable_signature` if the two differ, `invalid_signature`, `other_owner`, `full`.
   */
  async addWallet(seed: Seed, message: WalletMessage, first: Hex, second: Hex, random: Random = systemRandom): Promise<void> {
    const { owner, chainId } = message.parts;
    if (chainId !== this.chainId || !sameHex(owner, this.owner)) throw new KeyringError('other_owner');
    if (!sameSignature(first, second)) throw new KeyringError('unstable_signature');
    await this.#add(seed, { kind: 'wallet', message }, walletKey(message, first), random);
  }

  /**
   * Adds a passphrase unlocker with the parameters of the specification.
   *
   * @throws KeyringError `passphrase_length`, `full`.
   */
  async addPassphrase(seed: Seed, passphrase: string, argon2id: Argon2id, random: Random = systemRandom): Promise<void> {
    checkPassphraseLength(passphrase);
    if (this.#passphrases().length === MAX_PASSPHRASES) throw new KeyringError('full');
    const parameters = PassphraseParameters.generate(random);
    const kek = await parameters.keyEncryptionKey(passphrase, argon2id);
    await this.#add(seed, { kind: 'passphrase', parameters }, kek, random);
  }

  /**
   * Opens the entry whose message was signed.
   *
   * @throws KeyringError `invalid_signature`, `no_match`, `tag`.
   */
  async openWithWallet(message: WalletMessage, signature: Hex): Promise<Seed> {
    const entry = this.#entries.find(({ unlocker }) => unlocker.kind === 'wallet' && unlocker.message.text === message.text);
    if (entry === undefined) throw new KeyringError('no_match');
    const kek = walletKey(message, signature);
    const seed = await this.#open(entry, kek);
    kek.wipe();
    if (seed === null) throw new KeyringError('no_match');
    return seed;
  }

  /**
   * Opens the first entry that this passphrase opens. The parameters were checked when the keyring was parsed.
   *
   * @throws KeyringError `no_match`, `tag`.
   */
  async openWithPassphrase(passphrase: string, argon2id: Argon2id): Promise<Seed> {
    for (const { entry, parameters } of this.#passphrases()) {
      const kek = await parameters.keyEncryptionKey(passphrase, argon2id);
      const seed = await this.#open(entry, kek);
      kek.wipe();
      if (seed !== null) return seed;
    }
    throw new KeyringError('no_match');
  }

  /** Removes the entry at this index. Returns `false` if there is none. The seed itself does not change. */
  remove(index: number): boolean {
    const before = this.#entries.length;
    this.#entries = this.#entries.filter((_, i) => i !== index);
    return this.#entries.length < before;
  }

  #passphrases(): { entry: KeyringEntry; parameters: PassphraseParameters }[] {
    return this.#entries.flatMap((entry) =>
      entry.unlocker.kind === 'passphrase' ? [{ entry, parameters: entry.unlocker.parameters }] : [],
    );
  }

  async #add(seed: Seed, unlocker: Unlocker, kek: KeyEncryptionKey, random: Random): Promise<void> {
    if (this.#entries.length >= MAX_ENTRIES) throw new KeyringError('full');
    const context = this.#context(unlocker);
    const key = expand(kek.expose(), LABELS.keyringKey, context);
    const commitment = toHex(expand(kek.expose(), LABELS.keyringCommitment, context));
    const nonce = random(NONCE_LEN);
    const ciphertext = toHex(await encrypt(key, nonce, context, seed.expose()));
    key.fill(0);
    kek.wipe();
    this.#entries = [...this.#entries, { unlocker, nonce: toHex(nonce), commitment, ciphertext }];
  }

  /** Opens an entry. Returns `null` if the key belongs to another entry. */
  async #open(entry: KeyringEntry, kek: KeyEncryptionKey): Promise<Seed | null> {
    const context = this.#context(entry.unlocker);
    const commitment = expand(kek.expose(), LABELS.keyringCommitment, context);
    if (!equalConstantTime(commitment, fromHex(entry.commitment))) return null;
    const key = expand(kek.expose(), LABELS.keyringKey, context);
    const seed = await decrypt(key, fromHex(entry.nonce), context, fromHex(entry.ciphertext));
    key.fill(0);
    if (seed === null || seed.length !== SECRET_LEN) throw new KeyringError('tag');
    return new Seed(seed);
  }

  #context(unlocker: Unlocker): Bytes {
    const ofUnlocker = unlocker.kind === 'wallet' ? concat(u8(1), unlocker.message.digest()) : concat(u8(2), unlocker.parameters.toBytes());
    return concat(u8(VERSION), u64(this.chainId), addressBytes(this.owner), ofUnlocker);
  }
}

function parseEntry(json: unknown): KeyringEntry {
  const fields = exactFields(json, ['unlocker', 'nonce', 'commitment', 'ciphertext'] as const);
  const nonce = hexOf(fields?.nonce, NONCE_LEN);
  const commitment = hexOf(fields?.commitment, 32);
  const ciphertext = hexOf(fields?.ciphertext, SECRET_LEN + 16);
  if (nonce === null || commitment === null || ciphertext === null) throw new KeyringError('malformed');
  return { unlocker: parseUnlocker(fields?.unlocker), nonce, commitment, ciphertext };
}

function parseUnlocker(json: unknown): Unlocker {
  const wallet = exactFields(json, ['kind', 'message'] as const);
  if (wallet?.kind === 'wallet' && typeof wallet.message === 'string') {
    return { kind: 'wallet', message: WalletMessage.parse(wallet.message) };
  }
  const isPassphrase = typeof json === 'object' && json !== null && 'kind' in json && json.kind === 'passphrase';
  if (!isPassphrase) throw new KeyringError('malformed');
  return { kind: 'passphrase', parameters: PassphraseParameters.fromJson(json) };
}

function unlockerToJson(unlocker: Unlocker): Record<string, unknown> {
  return unlocker.kind === 'wallet' ? { kind: 'wallet', message: unlocker.message.text } : unlocker.parameters.toJson();
}

function parseJson(text: string | null): unknown {
  try {
    return text === null ? null : JSON.parse(text);
  } catch {
    return null;
  }
}
