/**
 * This browser as one person's device: wallet, server, chain, session, keys. One for the page; hooks watch it.
 *
 * Keys live here and nowhere else. They are wiped when the person locks, leaves for fifteen minutes, or changes the
 * account or the chain in the wallet.
 */
import type { Address } from 'viem';
import * as api from '../api/routes.ts';
import { whenSignedOut } from '../api/request.ts';
import { Chain } from '../chain/chain.ts';
import { walletRpc } from '../chain/rpc.ts';
import type { LockReason, Me, Session, Unlocker } from '../types/session.ts';
import { Failure } from '../failure.ts';
import { KeptSession } from './kept-session.ts';
import type { Keys } from './keys.ts';
import { onWallets, searchWallets, wallets } from '../wallet/discovery.ts';
import type { Eip1193 } from '../wallet/eip1193.ts';
import { connectWallet, reconnectWallet, Wallet } from '../wallet/wallet.ts';
import type { Client, ReadyClient, WalletClient } from './client.ts';
import { findKeyring, unlockersOf } from './keyring-copy.ts';
import { acceptDeployment, forgetDeployment, readServer, type ServerView } from './server.ts';
import { Shelf } from './shelf.ts';

/** Where the last wallet's name is kept; it says nothing about a person. */
const LAST_WALLET = 'medlock.wallet';
/** How long wallets may take to announce themselves before the page says that there is none. */
const SEARCH_MS = 600;

export interface DeviceState {
  readonly isSearching: boolean;
  readonly info: ServerView | null;
  readonly wallet: Wallet | null;
  readonly chainId: number | null;
  readonly session: Session;
}

type Note = { kind: 'signed_in' | 'signed_out' | 'locked'; address: Address };

class Device {
  #state: DeviceState = { isSearching: true, info: null, wallet: null, chainId: null, session: { state: 'starting' } };
  readonly #listeners = new Set<() => void>();
  #client: Client | null = null;
  #provider: Eip1193 | null = null;
  #session: KeptSession | null = null;
  #keys: Keys | null = null;
  #expiry: ReturnType<typeof setTimeout> | undefined;
  #generation = 0;
  #isStarted = false;
  readonly #tabs = new BroadcastChannel('medlock');
  /** Aborted when keys are wiped: whatever runs with them ends. */
  #work = new AbortController();

  readonly snapshot = (): DeviceState => this.#state;

  readonly watch = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  #set(change: Partial<DeviceState>): void {
    this.#state = { ...this.#state, ...change };
    for (const listener of this.#listeners) listener();
  }

  // ---- Beginning -------------------------------------------------------------------------------------------------

  /** Begins once: finds wallets, asks the server who it is, takes up the session. */
  start(): void {
    if (this.#isStarted) return;
    this.#isStarted = true;
    whenSignedOut(() => this.#endSession('expired'));
    this.#tabs.onmessage = (event: MessageEvent<Note>) => void this.#onOtherTab(event.data);
    window.addEventListener('pagehide', (event) => {
      // A page in the back-forward cache would keep the keys.
      if (event.persisted) this.lock('reloaded');
    });
    const last = localStorage.getItem(LAST_WALLET);
    let isTried = false;
    const tryLast = (): void => {
      const known = wallets().find((wallet) => wallet.rdns === last);
      if (isTried || known === undefined) return;
      isTried = true;
      reconnectWallet(known)
        .then((wallet) =>
          wallet === null ? this.#setSession({ state: 'signed_out', why: 'first_visit' }) : this.#attach(wallet, 'reloaded'),
        )
        .catch(() => this.#setSession({ state: 'signed_out', why: 'first_visit' }));
    };
    onWallets(tryLast);
    searchWallets();
    tryLast();
    setTimeout(() => {
      this.#set({ isSearching: false });
      if (!isTried) this.#setSession({ state: 'signed_out', why: 'first_visit' });
    }, SEARCH_MS);
    void this.#loadInfo();
  }

  async #loadInfo(): Promise<ServerView> {
    if (this.#state.info !== null) return this.#state.info;
    const info = await readServer();
    this.#set({ info });
    return info;
  }

  /**
   * Accepts the server's deployment, if it is the one whose fingerprint the person has seen. Nothing to do when it is accepted.
   *
   * @throws Failure `other_deployment` if they saw another one, or none.
   */
  async acceptDeployment(seen: string | null): Promise<void> {
    const info = await this.#loadInfo();
    if (info.isAccepted) return;
    if (seen !== info.fingerprint) throw new Failure('other_deployment');
    await acceptDeployment(info);
    this.#set({ info: { ...info, isAccepted: true } });
  }

  /** Forgets the accepted deployment and begins anew, locked: the next one is asked about. */
  async forgetDeployment(): Promise<void> {
    this.#wipe();
    await forgetDeployment();
    location.reload();
  }

  // ---- Wallet ------------------------------------------------------------------------------------------------------

  /** Connects a wallet; its window opens when this site is new to it. */
  async connect(uuid: string): Promise<Address> {
    const announced = wallets().find((wallet) => wallet.uuid === uuid);
    if (announced === undefined) throw new Failure('no_wallet');
    const wallet = await connectWallet(announced);
    localStorage.setItem(LAST_WALLET, announced.rdns);
    if (this.#state.wallet?.announced !== announced || this.#state.wallet.address !== wallet.address) {
      await this.#attach(wallet, 'reloaded');
    }
    return wallet.address;
  }

  /** Forgets the choice of a wallet. */
  disconnect(): void {
    localStorage.removeItem(LAST_WALLET);
    this.#listenTo(null);
    this.#detach();
    this.#setSession({ state: 'signed_out', why: 'signed_out' });
  }

  readonly #onAccounts = (accounts: readonly string[]): void => {
    const wallet = this.#state.wallet;
    const address = accounts[0]?.toLowerCase() as Address | undefined;
    if (wallet === null || address === wallet.address) return;
    this.#wipe();
    if (address === undefined) {
      this.#detach();
      this.#setSession({ state: 'signed_out', why: 'account_changed' });
    } else {
      void this.#attach(new Wallet(wallet.announced, address), 'account_changed');
    }
  };

  readonly #onChain = (id: string): void => {
    const chainId = Number(id);
    if (chainId === this.#state.chainId) return;
    this.#wipe();
    this.#set({ chainId });
    const wallet = this.#state.wallet;
    if (wallet !== null) void this.#attach(wallet, 'chain_changed');
  };

  /** Listens to this provider and to no other; a provider that is listened to already stays as it is. */
  #listenTo(provider: Eip1193 | null): void {
    if (provider === this.#provider) return;
    this.#provider?.removeListener('accountsChanged', this.#onAccounts);
    this.#provider?.removeListener('chainChanged', this.#onChain);
    this.#provider = provider;
    provider?.on('accountsChanged', this.#onAccounts);
    provider?.on('chainChanged', this.#onChain);
  }

  /** Lets go of the account. Its wallet may still choose another. */
  #detach(): void {
    this.#wipe();
    this.#client = null;
    this.#session = null;
    this.#generation += 1;
    this.#set({ wallet: null, chainId: null });
  }

  /** Takes up an account of a wallet, and its session if this browser keeps one. */
  async #attach(wallet: Wallet, why: LockReason): Promise<void> {
    this.#detach();
    const generation = this.#generation;
    this.#set({ wallet, session: { state: 'starting' } });
    this.#listenTo(wallet.provider);
    try {
      const chainId = await wallet.chainId();
      if (generation !== this.#generation) return;
      this.#set({ chainId });
      const info = await this.#loadInfo();
      if (generation !== this.#generation) return;
      this.#client = clientOf(wallet, info);
      if (info.isAccepted) await this.#resume(why);
      else this.#setSession({ state: 'signed_out', why: 'first_visit' });
    } catch {
      // The server or the wallet does not answer now; signing in asks again and then says why.
      if (generation === this.#generation) this.#setSession({ state: 'signed_out', why });
    }
  }

  /** The connected client; asks the server who it is when that was not possible before. */
  async client(): Promise<Client> {
    const { wallet } = this.#state;
    if (wallet === null) throw new Failure('no_wallet');
    if (this.#client === null) {
      const info = await this.#loadInfo();
      if (this.#state.wallet !== wallet) throw new Failure('cancelled');
      this.#client = clientOf(wallet, info);
    }
    return this.#client;
  }

  /** The client with its keys. @throws Failure `locked`. */
  async ready(): Promise<ReadyClient> {
    const client = await this.client();
    if (this.#keys === null || this.#session === null) throw new Failure('locked');
    return { ...client, keys: this.#keys, session: this.#session };
  }

  /** The client with its keys, or without them while they are closed. */
  async withWallet(): Promise<WalletClient> {
    return { ...(await this.client()), keys: this.#keys };
  }

  /** Whether keys are in memory: also after the session has ended, so that a form goes on once signed in again. */
  get hasKeys(): boolean {
    return this.#keys !== null;
  }

  /** Ends when the keys are wiped. */
  get work(): AbortSignal {
    return this.#work.signal;
  }

  // ---- Session -----------------------------------------------------------------------------------------------------

  #setSession(session: Session): void {
    this.#set({ session });
  }

  /** Finds out where the kept session of this account stands, at the server as well. */
  async #resume(why: LockReason): Promise<void> {
    const client = await this.client();
    const generation = this.#generation;
    const kept = await KeptSession.load(client.shelf);
    const told = kept === null ? null : await api.me();
    if (generation !== this.#generation) return;
    if (kept === null || told === null || told.address.toLowerCase() !== client.address) {
      this.#session = null;
      const ended = kept === null ? why : told === null ? 'expired' : 'other_tab';
      this.#setSession({ state: 'signed_out', why: ended === 'reloaded' ? 'first_visit' : ended });
      return;
    }
    this.#begin(kept);
    await this.#enter(why, told);
  }

  #begin(session: KeptSession): void {
    this.#session = session;
    clearTimeout(this.#expiry);
    const left = session.expiresAt * 1000 - Date.now();
    this.#expiry = setTimeout(() => this.#endSession('expired'), Math.min(left, 2 ** 31 - 1));
  }

  /** Ready, locked, or still to be set up. */
  async #enter(why: LockReason, told: api.MeView): Promise<void> {
    const client = await this.client();
    const generation = this.#generation;
    const [keyring, owner] = await Promise.all([
      findKeyring(client),
      // Only chooses which pages are offered.
      client.chain.accreditationOwner().catch(() => null),
    ]);
    if (generation !== this.#generation) return;
    const me: Me = {
      address: client.address,
      roles: told.roles,
      accreditor: told.accreditor,
      owner: owner === client.address,
      // The server's mirror may be a moment behind the chain, with which open keys were compared.
      keyEpoch: Math.max(told.key_epoch, this.#keys?.current ?? 0),
      isKeyReplaced: this.#keys?.isReplaced ?? false,
      storedBytes: told.stored_bytes,
      quotaBytes: told.quota_bytes,
      sessionExpiresAt: told.session_expires_at,
    };
    if (this.#keys !== null) this.#setSession({ state: 'ready', me });
    else if (keyring !== null) {
      const unlockers: readonly Unlocker[] = unlockersOf(keyring);
      this.#setSession({ state: 'locked', why, me, unlockers });
    } else if (told.key_epoch > 0) this.#setSession({ state: 'needs_recovery', me });
    else this.#setSession({ state: 'needs_set_up', me });
  }

  /** Reads again who is signed in and where that stands; after signing in, unlocking, publishing. */
  async refresh(why: LockReason = 'reloaded'): Promise<void> {
    const generation = this.#generation;
    const told = await api.me();
    if (generation !== this.#generation) return;
    if (told === null) this.#endSession('expired');
    else if (told.address.toLowerCase() !== this.#state.wallet?.address) this.#endSession('other_tab');
    else await this.#enter(why, told);
  }

  /**
   * After signing in. `signal` is that of the errand: the wallet may have changed its account or chain meanwhile.
   *
   * @throws Failure `cancelled` if it did, or if the session is another account's.
   */
  async signedIn(session: KeptSession, signal: AbortSignal): Promise<void> {
    if (signal.aborted || session.address !== this.#state.wallet?.address) throw new Failure('cancelled');
    this.#begin(session);
    this.#tell('signed_in');
    await this.refresh();
  }

  /**
   * After unlocking. `signal` is that of the errand, as in `signedIn`; keys that are not those of the account which is
   * connected now are wiped.
   *
   * @throws Failure `cancelled` for such keys.
   */
  async unlocked(keys: Keys, signal: AbortSignal): Promise<void> {
    if (signal.aborted || keys.owner !== this.#state.wallet?.address) {
      keys.wipe();
      throw new Failure('cancelled');
    }
    if (this.#keys !== null && this.#keys !== keys && this.#keys.seed !== keys.seed) this.#keys.wipe();
    this.#keys = keys;
    if (this.#work.signal.aborted) this.#work = new AbortController();
    await this.refresh();
  }

  /** Compares the open keys with the chain again: a key was published, perhaps by somebody else. */
  async checkKeys(): Promise<void> {
    const keys = this.#keys;
    if (keys === null) return;
    const fresh = await keys.refreshed((await this.client()).chain);
    // Locked meanwhile: the seed is wiped.
    if (this.#keys !== keys) return;
    this.#keys = fresh;
    await this.refresh();
  }

  /** The server no longer knows the session. Keys stay, so that a form goes on where it was once signed in again. */
  #endSession(why: LockReason): void {
    if (this.#session === null) return;
    this.#session = null;
    clearTimeout(this.#expiry);
    this.#setSession({ state: 'signed_out', why });
  }

  #wipe(): void {
    this.#keys?.wipe();
    this.#keys = null;
    this.#work.abort();
    this.#work = new AbortController();
  }

  /** Wipes the keys; the session goes on. */
  lock(why: LockReason): void {
    if (this.#keys === null) return;
    this.#wipe();
    const { session } = this.#state;
    if (session.state === 'ready') this.#setSession({ state: 'locked', why, me: session.me, unlockers: ['passphrase'] });
    if (why !== 'other_tab') this.#tell('locked');
    if (this.#session !== null) void this.refresh(why).catch(() => undefined);
  }

  /** Ends the session, here and at the server. */
  async signOut(): Promise<void> {
    const client = await this.client();
    this.#wipe();
    this.#session = null;
    clearTimeout(this.#expiry);
    await KeptSession.forget(client.shelf);
    this.#setSession({ state: 'signed_out', why: 'signed_out' });
    this.#tell('signed_out');
    await api.logout().catch((error: unknown) => {
      // Without an answer the cookie stays until it ends; its session key is gone, so it reads nothing.
      if (!(error instanceof Failure) || error.code !== 'not_signed_in') throw error;
    });
  }

  // ---- Other tabs --------------------------------------------------------------------------------------------------

  #tell(kind: Note['kind']): void {
    const address = this.#state.wallet?.address;
    if (address !== undefined) this.#tabs.postMessage({ kind, address } satisfies Note);
  }

  /** All tabs share one cookie: what one does concerns the others. */
  async #onOtherTab(note: Note): Promise<void> {
    const { wallet } = this.#state;
    if (wallet === null) return;
    if (note.kind === 'locked') {
      this.lock('other_tab');
    } else if (note.kind === 'signed_out' || note.address !== wallet.address) {
      this.#wipe();
      this.#endSession('other_tab');
    } else {
      const client = await this.client();
      const session = await KeptSession.load(client.shelf);
      if (session === null) return;
      this.#begin(session);
      await this.refresh('other_tab').catch(() => undefined);
    }
  }
}

function clientOf(wallet: Wallet, info: ServerView): Client {
  const { deployment } = info;
  const chain = new Chain(walletRpc(wallet.provider), deployment);
  return { address: wallet.address, wallet, info, shelf: new Shelf(deployment, wallet.address), chain };
}

/** The one device of this page. */
export const device = new Device();
