/**
 * The state of this browser for one person: wallet, server, chain, session, keys. The page has one; hooks watch it.
 *
 * Keys are kept here only. They are wiped when the person locks, when nothing was used for fifteen minutes, or when the account or the
 * chain changes in the wallet.
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

/** Storage key for the name of the last wallet. The value says nothing about the person. */
const LAST_WALLET = 'medlock.wallet';
/** Time in milliseconds that wallets have to announce themselves, before the page says that there is none. */
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
  /** Aborted when the keys are wiped, so that everything that uses them ends. */
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

  // ---- Start -----------------------------------------------------------------------------------------------------

  /** Starts the device; later calls have no effect. Finds wallets, reads the server's data, and resumes the session. */
  start(): void {
    if (this.#isStarted) return;
    this.#isStarted = true;
    whenSignedOut(() => this.#endSession('expired'));
    this.#tabs.onmessage = (event: MessageEvent<Note>) => void this.#onOtherTab(event.data);
    window.addEventListener('pagehide', (event) => {
      // A page in the back-forward cache would keep the keys in memory.
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
   * Accepts the server's deployment if it has the fingerprint that the person has seen. Does nothing if it is accepted already.
   *
   * @throws Failure `other_deployment` if the person saw another fingerprint, or none.
   */
  async acceptDeployment(seen: string | null): Promise<void> {
    const info = await this.#loadInfo();
    if (info.isAccepted) return;
    if (seen !== info.fingerprint) throw new Failure('other_deployment');
    await acceptDeployment(info);
    this.#set({ info: { ...info, isAccepted: true } });
  }

  /** Forgets the accepted deployment, locks, and starts again. The person is asked about the next deployment. */
  async forgetDeployment(): Promise<void> {
    this.#wipe();
    await forgetDeployment();
    location.reload();
  }

  // ---- Wallet ------------------------------------------------------------------------------------------------------

  /** Connects a wallet. Its window opens if this site is new to it. */
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

  /** Forgets which wallet was chosen. */
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

  /** Listens to the events of this provider only. Does nothing if it already listens to this provider. */
  #listenTo(provider: Eip1193 | null): void {
    if (provider === this.#provider) return;
    this.#provider?.removeListener('accountsChanged', this.#onAccounts);
    this.#provider?.removeListener('chainChanged', this.#onChain);
    this.#provider = provider;
    provider?.on('accountsChanged', this.#onAccounts);
    provider?.on('chainChanged', this.#onChain);
  }

  /** Disconnects the account. The wallet may still select another one. */
  #detach(): void {
    this.#wipe();
    this.#client = null;
    this.#session = null;
    this.#generation += 1;
    this.#set({ wallet: null, chainId: null });
  }

  /** Connects an account of a wallet, and resumes its session if this browser has one. */
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
      // The server or the wallet does not answer now. Signing in asks again and then reports the error.
      if (generation === this.#generation) this.#setSession({ state: 'signed_out', why });
    }
  }

  /** Returns the connected client. Reads the server's data first if that was not possible before. */
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

  /** Returns the client with its keys. @throws Failure `locked`. */
  async ready(): Promise<ReadyClient> {
    const client = await this.client();
    if (this.#keys === null || this.#session === null) throw new Failure('locked');
    return { ...client, keys: this.#keys, session: this.#session };
  }

  /** Returns the client, with its keys if they are unlocked. */
  async withWallet(): Promise<WalletClient> {
    return { ...(await this.client()), keys: this.#keys };
  }

  /**
   * True if keys are in memory. They stay there after the session has expired, so that the person can continue a form after signing in
   * again.
   */
  get hasKeys(): boolean {
    return this.#keys !== null;
  }

  /** A signal that is aborted when the keys are wiped. */
  get work(): AbortSignal {
    return this.#work.signal;
  }

  // ---- Session -----------------------------------------------------------------------------------------------------

  #setSession(session: Session): void {
    this.#set({ session });
  }

  /** Finds the state of the stored session of this account, and asks the server as well. */
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

  /** Sets the session to ready, locked, or set-up needed. */
  async #enter(why: LockReason, told: api.MeView): Promise<void> {
    const client = await this.client();
    const generation = this.#generation;
    const [keyring, owner] = await Promise.all([
      findKeyring(client),
      // This value only chooses which pages are offered.
      client.chain.accreditationOwner().catch(() => null),
    ]);
    if (generation !== this.#generation) return;
    const me: Me = {
      address: client.address,
      roles: told.roles,
      accreditor: told.accreditor,
      owner: owner === client.address,
      // The server's copy of the chain may be a moment older than the chain state that was compared with the unlocked keys.
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

  /** Reads again who is signed in and the state of the session. Called after signing in, unlocking and publishing. */
  async refresh(why: LockReason = 'reloaded'): Promise<void> {
    const generation = this.#generation;
    const told = await api.me();
    if (generation !== this.#generation) return;
    if (told === null) this.#endSession('expired');
    else if (told.address.toLowerCase() !== this.#state.wallet?.address) this.#endSession('other_tab');
    else await this.#enter(why, told);
  }

  /**
   * Stores the session after signing in. `signal` is the signal of the errand: the wallet may have changed its account or chain in the
   * meantime.
   *
   * @throws Failure `cancelled` if it did, or if the session belongs to another account.
   */
  async signedIn(session: KeptSession, signal: AbortSignal): Promise<void> {
    if (signal.aborted || session.address !== this.#state.wallet?.address) throw new Failure('cancelled');
    this.#begin(session);
    this.#tell('signed_in');
    await this.refresh();
  }

  /**
   * Stores the keys after unlocking. `signal` is the signal of the errand, as in `signedIn`. Keys that do not belong to the connected
   * account are wiped.
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

  /** Compares the unlocked keys with the chain again, because a key was published, perhaps by somebody else. */
  async checkKeys(): Promise<void> {
    const keys = this.#keys;
    if (keys === null) return;
    const fresh = await keys.refreshed((await this.client()).chain);
    // The session was locked in the meantime and the seed is wiped.
    if (this.#keys !== keys) return;
    this.#keys = fresh;
    await this.refresh();
  }

  /**
   * Ends the session because the server no longer knows it. The keys stay, so that the person can continue a form after signing in again.
   */
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

  /** Wipes the keys. The person stays signed in. */
  lock(why: LockReason): void {
    if (this.#keys === null) return;
    this.#wipe();
    const { session } = this.#state;
    if (session.state === 'ready') this.#setSession({ state: 'locked', why, me: session.me, unlockers: ['passphrase'] });
    if (why !== 'other_tab') this.#tell('locked');
    if (this.#session !== null) void this.refresh(why).catch(() => undefined);
  }

  /** Ends the session in this browser and on the server. */
  async signOut(): Promise<void> {
    const client = await this.client();
    this.#wipe();
    this.#session = null;
    clearTimeout(this.#expiry);
    await KeptSession.forget(client.shelf);
    this.#setSession({ state: 'signed_out', why: 'signed_out' });
    this.#tell('signed_out');
    await api.logout().catch((error: unknown) => {
      // If the server did not answer, the cookie stays until it expires. The session key is deleted, so nothing can be read with the
      // cookie.
      if (!(error instanceof Failure) || error.code !== 'not_signed_in') throw error;
    });
  }

  // ---- Other tabs --------------------------------------------------------------------------------------------------

  #tell(kind: Note['kind']): void {
    const address = this.#state.wallet?.address;
    if (address !== undefined) this.#tabs.postMessage({ kind, address } satisfies Note);
  }

  /** Handles a message from another tab. All tabs share one cookie, so signing in or out in one affects the others. */
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

/** The only device of this page. */
export const device = new Device();
