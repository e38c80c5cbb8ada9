/** Makes the seed and its keyring, unlocks the keyring, and makes the recovery kit. Mirrors `client/src/unlock.rs`. */
import type { Address, Hex } from 'viem';
import { findKeyring, keepFirstKeyring, keepKeyring, putBackKeyring, replaceKeyring } from '../device/keyring-copy.ts';
import type { Client, ReadyClient } from '../device/client.ts';
import type { Errand } from '../device/errand.ts';
import type { Kit, NewKeyring, NewKeys, Recovery } from '../types/set-up.ts';
import { Failure } from '../failure.ts';
import { KeyringError } from '../protocol/keyring/keyring-error.ts';
import { Keyring } from '../protocol/keyring/keyring.ts';
import { MIN_PASSPHRASE_CHARS } from '../protocol/keyring/passphrase.ts';
import { WalletMessage } from '../protocol/keyring/wallet.ts';
import { kitFromText, kitToText, RecoveryError, seedFromWords, seedToWords } from '../protocol/recovery.ts';
import { Seed } from '../protocol/secret.ts';
import { rfc3339 } from '../protocol/session.ts';
import { Keys } from '../device/keys.ts';
import { argon2idUntil } from '../workers/argon2.ts';
import { unixNow } from './act.ts';
import { keepPublicKeys } from './register-key.ts';

const PROOF = 'kit';
const KIT_TITLE = 'medlock recovery kit';

/**
 * Makes a seed and its keyring with two unlockers, wallet and passphrase.
 *
 * @throws Failure `already_set_up` if this browser or the server has a keyring, or if the chain has a key of this address and the person
 * has not said that it is somebody else's (`anew`); `passphrase_too_short`.
 */
export async function makeKeys(
  client: Client,
  { passphrase, skipWallet = false, anew = false }: NewKeys,
  errand: Errand,
): Promise<{ keys: Keys; made: NewKeyring }> {
  errand.phase('preparing');
  await client.chain.verifyDeployment();
  const isPublished = !anew && (await client.chain.findKey(client.address)) !== null;
  const isSetUp = isPublished || (await findKeyring(client)) !== null;
  if (isSetUp) throw new Failure('already_set_up');
  return makeKeyring(client, Seed.generate(), passphrase, skipWallet, keepFirstKeyring, errand);
}

/**
 * Makes the keyring again from the recovery words, in place of one that nobody can open any more. A keyring is replaced only by a seed of
 * which a key is published. Before that, only the existing keyring tells which seed is the right one. `anyway`: the person knows that every
 * published key is somebody else's, and that the words are their own.
 *
 * @throws Failure `invalid_words`, `wrong_keys` if no key that was ever published for this address belongs to these words,
 * `already_set_up`.
 */
export async function recover(
  client: Client,
  { words, passphrase, anyway = false }: Recovery,
  errand: Errand,
): Promise<{ keys: Keys; made: NewKeyring }> {
  errand.phase('preparing');
  await client.chain.verifyDeployment();
  const seed = seedOfWords(words, client.address);
  // The seed is compared before anything is stored. A seed that does not belong to the person is wiped there.
  const keys = await (anyway ? Keys.compared : Keys.checked)(client.chain, client.address, seed);
  if (keys.current === 0 && (await findKeyring(client)) !== null) {
    seed.wipe();
    throw new Failure('already_set_up');
  }
  const keep = keys.current === 0 ? keepFirstKeyring : keepInPlace;
  const result = await makeKeyring(client, seed, passphrase, false, keep, errand);
  // A person who can type the words has saved them.
  await recordProof(client, result.keys);
  return result;
}

/** Returns the seed of recovery words: 24 words, or the text of a kit, which must be this account's. */
function seedOfWords(text: string, owner: Address): Seed {
  try {
    if (!text.includes(KIT_TITLE)) return seedFromWords(text);
    const kit = kitFromText(text);
    if (kit.owner === owner) return kit.seed;
    kit.seed.wipe();
  } catch (error) {
    if (!(error instanceof RecoveryError)) throw error;
    throw new Failure('invalid_words', { cause: error, values: error.place === null ? {} : { place: error.place } });
  }
  throw new Failure('wrong_keys');
}

async function makeKeyring(
  client: Client,
  seed: Seed,
  passphrase: string,
  skipWallet: boolean,
  keep: (client: Client, keyring: Keyring) => Promise<boolean>,
  errand: Errand,
): Promise<{ keys: Keys; made: NewKeyring }> {
  const keyring = new Keyring(client.chain.deployment.chainId, client.address);
  try {
    await keyring.addPassphrase(seed, passphrase, argon2idUntil(errand.signal));
  } catch (error) {
    if (!(error instanceof KeyringError) || error.code !== 'passphrase_length') throw error;
    throw new Failure('passphrase_too_short', { cause: error, values: { min: MIN_PASSPHRASE_CHARS } });
  }
  const walletRefused = skipWallet ? 'rejected' : await addWallet(client, seed, keyring, errand);
  // The owner of the published keys was checked before. Here they are only read.
  const keys = await Keys.compared(client.chain, client.address, seed);
  try {
    errand.check();
    const onServer = await keep(client, keyring);
    await keepPublicKeys(client, keys);
    return { keys, made: { walletUnlocks: walletRefused === null, walletRefused, onServer } };
  } catch (error) {
    keys.wipe();
    throw error;
  }
}

/**
 * Stores a keyring in place of any other. The copy in this browser can be unlocked; if the server does not get its copy now, it gets it at
 * the next sign-in.
 */
async function keepInPlace(client: Client, keyring: Keyring): Promise<boolean> {
  await keepKeyring(client, keyring);
  return replaceKeyring(client, keyring).catch(() => false);
}

/** Adds the wallet as an unlocker. Returns the reason if the wallet cannot be one. */
async function addWallet(client: Client, seed: Seed, keyring: Keyring, errand: Errand): Promise<NewKeyring['walletRefused']> {
  if (await client.chain.hasCode(client.address)) return 'contract_account';
  const message = WalletMessage.create({
    owner: client.address,
    chainId: client.chain.deployment.chainId,
    domain: location.host,
    uri: location.origin,
    issuedAt: rfc3339(unixNow()),
  });
  const sentence = { key: 'sign.enrol_wallet', values: {} } as const;
  try {
    const first = await errand.signMessage(client.wallet, message.text, sentence, { part: 1, parts: 2 });
    const second = await errand.signMessage(client.wallet, message.text, sentence, { part: 2, parts: 2 });
    await keyring.addWallet(seed, message, first, second);
    return null;
  } catch (error) {
    if (error instanceof KeyringError && error.code === 'unstable_signature') return 'not_deterministic';
    // A contract's signature has no r and s from a key of the owner, so it cannot unlock either.
    if (error instanceof KeyringError && error.code === 'invalid_signature') return 'contract_account';
    if (error instanceof Failure && (error.code === 'wallet_rejected' || error.code === 'cancelled')) return 'rejected';
    throw error;
  }
}

/**
 * Unlocks the keyring with a passphrase and compares the derived keys with the chain. If a published key is somebody else's, the person can
 * still unlock; {@link Keys.isReplaced} reports it.
 *
 * @throws Failure `no_keyring`, `not_unlocked`.
 */
export function unlockWithPassphrase(client: Client, passphrase: string, errand: Errand): Promise<Keys> {
  return unlock(client, errand, (keyring) => keyring.openWithPassphrase(passphrase, argon2idUntil(errand.signal)));
}

/**
 * Unlocks the keyring with the wallet's signature over the message in the keyring.
 *
 * @throws Failure `wallet_not_deterministic` if no wallet can unlock it.
 */
export function unlockWithWallet(client: Client, errand: Errand): Promise<Keys> {
  return unlock(client, errand, async (keyring) => {
    const messages = keyring.walletMessages();
    if (messages.length === 0) throw new Failure('wallet_not_deterministic');
    for (const [index, message] of messages.entries()) {
      const part = { part: index + 1, parts: messages.length };
      const signature = await errand.signMessage(client.wallet, message.text, { key: 'sign.unlock', values: {} }, part);
      try {
        return await keyring.openWithWallet(message, signature);
      } catch (error) {
        if (!(error instanceof KeyringError)) throw error;
      }
    }
    throw new KeyringError('no_match');
  });
}

async function unlock(client: Client, errand: Errand, open: (keyring: Keyring) => Promise<Seed>): Promise<Keys> {
  errand.phase('preparing');
  await client.chain.verifyDeployment();
  const keyring = await findKeyring(client);
  if (keyring === null) throw new Failure('no_keyring');
  let seed: Seed;
  try {
    seed = await open(keyring);
  } catch (error) {
    if (error instanceof KeyringError) throw new Failure('not_unlocked', { cause: error });
    throw error;
  }
  const keys = await Keys.compared(client.chain, client.address, seed);
  // The session cookie may belong to another account by now. Then nothing of this account is sent to the server.
  if (errand.signal.aborted) keys.wipe();
  errand.check();
  await keepKeyring(client, keyring);
  await keepPublicKeys(client, keys);
  // Unlocking must not fail if this optional step fails.
  await putBackKeyring(client).catch(() => false);
  return keys;
}

/** Returns the recovery kit. */
export function kitOf(client: ReadyClient): Kit {
  const { chainId } = client.chain.deployment;
  const { seed, owner } = client.keys;
  return { words: seedToWords(seed).split(' '), text: kitToText({ chainId, owner, seed }), chainId, owner };
}

/** Returns three different positions from 1 to 24, ascending. */
export function wordNumbersToProve(): [number, number, number] {
  const numbers = Array.from({ length: 24 }, (_, index) => index + 1);
  const chosen = [0, 1, 2].map(() => {
    // 2^32 is so far above 24 that the bias does not matter here: the person who answers knows the words anyway.
    const [random] = crypto.getRandomValues(new Uint32Array(1));
    return numbers.splice((random ?? 0) % numbers.length, 1)[0] as number;
  });
  return chosen.sort((a, b) => a - b) as [number, number, number];
}

/**
 * Records that the person has kept the words.
 *
 * @throws Failure `invalid_words` with the number of the first wrong one.
 */
export async function proveKit(client: ReadyClient, numbers: readonly number[], answers: readonly string[]): Promise<void> {
  const { words } = kitOf(client);
  for (const [index, number] of numbers.entries()) {
    const answer = answers[index]?.trim().toLowerCase();
    if (answer !== words[number - 1]) throw new Failure('invalid_words', { values: { place: number } });
  }
  await recordProof(client, client.keys);
}

/** Identifies the seed of a proof: the hash of the first public key that derives from it. */
const seedName = (keys: Keys): Hex => keys.identityAt(1).publicKey.hash();

async function recordProof(client: Client, keys: Keys): Promise<void> {
  await client.shelf.put(PROOF, { provedAt: unixNow(), seed: seedName(keys) });
}

/** Returns whether the words of these keys were saved and proved in this browser. A proof for another seed does not count. */
export async function isKitSaved(client: Pick<ReadyClient, 'shelf' | 'keys'>): Promise<boolean> {
  const proof = await client.shelf.get<{ seed?: Hex }>(PROOF);
  return proof?.seed === seedName(client.keys);
}
