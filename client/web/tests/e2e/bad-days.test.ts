/** What goes wrong ends in a sentence and a next step, and nothing is lost. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { PASSPHRASE, type Person } from './person.ts';
import { PENDING, REJECTED } from './test-wallet.ts';
import { World } from './world.ts';

const OTHER_CHAIN = 4242;
let world: World;
let person: Person;

beforeAll(async () => {
  world = await World.start();
});
afterEach(async ({ task }) => {
  await world.evidence(task);
  await person.leave();
});
afterAll(() => world?.stop());

test('without a wallet the page says what to do', async () => {
  person = await world.person('patient', { noWallet: true });
  await person.sees('No wallet was found');
  await person.sees('Install a wallet for this browser');
});

test('two wallets are both offered', async () => {
  person = await world.person('patient', { otherWallets: ['Another Wallet'] });
  await person.button('Continue with Another Wallet').waitFor();
  await person.button('Continue with Test Wallet').waitFor();
});

test('a rejected request and a pending one are told apart, and trying again works', async () => {
  person = await world.person('patient');
  person.wallet.failNext('eth_requestAccounts', PENDING);
  await person.press('Continue with Test Wallet');
  await person.page.getByRole('alert').or(person.page.getByRole('status')).filter({ hasText: /already|open|window/i }).first().waitFor();
  await person.press('Continue with Test Wallet');
  person.wallet.failNext('personal_sign', REJECTED);
  await person.press('Sign in with this account');
  await person.agree();
  await person.sees(/rejected|turned|declined|did not sign/i);
  await person.press('Sign in with this account');
  await person.agree();
  await person.button('Sign out').waitFor();
});

test('a wallet on an unknown chain is given ours and switches', async () => {
  person = await world.person('second_patient', { chainId: OTHER_CHAIN });
  person.wallet.knownChains.clear();
  person.wallet.knownChains.add(OTHER_CHAIN);
  await person.press('Continue with Test Wallet');
  await person.press('Switch the network');
  await person.button('Sign in with this account').waitFor();
  await expect.poll(() => person.wallet.chainId).toBe(world.deployment().chain_id);
  expect(person.wallet.asked).toContain('wallet_addEthereumChain');
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
  await person.sees(/does not|wrong|not open|another/i);
  await person.unlock();
});
