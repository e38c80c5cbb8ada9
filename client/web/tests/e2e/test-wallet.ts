/**
 * A wallet for tests: announced by EIP-6963, signs with a test key, and can be made to fail with exact error codes. The provider in the
 * page has only a few lines; all decisions are made here, in Node.
 */
import { secp256k1 } from '@noble/curves/secp256k1.js';
import type { BrowserContext, Page } from 'playwright-core';
import { bytesToHex, hashMessage, hexToBytes, hexToString, isHex, numberToHex, type Address, type Hex } from 'viem';
import type { HDAccount } from 'viem/accounts';
import type { World } from './world.ts';

/** An error in the form that wallets return. */
export interface WalletError {
  readonly code: number;
  readonly message: string;
}

export const REJECTED: WalletError = { code: 4001, message: 'User rejected the request.' };
export const PENDING: WalletError = { code: -32002, message: 'Request already pending.' };
export const UNKNOWN_CHAIN: WalletError = { code: 4902, message: 'Unrecognized chain ID.' };
export const DISCONNECTED: WalletError = { code: 4900, message: 'Disconnected.' };
/** The error of a wallet whose node does not answer. */
const NODE_IS_GONE: WalletError = { code: -32603, message: 'Failed to fetch' };

/** The name of a JSON-RPC method. */
type Method = string;

export interface WalletInfo {
  readonly name: string;
  readonly rdns: string;
}

const ICON =
  'data:image/svg+xml,%3Csvg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"%3E%3Crect width="1" height="1" fill="teal"/%3E%3C/svg%3E';

export class TestWallet {
  readonly info: WalletInfo;
  /** Accounts that the site may see, the first one current. */
  accounts: HDAccount[];
  chainId: number;
  /** Chains that the wallet knows. For others it returns error 4902. */
  readonly knownChains: Set<number>;
  /** The nodes with which chains were added, in order. */
  readonly added: (readonly string[])[] = [];
  /** `false`: signing the same text again gives another signature. */
  isDeterministic = true;
  /** `true`: the wallet's node does not answer. Accounts, signatures and the chain id need no node. */
  isCutOff = false;
  /** Typed data of these primary types is signed by another account, to make forgeries. */
  readonly forgers = new Map<string, HDAccount>();
  /** Every requested method, in order. */
  readonly asked: Method[] = [];
  /** The texts and typed data that were signed. */
  readonly signed: string[] = [];
  readonly #world: World;
  readonly #failures = new Map<Method, WalletError[]>();
  readonly #always = new Map<Method, WalletError>();
  #hold: Promise<void> | null = null;

  constructor(world: World, account: HDAccount, chainId: number, info: WalletInfo) {
    this.#world = world;
    this.accounts = [account];
    this.chainId = chainId;
    this.knownChains = new Set([chainId]);
    this.info = info;
  }

  /** Makes the next call of a method fail with this error. */
  failNext(method: Method, error: WalletError): void {
    this.#failures.set(method, [...(this.#failures.get(method) ?? []), error]);
  }

  /** Makes every call of a method fail with this error; `null` ends it. */
  failAlways(method: Method, error: WalletError | null): void {
    if (error === null) this.#always.delete(method);
    else this.#always.set(method, error);
  }

  /** Makes signatures wait until the returned function is called, as when the wallet's window is open. */
  holdSignatures(): () => void {
    let release = (): void => undefined;
    this.#hold = new Promise((resolve) => {
      release = () => {
        this.#hold = null;
        resolve();
      };
    });
    return release;
  }

  /** Selects another account, as in the wallet's own window. */
  async switchAccount(page: Page, ...accounts: HDAccount[]): Promise<void> {
    this.accounts = accounts;
    await this.#emit(
      page,
      'accountsChanged',
      accounts.map((account) => account.address),
    );
  }

  /** Selects another chain. */
  async switchChain(page: Page, chainId: number): Promise<void> {
    this.chainId = chainId;
    await this.#emit(page, 'chainChanged', numberToHex(chainId));
  }

  async #emit(page: Page, event: string, value: unknown): Promise<void> {
    await page.evaluate(([rdns, name, data]) => window.dispatchEvent(new CustomEvent(`test-wallet:${rdns}`, { detail: { name, data } })), [
      this.info.rdns,
      event,
      value,
    ] as const);
  }

  /** Installs the wallet in every page of a browser context. */
  async install(context: BrowserContext): Promise<void> {
    const binding = `testWallet_${this.info.rdns.replaceAll('.', '_')}`;
    await context.exposeBinding(binding, async ({ page }, method: string, params: unknown) => {
      try {
        return { result: await this.#answer(page, method, (params ?? []) as unknown[]) };
      } catch (error) {
        const { code = -32603, message, data } = error as { code?: number; message: string; data?: unknown };
        return { error: { code, message, data } };
      }
    });
    await context.addInitScript(announce, { binding, ...this.info, icon: ICON });
  }

  async #answer(page: Page, method: string, params: unknown[]): Promise<unknown> {
    this.asked.push(method);
    const failure = this.#always.get(method) ?? this.#failures.get(method)?.shift();
    if (failure !== undefined) throw failure;
    const addresses = this.accounts.map((account) => account.address);
    switch (method) {
      case 'eth_requestAccounts':
      case 'eth_accounts':
        return addresses;
      case 'eth_chainId':
        return numberToHex(this.chainId);
      case 'personal_sign':
        return this.#signText(params);
      case 'eth_signTypedData_v4':
        return this.#signTypedData(params);
      case 'wallet_switchEthereumChain':
        return this.#toChain(page, params);
      case 'wallet_addEthereumChain':
        this.knownChains.add(Number((params[0] as { chainId: Hex }).chainId));
        this.added.push((params[0] as { rpcUrls: string[] }).rpcUrls);
        return null;
      default:
        if (!method.startsWith('eth_')) throw { code: 4200, message: `${method} is not supported` };
        if (this.isCutOff) throw NODE_IS_GONE;
        // A chain other than the local one has none of our contracts.
        if (this.chainId !== this.#world.deployment().chain_id) return method === 'eth_getCode' ? '0x' : null;
        return this.#world.rpc(method, params);
    }
  }

  async #toChain(page: Page, params: unknown[]): Promise<null> {
    const chainId = Number((params[0] as { chainId: Hex }).chainId);
    if (!this.knownChains.has(chainId)) throw UNKNOWN_CHAIN;
    await this.switchChain(page, chainId);
    return null;
  }

  #signer(address: unknown): HDAccount {
    const found = this.accounts.find((account) => account.address.toLowerCase() === String(address).toLowerCase());
    if (found === undefined) throw { code: 4100, message: 'not an account of this wallet' };
    return found;
  }

  async #signText([data, address]: unknown[]): Promise<Hex> {
    await this.#hold;
    const signer = this.#signer(address);
    const text = isHex(data) ? hexToString(data) : String(data);
    this.signed.push(text);
    if (this.isDeterministic) return signer.signMessage({ message: text });
    const key = signer.getHdKey().privateKey as Uint8Array;
    const bytes = secp256k1.sign(hexToBytes(hashMessage(text)), key, { prehash: false, extraEntropy: true, format: 'recovered' });
    return bytesToHex(Uint8Array.from([...bytes.slice(1), 27 + (bytes[0] ?? 0)]));
  }

  async #signTypedData([address, json]: unknown[]): Promise<Hex> {
    await this.#hold;
    const account = this.#signer(address as Address);
    const data = JSON.parse(String(json)) as Parameters<HDAccount['signTypedData']>[0] & { domain: { chainId: number | string } };
    if (Number(data.domain.chainId) !== this.chainId) throw { code: -32602, message: 'the chain of the message is another one' };
    this.signed.push(String(json));
    return (this.forgers.get(data.primaryType) ?? account).signTypedData(data);
  }
}

/** Runs in the page, before its scripts. */
function announce({ binding, name, rdns, icon }: { binding: string; name: string; rdns: string; icon: string }): void {
  // The empty first page has no wallet, as in any browser.
  if (!isSecureContext) return;
  const listeners = new Map<string, Set<(value: unknown) => void>>();
  const provider = {
    async request({ method, params }: { method: string; params?: unknown }) {
      const call = (
        window as unknown as Record<
          string,
          (method: string, params: unknown) => Promise<{ result?: unknown; error?: { code: number; message: string; data?: unknown } }>
        >
      )[binding];
      if (call === undefined) throw Object.assign(new Error('the test wallet is gone'), { code: 4900 });
      const answer = await call(method, params);
      if (answer.error !== undefined)
        throw Object.assign(new Error(answer.error.message), { code: answer.error.code, data: answer.error.data });
      return answer.result;
    },
    on(event: string, listener: (value: unknown) => void) {
      listeners.set(event, (listeners.get(event) ?? new Set()).add(listener));
    },
    removeListener(event: string, listener: (value: unknown) => void) {
      listeners.get(event)?.delete(listener);
    },
  };
  window.addEventListener(`test-wallet:${rdns}`, (event) => {
    const { name: happened, data } = (event as CustomEvent<{ name: string; data: unknown }>).detail;
    for (const listener of [...(listeners.get(happened) ?? [])]) listener(data);
  });
  const detail = Object.freeze({ info: Object.freeze({ uuid: crypto.randomUUID(), name, rdns, icon }), provider });
  const tell = (): void => void window.dispatchEvent(new CustomEvent('eip6963:announceProvider', { detail }));
  window.addEventListener('eip6963:requestProvider', tell);
  tell();
}
