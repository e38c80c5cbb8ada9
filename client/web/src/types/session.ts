/** Who is signed in, and whether keys are open. `useSession()` gives {@link SessionControl}. */
import type { Address } from 'viem';
import type { Act } from './actions.ts';
import type { Role } from '../protocol/codes.ts';
import type { NewKeyring, Recovery } from './set-up.ts';

/** Why somebody is signed out or locked. `session.why.<why>` */
export type LockReason =
  | 'first_visit'
  | 'signed_out'
  | 'expired'
  | 'idle'
  | 'locked_here'
  | 'account_changed'
  | 'chain_changed'
  | 'reloaded'
  | 'other_tab';

/** What the server says about the signed-in account (`GET /v1/me`), roles compared with nothing: they only choose pages. */
export interface Me {
  readonly address: Address;
  readonly roles: readonly Role[];
  readonly accreditor: boolean;
  /** Whether this account is the owner of the accreditation contract (read from the chain). */
  readonly owner: boolean;
  /** Epoch of the published identity key; 0 if none. */
  readonly keyEpoch: number;
  /** Whether that key is somebody else's: known once the keys are open. */
  readonly isKeyReplaced: boolean;
  readonly storedBytes: number;
  readonly quotaBytes: number;
  readonly sessionExpiresAt: number;
}

/** Where the session stands. Only `ready` holds keys. */
export type Session =
  | { readonly state: 'starting' }
  /** Nobody is signed in; pages stay mounted behind the sign-in when `why` is `expired`, `idle` or the like. */
  | { readonly state: 'signed_out'; readonly why: LockReason }
  /** Signed in; no keyring anywhere and no key on chain: `useSetUp`. */
  | { readonly state: 'needs_set_up'; readonly me: Me }
  /** Signed in; a key is on chain, but neither device nor server has a keyring: `recover` with the words. */
  | { readonly state: 'needs_recovery'; readonly me: Me }
  /** Signed in; the keyring is there and closed. */
  | { readonly state: 'locked'; readonly why: LockReason; readonly me: Me; readonly unlockers: readonly Unlocker[] }
  | { readonly state: 'ready'; readonly me: Me };

const READERS: readonly Role[] = ['doctor', 'nurse', 'lab', 'pharmacy', 'emergency', 'researcher'];

/** Whether somebody reads or adds records of others for a living. */
export const isPractitioner = (me: Me): boolean => me.roles.some((role) => READERS.includes(role));

export type Unlocker = 'wallet' | 'passphrase';

/** `useSession()`. */
export interface SessionControl {
  readonly session: Session;
  /** `null` unless signed in. */
  readonly me: Me | null;
  /** Takes the fingerprint of the deployment that the page showed ({@link Wallets.newNetwork}); `null` if it showed none. */
  readonly signIn: Act<string | null, void>;
  readonly unlockWithWallet: Act<void, void>;
  readonly unlockWithPassphrase: Act<string, void>;
  /** Makes the keyring again from the recovery words (24 words, or the text of a kit) under a new passphrase. */
  readonly recover: Act<Recovery, NewKeyring>;
  /** Publishes the person's own key in place of the newest one. With the wallet alone, where this browser knows the key. */
  readonly registerAgain: Act<void, void>;
  /** Wipes the keys; the session goes on. */
  lock(): void;
  readonly signOut: Act<void, void>;
  /** Seconds until the idle lock; counted only in the last two minutes, else `null`. */
  readonly secondsToLock: number | null;
  /** The person is here: restarts the idle time. Pointer and keyboard do so by themselves. */
  stay(): void;
}
