/** A person with a browser of their own: the actions on the pages, and the errors that the browser reported. */
import { join } from 'node:path';
import type { BrowserContext, Locator, Page } from 'playwright-core';
import type { Address } from 'viem';
import { TestWallet } from './test-wallet.ts';
import type { Role, World } from './world.ts';

export interface PersonOptions {
  /** Further wallets in this browser, by name. */
  readonly otherWallets?: readonly string[];
  /** No wallet at all. */
  readonly noWallet?: boolean;
  /** Id of the wallet's chain; the local chain by default. */
  readonly chainId?: number;
  readonly viewport?: { readonly width: number; readonly height: number };
  readonly colorScheme?: 'light' | 'dark';
  /** If true, the page is not opened yet. */
  readonly stayAway?: boolean;
}

/** A file in the form that a page gets it. */
export interface TestFile {
  readonly name: string;
  readonly mimeType: string;
  readonly buffer: Buffer;
}

/** A file with some text in it. */
export const textFile = (name: string, text: string): TestFile => ({ name, mimeType: 'text/plain', buffer: Buffer.from(text) });

export const PASSPHRASE = 'correct horse battery staple';
const SLOW_MS = 90_000;

export class Person {
  readonly world: World;
  readonly role: Role;
  readonly context: BrowserContext;
  readonly page: Page;
  readonly wallet: TestWallet;
  /** Console errors, exceptions and violations of the page's policy, in order. Tests end with `expect(…).toEqual([])`. */
  readonly complaints: string[] = [];

  private constructor(world: World, role: Role, context: BrowserContext, page: Page, wallet: TestWallet) {
    this.world = world;
    this.role = role;
    this.context = context;
    this.page = page;
    this.wallet = wallet;
  }

  static async open(world: World, role: Role, options: PersonOptions): Promise<Person> {
    const context = await world.browser.newContext({
      locale: 'en-GB',
      timezoneId: 'UTC',
      viewport: options.viewport ?? { width: 1280, height: 900 },
      colorScheme: options.colorScheme ?? 'light',
      acceptDownloads: true,
    });
    context.setDefaultTimeout(40_000);
    const local = world.deployment().chain_id;
    const wallet = new TestWallet(world, world.account(role), options.chainId ?? local, { name: 'Test Wallet', rdns: 'example.wallet' });
    wallet.knownChains.add(local);
    if (options.noWallet !== true) await wallet.install(context);
    for (const name of options.otherWallets ?? []) {
      const rdns = `example.${name.toLowerCase().replaceAll(' ', '-')}`;
      await new TestWallet(world, world.account('second_patient'), local, { name, rdns }).install(context);
    }
    const page = await context.newPage();
    const person = new Person(world, role, context, page, wallet);
    await person.#listen();
    if (options.stayAway !== true) await page.goto(world.url);
    return person;
  }

  async #listen(): Promise<void> {
    await this.context.exposeBinding('testComplain', (_, text: string) => void this.complaints.push(text));
    await this.context.addInitScript(() => {
      document.addEventListener('securitypolicyviolation', (event) => {
        const tell = (window as unknown as { testComplain?: (text: string) => void }).testComplain;
        tell?.(`policy: ${event.effectiveDirective} refused ${event.blockedURI}`);
      });
    });
    this.context.on('page', (page) => this.#hear(page));
    this.#hear(this.page);
  }

  #hear(page: Page): void {
    page.on('console', (message) => {
      if (message.type() === 'error') this.complaints.push(`console: ${message.text()} ${message.location().url}`);
    });
    page.on('pageerror', (error) => this.complaints.push(`exception: ${error.message}`));
  }

  get address(): Address {
    return this.world.address(this.role);
  }

  // ---- Single steps ----------------------------------------------------------------------------------------------

  button(name: string | RegExp): Locator {
    return this.page.getByRole('button', { name, exact: typeof name === 'string' });
  }

  async press(name: string | RegExp): Promise<void> {
    await this.button(name).click();
  }

  async type(label: string | RegExp, text: string): Promise<void> {
    await this.page.getByLabel(label, { exact: typeof label === 'string' }).fill(text);
  }

  /** Presses a button twice, faster than a double click. */
  async pressTwice(name: string | RegExp): Promise<void> {
    await this.button(name).dblclick();
  }

  /** Waits until a text is visible. */
  async sees(text: string | RegExp, timeout = SLOW_MS): Promise<void> {
    await this.page.getByText(text).first().waitFor({ state: 'visible', timeout });
  }

  async goTo(path: string): Promise<void> {
    await this.page.goto(`${this.world.url}/#${path}`);
  }

  /** Reads the sentence before a signature and continues to the wallet, with one press or two. Returns the sentence. */
  async agree(presses: 1 | 2 = 1): Promise<string> {
    const dialog = this.page.getByRole('dialog', { name: 'Before you sign' });
    await dialog.waitFor({ timeout: SLOW_MS });
    const sentence = await dialog.innerText();
    await dialog.getByRole('button', { name: 'Continue to the wallet' }).click({ clickCount: presses });
    return sentence;
  }

  /**
   * Removes complaints about failures that the test itself has caused: browsers write each refused request on their console. Returns their
   * number.
   */
  forgive(pattern: RegExp): number {
    const others = this.complaints.filter((complaint) => !pattern.test(complaint));
    return this.complaints.splice(0, this.complaints.length, ...others).length - others.length;
  }

  /** Returns the list with that name. */
  list(name: string): Locator {
    return this.page.getByRole('list', { name, exact: true });
  }

  /** Returns the text that the page and all frames in it show. */
  async shown(): Promise<string> {
    const texts = await Promise.all(
      this.page.frames().map((frame) =>
        frame
          .locator('body')
          .innerText()
          .catch(() => ''),
      ),
    );
    return texts.join('\n');
  }

  // ---- Whole tasks ------------------------------------------------------------------------------------------------

  /** Chooses the wallet and signs in. */
  async signIn(): Promise<void> {
    await this.press('Continue with Test Wallet');
    await this.signInConnected();
  }

  /** Signs in with the wallet that is connected already. */
  async signInConnected(): Promise<void> {
    await this.press('Sign in with this account');
    await this.agree();
    await this.page.getByRole('button', { name: 'Sign out' }).waitFor({ timeout: SLOW_MS });
  }

  /** Sets up the account, from the first page to a page that can store records. Returns the recovery words. */
  async setUp(passphrase = PASSPHRASE): Promise<readonly string[]> {
    await this.signIn();
    const words = await this.makeKeys(passphrase);
    await this.#publishKey();
    return words;
  }

  /** Sets up the account with a wallet that is connected already. */
  async setUpConnected(passphrase = PASSPHRASE): Promise<readonly string[]> {
    await this.signInConnected();
    const words = await this.makeKeys(passphrase);
    await this.#publishKey();
    return words;
  }

  /** Makes keys and proves that the words are saved. The remaining step is to publish the key. */
  async makeKeys(passphrase = PASSPHRASE): Promise<readonly string[]> {
    await this.type('Passphrase', passphrase);
    await this.type('The same passphrase again', passphrase);
    await this.press('Make my key');
    await this.agree();
    await this.page.getByText('Keep your recovery kit').first().waitFor({ timeout: SLOW_MS });
    const words = await this.words();
    await this.press('I have kept it');
    for (const [place, word] of words.entries()) {
      const field = this.page.getByLabel(`Word ${place + 1}`, { exact: true });
      if ((await field.count()) > 0) await field.fill(word);
    }
    await this.press('Check the words');
    return words;
  }

  async #publishKey(): Promise<void> {
    await this.press('Sign and finish');
    await this.agree();
    await this.page.getByRole('navigation', { name: 'Main navigation' }).waitFor({ timeout: SLOW_MS });
  }

  /** Returns the recovery words on screen. */
  async words(): Promise<readonly string[]> {
    const list = this.page.getByRole('list', { name: 'Recovery words' });
    await list.getByRole('listitem').nth(23).waitFor();
    const items = await list.getByRole('listitem').allInnerTexts();
    return items.map((text) => text.replace(/[\d\s]/g, ''));
  }

  /** Unlocks after a reload. */
  async unlock(passphrase = PASSPHRASE): Promise<void> {
    await this.type('Passphrase', passphrase);
    await this.press('Unlock');
    await this.page.getByRole('navigation', { name: 'Main navigation' }).waitFor({ timeout: SLOW_MS });
  }

  /** Lets a person add records of every category for a week. */
  async letAdd(grantee: Address): Promise<void> {
    await this.goTo(`/share?with=${grantee}`);
    await this.page.getByRole('radio', { name: 'Let them add records for me' }).check();
    await this.page.getByLabel('Category').selectOption({ label: 'All categories' });
    await this.press('Sign and share');
    await this.sees(/can add records until/);
  }

  /** Lets a person open one record for a week, for one purpose. */
  async letOpen(grantee: Address, record: string | RegExp, purpose: string): Promise<void> {
    await this.goTo(`/share?with=${grantee}`);
    await this.page.getByRole('radio', { name: 'Let them open records' }).check();
    await this.page.getByRole('checkbox', { name: record }).check();
    await this.page.getByLabel('Purpose', { exact: true }).selectOption({ label: purpose });
    await this.press('Sign and share');
    await this.sees(/can open this until/);
  }

  /** Opens the record on whose page the person is, and waits until it is checked. */
  async open(): Promise<void> {
    // The versions below have buttons of the same name.
    await this.button('Open').first().click();
    await this.sees('Checked: the file is exactly the one that was registered.');
  }

  /** Adds one file to the person's own records, and waits until it is on the chain. */
  async addRecord(file: TestFile, category = 'Laboratory'): Promise<void> {
    await this.goTo('/records');
    await this.press('Add records');
    const dialog = this.page.getByRole('dialog', { name: 'Add records' });
    await dialog.getByTestId('files').setInputFiles(file);
    await dialog.getByLabel('Category').selectOption({ label: category });
    await dialog.getByRole('button', { name: 'Encrypt and add' }).click();
    await this.page.getByText('Added', { exact: true }).first().waitFor({ timeout: SLOW_MS });
  }

  /** Saves a picture of the page and the complaints, for a test that failed. */
  async evidence(folder: string): Promise<void> {
    const path = join(folder, `${this.role}.png`);
    await this.page.screenshot({ path, fullPage: true, timeout: 10_000 }).catch(() => undefined);
    console.error(`${this.role}: ${path}\n${this.page.url()}\n${this.complaints.join('\n')}`);
  }

  /** True if the person's browser is closed. */
  hasLeft = false;

  /** Closes the person's browser. A page that hangs does not block the test. */
  async leave(): Promise<void> {
    this.hasLeft = true;
    await Promise.race([this.context.close(), new Promise((resolve) => setTimeout(resolve, 10_000))]);
  }
}
