/**
 * The environment of an end-to-end test: the real local network (chain, block store, database, indexer, API with the built web app) and a
 * real Chromium. `person.ts` has the people.
 *
 * ```ts
 * const world = await World.start();               // in beforeAll
 * const patient = await world.person('patient');   // a browser context of its own, with a test wallet
 * await patient.setUp();
 * await world.stop();                              // in afterAll
 * ```
 */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { chromium, type Browser } from 'playwright-core';
import {
  createPublicClient,
  createWalletClient,
  defineChain,
  http,
  parseAbi,
  parseAbiItem,
  type AbiEvent,
  type Address,
  type Hex,
} from 'viem';
import { mnemonicToAccount, type HDAccount } from 'viem/accounts';
import { ApiProcess } from './api-process.ts';
import { Person, type PersonOptions } from './person.ts';

const ROOT = fileURLToPath(new URL('../../../..', import.meta.url));
const START_MS_MAX = 120_000;

/** Roles of anvil.toml, in the order of its accounts. */
export const ROLES = [
  'owner',
  'relayer',
  'operator',
  'accreditor',
  'patient',
  'doctor',
  'lab',
  'auditor',
  'second_patient',
  'second_doctor',
] as const;
export type Role = (typeof ROLES)[number];

const MNEMONIC = 'test test test test test test test test test test test junk';

/** Role bits of `Accreditation`. */
export const DOCTOR = 1;
export const LAB = 4;
export const AUDITOR = 16;

const accreditationAbi = parseAbi([
  'function addAccreditor(address accreditor, uint32 epoch)',
  'function suspend(address practitioner)',
  'function accredit(address practitioner, uint8 roles, uint40 validFrom, uint40 validUntil, uint32 epoch, uint32 accreditorEpoch)',
]);

interface Ports {
  readonly anvil: number;
  readonly kubo: number;
  readonly api: number;
}

export interface WorldOptions {
  /** Additional settings of the API, such as `MEDLOCK_SESSION_SECONDS_MAX`. */
  readonly apiSettings?: Readonly<Record<string, string>>;
  /** The browser has a camera; {@link World.showCamera} sets its picture. */
  readonly hasCamera?: boolean;
}

/** An event and its place on the chain. */
export interface ChainEvent {
  readonly args: Readonly<Record<string, unknown>>;
  readonly blockNumber: bigint;
  readonly txHash: Hex;
}

const cameraFile = (stateDir: string): string => join(stateDir, 'camera.mjpeg');

/** Chromium plays a file instead of a camera picture, and asks for no permission. The file is read when the camera is opened. */
const cameraArguments = (stateDir: string): readonly string[] => [
  '--use-fake-device-for-media-stream',
  '--use-fake-ui-for-media-stream',
  `--use-file-for-fake-video-capture=${cameraFile(stateDir)}`,
];

/** Returns the path of one of our programs: beside the debug build, or given by a setting. */
function program(name: string, setting: string): string {
  const named = process.env[setting];
  const cache = process.env['MEDLOCK_CACHE'] ?? join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'medlock');
  const target = process.env['CARGO_TARGET_DIR'] ?? join(cache, 'target');
  const path = named ?? join(target, 'debug', name);
  if (!existsSync(path)) throw new Error(`${path} is missing\n  do: cargo build --workspace --bins, or set ${setting}`);
  return path;
}

function chromiumPath(): string {
  const path = process.env['MEDLOCK_CHROMIUM'] ?? '/usr/bin/chromium';
  if (!existsSync(path)) throw new Error(`${path} is missing\n  do: ./scripts/setup --web-tests as root, or set MEDLOCK_CHROMIUM`);
  return path;
}

export class World {
  readonly stateDir: string;
  readonly ports: Ports;
  readonly browser: Browser;
  readonly #process: ChildProcess;
  readonly #people: Person[] = [];
  #api: ApiProcess | null = null;

  private constructor(stateDir: string, ports: Ports, browser: Browser, child: ChildProcess) {
    this.stateDir = stateDir;
    this.ports = ports;
    this.browser = browser;
    this.#process = child;
  }

  /** Starts everything, which takes ten to twenty seconds. The web app must be built: `npm run build`. */
  static async start(options: WorldOptions = {}): Promise<World> {
    if (!existsSync(join(ROOT, 'client/web/dist/index.html'))) {
      throw new Error('the web app is not built\n  do: npm run build --workspace client/web');
    }
    const executablePath = chromiumPath();
    const stateDir = mkdtempSync(join(tmpdir(), 'medlock-web-'));
    const settings = Object.entries(options.apiSettings ?? {}).flatMap(([name, value]) => ['--api-setting', `${name}=${value}`]);
    const child = spawn(program('medlock-localnet', 'MEDLOCK_LOCALNET_BIN'), ['up', '--empty', '--state-dir', stateDir, ...settings], {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...process.env,
        PATH: `${join(process.env['MEDLOCK_CACHE'] ?? join(homedir(), '.cache/medlock'), 'tools/bin')}:${process.env['PATH']}`,
      },
    });
    try {
      await isUp(child);
      const ports = JSON.parse(readFileSync(join(stateDir, 'ports.json'), 'utf8')) as Ports;
      const browser = await chromium.launch({
        executablePath,
        args: [
          '--no-sandbox',
          '--disable-gpu',
          '--disable-quic',
          '--no-first-run',
          '--disable-background-networking',
          '--disable-component-update',
          '--disable-sync',
          ...(options.hasCamera === true ? cameraArguments(stateDir) : []),
        ],
      });
      return new World(stateDir, ports, browser, child);
    } catch (error) {
      await end(child);
      throw error;
    }
  }

  /** Saves pictures of every page if a test failed: `afterEach(({ task }) => world.evidence(task))`. */
  async evidence(task: { readonly name: string; readonly result?: { readonly state?: string } | undefined }): Promise<void> {
    if (task.result?.state !== 'fail') return;
    const folder = mkdtempSync(join(tmpdir(), 'medlock-web-failed-'));
    for (const person of this.#people.filter((one) => !one.hasLeft)) await person.evidence(folder);
  }

  async stop(): Promise<void> {
    for (const person of this.#people) await person.leave();
    await this.browser.close();
    await this.#api?.stop();
    await end(this.#process);
    rmSync(this.stateDir, { recursive: true, force: true });
  }

  /** The address of the web app and the API. */
  get url(): string {
    return `http://127.0.0.1:${this.ports.api}`;
  }

  get rpcUrl(): string {
    return `http://127.0.0.1:${this.ports.anvil}`;
  }

  /** Returns an account of anvil.toml. */
  account(role: Role): HDAccount {
    return mnemonicToAccount(MNEMONIC, { addressIndex: ROLES.indexOf(role) });
  }

  address(role: Role): Address {
    return this.account(role).address.toLowerCase() as Address;
  }

  /** Makes a person with a browser of their own, on the first page of the app. */
  async person(role: Role, options: PersonOptions = {}): Promise<Person> {
    const person = await Person.open(this, role, options);
    this.#people.push(person);
    return person;
  }

  /** Returns the deployment file. */
  deployment(): { chain_id: number; contracts: Record<string, { address: Address }> } {
    return JSON.parse(readFileSync(join(this.stateDir, 'deployment.json'), 'utf8')) as ReturnType<World['deployment']>;
  }

  #chain() {
    const { chain_id: id } = this.deployment();
    return defineChain({
      id,
      name: 'local',
      nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 },
      rpcUrls: { default: { http: [this.rpcUrl] } },
    });
  }

  /** The API's process, which can be killed and started again. */
  get api(): ApiProcess {
    this.#api ??= new ApiProcess(this.#process.pid ?? 0, this.url, this.stateDir);
    return this.#api;
  }

  /** Sets the picture (JPEG) that the camera of every browser shows from now on. */
  showCamera(picture: Buffer): void {
    writeFileSync(cameraFile(this.stateDir), picture);
  }

  /**
   * Returns the arguments of every event of a contract, oldest first. Example: `await world.events('access_log', 'event Accessed(address
   * indexed operator, …)')`.
   */
  async events(contract: string, event: string): Promise<readonly ChainEvent[]> {
    const client = createPublicClient({ chain: this.#chain(), transport: http(this.rpcUrl) });
    const address = this.deployment().contracts[contract]?.address as Address;
    const logs = await client.getLogs({ address, event: parseAbiItem(event) as AbiEvent, fromBlock: 0n });
    return logs.map(({ args, blockNumber, transactionHash }) => ({
      args: args as ChainEvent['args'],
      blockNumber,
      txHash: transactionHash,
    }));
  }

  /** Sends a transaction of an account to `Accreditation`, and waits until it is mined. */
  async #send(role: Role, functionName: 'addAccreditor' | 'accredit' | 'suspend', args: readonly unknown[]): Promise<void> {
    const chain = this.#chain();
    const transport = http(this.rpcUrl);
    const address = this.deployment().contracts['accreditation']?.address as Address;
    const hash: Hex = await createWalletClient({ account: this.account(role), chain, transport }).writeContract({
      address,
      abi: accreditationAbi,
      functionName,
      args,
    } as never);
    const receipt = await createPublicClient({ chain, transport }).waitForTransactionReceipt({ hash });
    if (receipt.status !== 'success') throw new Error(`${functionName} failed`);
  }

  /** Adds the accreditor of anvil.toml. */
  addAccreditor(): Promise<void> {
    return this.#send('owner', 'addAccreditor', [this.address('accreditor'), 0]);
  }

  /** Accredits an account until next year, with the roles of a bit set. */
  vouch(role: Role, bits: number): Promise<void> {
    const now = Math.floor(Date.now() / 1000);
    return this.#send('accreditor', 'accredit', [this.address(role), bits, now - 3600, now + 365 * 86_400, 0, 1]);
  }

  /** Suspends an account. */
  suspend(role: Role): Promise<void> {
    return this.#send('accreditor', 'suspend', [this.address(role)]);
  }

  /** Returns whether the block store is told to keep an envelope. */
  async isPinned(cid: string): Promise<boolean> {
    const answer = await fetch(`http://127.0.0.1:${this.ports.kubo}/api/v0/pin/ls?arg=${cid}&type=recursive`, { method: 'POST' });
    return answer.ok;
  }

  /**
   * Runs the command line as one of the people, in a directory of their own: `await world.medlock('patient', ['list', '--json'])`. Returns
   * the output. A failure throws an error with the messages of the program.
   */
  async medlock(role: Role, args: readonly string[]): Promise<string> {
    const home = join(this.stateDir, `cli-${role}`);
    const passphrase = join(this.stateDir, 'cli-passphrase');
    writeFileSync(passphrase, 'a passphrase of the command line\n', { mode: 0o600 });
    const env = {
      PATH: process.env['PATH'],
      MEDLOCK_HOME: home,
      MEDLOCK_API: this.url,
      MEDLOCK_RPC_URL: this.rpcUrl,
      MEDLOCK_DEPLOYMENT: join(this.stateDir, 'deployment.json'),
      MEDLOCK_PASSPHRASE_FILE: passphrase,
    };
    const { stdout } = await promisify(execFile)(program('medlock', 'MEDLOCK_BIN'), [...args], { env, cwd: this.stateDir });
    return stdout;
  }

  /** Sets up the command line of a person from the recovery words that the browser showed, and signs in. */
  async cliFromWords(role: Role, words: readonly string[]): Promise<void> {
    const file = (name: string, text: string): string => {
      const path = join(this.stateDir, `cli-${role}-${name}`);
      writeFileSync(path, text, { mode: 0o600 });
      return path;
    };
    const mnemonic = file('mnemonic', MNEMONIC);
    const seed = file('words', words.join(' '));
    await this.medlock(role, ['init', '--mnemonic-file', mnemonic, '--index', String(ROLES.indexOf(role)), '--words-file', seed]);
    await this.medlock(role, ['login']);
  }

  /** Sends a request to the chain's node, such as `anvil_mine`. */
  async rpc(method: string, params: readonly unknown[] = []): Promise<unknown> {
    const response = await fetch(this.rpcUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
    });
    const answer = (await response.json()) as { result?: unknown; error?: { code: number; message: string; data?: unknown } };
    if (answer.error !== undefined)
      throw Object.assign(new Error(answer.error.message), { code: answer.error.code, data: answer.error.data });
    return answer.result;
  }
}

/** Waits for the local network's last line of output. */
function isUp(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let said = '';
    const late = setTimeout(() => reject(new Error(`the local network was not up in time:\n${said}`)), START_MS_MAX);
    const hear = (bytes: Buffer): void => {
      said += bytes.toString();
      if (!said.includes('medlock is up.')) return;
      clearTimeout(late);
      resolve();
    };
    child.stdout?.on('data', hear);
    child.stderr?.on('data', hear);
    child.on('error', reject);
    child.on('exit', (code) => {
      clearTimeout(late);
      reject(new Error(`the local network ended with ${code}:\n${said}`));
    });
  });
}

function end(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve();
    child.removeAllListeners('exit');
    child.once('exit', () => resolve());
    child.kill('SIGTERM');
    setTimeout(() => child.kill('SIGKILL'), 30_000).unref();
  });
}
