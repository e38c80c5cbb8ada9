/** Types for the signed-in account and its keys. `useSession()` returns {@link SessionControl}. */
import type { Address } from 'viem';
import type { Act } from './actions.ts';
import type { Role } from '../protocol/codes.ts';
import type { NewKeyring, Recovery } from './set-up.ts';

/** The reason why the person is signed out or the session is locked: `session.why.<why>`. */
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

/** The server's data about the signed-in account (`GET /v1/me`). The roles are not checked: they only choose which pages are offered. */
export interface Me {
  readonly address: Address;
  readonly roles: readonly Role[];
  readonly accreditor: boolean;
  /** True if this account is the owner of the accreditation contract (read from the chain). */
  readonly owner: boolean;
  /** Epoch of the published identity key; 0 if none. */
  readonly keyEpoch: number;
  /** True if the published key is not the person's own. It is known once the keys are unlocked. */
  readonly isKeyReplaced: boolean;
  readonly storedBytes: number;
  readonly quotaBytes: number;
  readonly sessionExpiresAt: number;
}

/** The state of the session. Only `ready` has keys. */
export type Session =
  | { readonly state: 'starting' }
  /** Nobody is signed in. Pages stay mounted behind the sign-in if `why` is a reason such as `expired` or `idle`. */
  | { readonly state: 'signed_out'; readonly why: LockReason }
  /** Signed in. There is no keyring and no key on the chain: use `useSetUp`. */
  | { readonly state: 'needs_set_up'; readonly me: Me }
  /** Signed in. A key is on the chain, but neither the device nor the server has a keyring: use `recover` with the words. */
  | { readonly state: 'needs_recovery'; readonly me: Me }
  /** Signed in. The keyring is there and is not unlocked. */
  | { readonly state: 'locked'; readonly why: LockReason; readonly me: Me; readonly unlockers: readonly Unlocker[] }
  | { readonly state: 'ready'; readonly me: Me };

const READERS: readonly Role[] = ['doctor', 'nurse', 'lab', 'pharmacy', 'emergency', 'researcher'];

/** Returns true if the account has a role whose work is to read or add records of other people. */
export const isPractitioner = (me: Me): boolean => me.roles.some((role) => READERS.includes(role));

export type Unlocker = 'wallet' | 'passphrase';

/** The value that `useSession()` returns. */
export interface SessionControl {
  readonly session: Session;
  /** `null` if nobody is signed in. */
  readonly me: Me | null;
  /** Signs in. Takes the fingerprint of the deployment that the page showed ({@link Wallets.newNetwork}); `null` if it showed none. */
  readonly signIn: Act<string | null, void>;
  readonly unlockWithWallet: Act<void, void>;
  readonly unlockWithPassphrase: Act<string, void>;
  /** Makes the keyring again from the recovery words (24 words, or the text of a kit), under a new passphrase. */
  readonly recover: Act<Recovery, NewKeyring>;
  /** Publishes the person's own key again, in place of the newest one. It works with the wallet alone if this browser knows the key. */
  readonly registerAgain: Act<void, void>;
  /** Wipes the keys. The person stays signed in. */
  lock(): void;
  readonly signOut: Act<void, void>;
  /** Seconds until the session locks for lack of use; `null` until the last two minutes. */
  readonly secondsToLock: number | null;
  /** Restarts the idle time because the person is there. Pointer and keyboard events do the same. */
  stay(): void;
}
