/**
 * A connected wallet: one account of one provider. It gets only messages that this app has built itself. Before each signature it is asked
 * for its account and chain, so that no other account signs.
 */
import { numberToHex, stringToHex, type Address, type Hex } from 'viem';
import { parseAddress } from '../address.ts';
import { Failure } from '../failure.ts';
import type { Announced } from './discovery.ts';
import { askWallet, queryWallet, type Eip1193 } from './eip1193.ts';

/** EIP-712 typed data in the form that wallets accept: values as JSON, with the domain type. */
export interface TypedData {
  readonly domain: { readonly name: string; readonly version: string; readonly chainId: number; readonly verifyingContract: Address };
  readonly types: Readonly<Record<string, readonly { readonly name: string; readonly type: string }[]>>;
  readonly primaryType: string;
  readonly message: Readonly<Record<string, unknown>>;
}

/** The data that a wallet needs to add a chain (EIP-3085). */
interface NewChain {
  readonly chainId: number;
  readonly chainName: string;
  readonly rpcUrls: readonly string[];
}

const DOMAIN_TYPE = [
  { name: 'name', type: 'string' },
  { name: 'version', type: 'string' },
  { name: 'chainId', type: 'uint256' },
  { name: 'verifyingContract', type: 'address' },
] as const;

function firstAccount(accounts: unknown): Address | null {
  const first: unknown = Array.isArray(accounts) ? accounts[0] : undefined;
  return typeof first === 'string' ? parseAddress(first.toLowerCase()) : null;
}

/** Asks the wallet for an account. Its window opens if this site is new to it. */
export async function connectWallet(announced: Announced): Promise<Wallet> {
  const address = firstAccount(await askWallet(announced.provider, 'eth_requestAccounts'));
  if (address === null) throw new Failure('wallet_locked');
  return new Wallet(announced, address);
}

/** Returns the account that the wallet has already shown to this site; `null` if there is none. Opens no window. */
export async function reconnectWallet(announced: Announced): Promise<Wallet | null> {
  const address = firstAccount(await queryWallet(announced.provider, 'eth_accounts'));
  return address === null ? null : new Wallet(announced, address);
}

export class Wallet {
  readonly announced: Announced;
  /** Lower-case. */
  readonly address: Address;

  constructor(announced: Announced, address: Address) {
    this.announced = announced;
    this.address = address;
  }

  get provider(): Eip1193 {
    return this.announced.provider;
  }

  /** EIP-155 id of the chain that the wallet is on. */
  async chainId(): Promise<number> {
    const id = await queryWallet(this.provider, 'eth_chainId');
    const number = typeof id === 'string' ? Number(id) : NaN;
    if (!Number.isSafeInteger(number)) throw new Failure('wallet_failed');
    return number;
  }

  /** Signs text (EIP-191). */
  async signMessage(text: string): Promise<Hex> {
    await this.#requireAccount();
    return this.#signature(await askWallet(this.provider, 'personal_sign', [stringToHex(text), this.address]));
  }

  /** Signs typed data (EIP-712); the wallet must be on its chain. */
  async signTypedData(data: TypedData): Promise<Hex> {
    await this.#requireAccount();
    if ((await this.chainId()) !== data.domain.chainId)
      throw new Failure('wallet_wrong_chain', { values: { chainId: data.domain.chainId } });
    const types = { EIP712Domain: DOMAIN_TYPE, ...data.types };
    const text = JSON.stringify({ ...data, types }, (_, value: unknown) => (typeof value === 'bigint' ? value.toString() : value));
    return this.#signature(await askWallet(this.provider, 'eth_signTypedData_v4', [this.address, text]));
  }

  /**
   * Switches to a chain that the wallet knows.
   *
   * @throws Failure `wallet_unknown_chain` if the wallet needs a node for it first; the person decides whose node.
   */
  async switchChain(wanted: number): Promise<void> {
    const chainId = numberToHex(wanted);
    await askWallet(this.provider, 'wallet_switchEthereumChain', [{ chainId }]);
    if ((await this.chainId()) !== wanted) throw new Failure('wallet_wrong_chain', { values: { chainId: wanted } });
  }

  /** Adds a chain with its nodes to the wallet. Some wallets switch to it by themselves. */
  async addChain(chain: NewChain): Promise<void> {
    const chainId = numberToHex(chain.chainId);
    const nativeCurrency = { name: 'Ether', symbol: 'ETH', decimals: 18 };
    await askWallet(this.provider, 'wallet_addEthereumChain', [
      { chainId, chainName: chain.chainName, rpcUrls: chain.rpcUrls, nativeCurrency },
    ]);
  }

  async #requireAccount(): Promise<void> {
    const current = firstAccount(await queryWallet(this.provider, 'eth_accounts'));
    if (current === null) throw new Failure('wallet_locked');
    if (current !== this.address) throw new Failure('wallet_other_account');
  }

  #signature(answer: unknown): Hex {
    if (typeof answer !== 'string' || !/^0x([0-9a-fA-F]{2})+$/.test(answer)) throw new Failure('wallet_failed');
    return normalV(answer.toLowerCase() as Hex);
  }
}

/** Returns a signature whose last byte is 27 or 28, as the contracts require. Some wallets write 0 or 1 instead. */
function normalV(signature: Hex): Hex {
  if (signature.length !== 132) return signature;
  const v = signature.slice(130);
  if (v === '00') return `${signature.slice(0, 130)}1b` as Hex;
  if (v === '01') return `${signature.slice(0, 130)}1c` as Hex;
  return signature;
}
