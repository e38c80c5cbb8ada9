/** Every failure is shown with a sentence and a next step, and nothing is lost. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { PASSPHRASE, textFile, type Person, type TestFile } from './person.ts';
import { PENDING, REJECTED } from './test-wallet.ts';
import { World } from './world.ts';

const OTHER_CHAIN = 4242;
const SLOW_MS = 60_000;
const MIB = 1 << 20;
const REGISTERED =
  'event RecordRegistered(bytes32 indexed id, address indexed patient, uint16 indexed category, address uploader, uint16 version, uint8 codec, bytes32 digest)';
let world: World;
let person: Person;

beforeAll(async () => {
  world = await World.start({ apiSettings: { MEDLOCK_ENVELOPE_BYTES_MAX: String(4 * MIB), MEDLOCK_QUOTA_BYTES: String(3 * MIB) } });
});
afterEach(async ({ task }) => {
  await world.evidence(task);
  await person.leave();
  expect(person.complaints).toEqual([]);
});
afterAll(() => world?.stop());

test('without a wallet the page says what to do', async () => {
  person = await world.person('patient', { noWallet: true });
  await person.sees('No wallet was found');
  await person.sees('Install a wallet for this browser');
});

test('two wallets are both offered, and the one that is chosen is asked', async () => {
  person = await world.person('patient', { otherWallets: ['Another Wallet'] });
  await person.button('Continue with Another Wallet').waitFor();
  await person.press('Continue with Test Wallet');
  await person.button('Sign in with this account').waitFor();
  expect(person.wallet.asked).toContain('eth_requestAccounts');
  await person.press('Use another wallet');
  await person.press('Continue with Another Wallet');
  const other = world.address('second_patient');
  await person.page
    .getByText(`${other.slice(0, 6)}…${other.slice(-4)}`)
    .first()
    .waitFor();
});

test('a rejected request and a pending one are told apart, and trying again works', async () => {
  person = await world.person('patient');
  person.wallet.failNext('eth_requestAccounts', PENDING);
  await person.press('Continue with Test Wallet');
  await person.page
    .getByRole('alert')
    .or(person.page.getByRole('status'))
    .filter({ hasText: /already|open|window/i })
    .first()
    .waitFor();
  await person.press('Continue with Test Wallet');
  person.wallet.failNext('personal_sign', REJECTED);
  await person.press('Sign in with this account');
  await person.agree();
  await person.sees(/rejected|turned|declined|did not sign/i);
  person.wallet.failNext('personal_sign', PENDING);
  await person.press('Sign in with this account');
  await person.agree();
  await person.sees('Your wallet is waiting for an answer to an earlier request.');
  await person.press('Sign in with this account');
  await person.agree();
  await person.button('Sign out').waitFor();
});

test('a wallet that does not know the chain is given a node only after it was said whose view that is', async () => {
  person = await world.person('second_patient', { chainId: OTHER_CHAIN });
  person.wallet.knownChains.clear();
  person.wallet.knownChains.add(OTHER_CHAIN);
  await person.press('Continue with Test Wallet');
  await person.press('Switch the network');
  await person.sees(/Your wallet does not know network/);
  // The wallet was not asked for anything by that.
  expect(person.wallet.asked).not.toContain('wallet_addEthereumChain');
  await person.sees('Then this server is your only view of the chain.');
  await person.page.getByRole('radio', { name: /The node that this server names/ }).check();
  person.wallet.failNext('wallet_addEthereumChain', REJECTED);
  await person.press('Add the network with the server’s node');
  await person.sees('You rejected the request in your wallet.');
  await person.press('Add the network with the server’s node');
  await person.button('Sign in with this account').waitFor();
  await expect.poll(() => person.wallet.chainId).toBe(world.deployment().chain_id);
  expect(person.wallet.added.at(-1)).toEqual([world.rpcUrl]);
  // The notice is shown until the person sets another node.
  await person.setUpConnected();
  await person.goTo('/settings');
  await person.sees('This server is your only view of the chain');
  await person.sees('Through your wallet, but with this server’s node: not independent');
  await person.press('My wallet uses another node now');
  await person.sees('Through your wallet, and the node that is set there');
});

test('a node of one’s own is given to the wallet, and counts as a view of one’s own', async () => {
  person = await world.person('accreditor', { chainId: OTHER_CHAIN });
  person.wallet.knownChains.clear();
  person.wallet.knownChains.add(OTHER_CHAIN);
  await person.press('Continue with Test Wallet');
  await person.press('Switch the network');
  await person.type('Address of the node (RPC)', 'https://my-node.example/key');
  await person.press('Add the network with my node');
  await person.button('Sign in with this account').waitFor();
  expect(person.wallet.added.at(-1)).toEqual(['https://my-node.example/key']);
});

test('a wallet that signs differently each time does not become an unlocker, and the reason is given', async () => {
  person = await world.person('second_doctor');
  person.wallet.isDeterministic = false;
  await person.signIn();
  await person.type('Passphrase', PASSPHRASE);
  await person.type('The same passphrase again', PASSPHRASE);
  await person.press('Make my key');
  await person.agree();
  await person.sees('Keep your recovery kit');
  await person.sees('This wallet signs the same message differently each time');
});

test('another account in the wallet locks at once, and keys are gone', async () => {
  person = await world.person('lab');
  await person.setUp();
  await person.wallet.switchAccount(person.page, world.account('auditor'));
  await person.sees('Another account was chosen in your wallet, so everything was locked.');
  await person.wallet.switchAccount(person.page, world.account('lab'));
  await person.sees('Unlock your records');
  await person.type('Passphrase', 'not the passphrase at all');
  await person.press('Unlock');
  await person.sees('That did not unlock your records.');
  // Recovery words with one wrong word are rejected; going back leads to the passphrase.
  await person.press('I have neither: use my recovery words');
  await person.type('Recovery words', `${'abandon '.repeat(23)}ability`);
  await person.type('Passphrase', PASSPHRASE);
  await person.type('The same passphrase again', PASSPHRASE);
  await person.press('Restore');
  await person.sees('These are not the right recovery words.');
  await person.press('Back');
  await person.unlock();
});

test('files that cannot be added say why, leave nothing behind, and the next one is added', async () => {
  person = await world.person('auditor');
  await person.setUp();
  await person.goTo('/records');
  const file = (name: string, bytes: number): TestFile => ({ name, mimeType: 'application/octet-stream', buffer: Buffer.alloc(bytes, 7) });
  const refused: readonly (readonly [TestFile, string])[] = [
    [file('empty.bin', 0), 'This file is empty.'],
    [file('huge.bin', 4 * MIB), 'This file is larger than the server accepts.'],
    [file('full.bin', 3 * MIB + 1), 'Your storage on this server is full.'],
  ];
  for (const [refusedFile, sentence] of refused) {
    await person.press('Add records');
    await person.page.getByRole('dialog', { name: 'Add records' }).getByTestId('files').setInputFiles(refusedFile);
    await person.press('Encrypt and add');
    await person.sees(sentence);
    await person.press(`Remove: ${refusedFile.name}`);
  }
  await person.addRecord(textFile('small.txt', 'small'));
  const own = (await world.events('record_registry', REGISTERED)).filter(
    ({ args }) => String(args['patient']).toLowerCase() === person.address,
  );
  expect(own).toHaveLength(1);
});

test('whoever has not published a key cannot be shared with, and the page says what they have to do', async () => {
  person = await world.person('doctor');
  await person.setUp();
  await person.addRecord(textFile('mine.txt', 'mine'));
  await person.goTo(`/share?with=${world.address('operator')}`);
  await person.page.getByRole('checkbox', { name: /mine\.txt/ }).check();
  await person.press('Sign and share');
  await person.sees('This person has not finished setting up medlock.');
  await person.sees('Ask them to sign in and finish the set-up, then try again.');
  // The selection is kept.
  expect(await person.page.getByRole('checkbox', { name: /mine\.txt/ }).isChecked()).toBe(true);
  expect(
    await world.events(
      'grant_registry',
      'event Granted(address indexed patient, bytes32 indexed tag, bytes32 indexed scopeId, uint256 terms, bytes32 bundleHash)',
    ),
  ).toEqual([]);
});

test('a wallet whose node is gone: nothing is signed, the reason is said, and trying again works once it is back', async () => {
  person = await world.person('owner');
  await person.setUp();
  await person.addRecord(textFile('kept.txt', 'kept'));
  await person.page
    .getByRole('link', { name: /kept\.txt/ })
    .first()
    .click();
  await person.button('Withdraw').waitFor({ timeout: SLOW_MS });
  person.wallet.isCutOff = true;
  const signed = person.wallet.signed.length;
  await person.press('Withdraw');
  await person.press('Sign and withdraw');
  await person.sees('The chain does not answer.');
  expect(person.wallet.signed).toHaveLength(signed);
  person.wallet.isCutOff = false;
  await person.press('Sign and withdraw');
  await person.agree();
  await person.sees('Withdrawn');
});
