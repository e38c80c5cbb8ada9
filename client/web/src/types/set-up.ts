/** Making keys, the recovery kit, publishing. `useSetUp()` gives {@link SetUp}. */
import type { Address } from 'viem';
import type { Act } from './actions.ts';

/** The fewest characters of a passphrase. */
export { MIN_PASSPHRASE_CHARS as PASSPHRASE_CHARS_MIN } from '../protocol/keyring/passphrase.ts';

export interface NewKeyring {
  /** `false`: this wallet does not sign the same message twice the same way, so it cannot unlock; say so. */
  readonly walletUnlocks: boolean;
  /** Why not. `set_up.wallet.<reason>` */
  readonly walletRefused: 'not_deterministic' | 'contract_account' | 'rejected' | null;
  readonly onServer: boolean;
}

/** How the seed and its keyring are made. */
export interface NewKeys {
  readonly passphrase: string;
  readonly skipWallet?: boolean;
  /** A key is published, and the person has said that it is not theirs: they never set up anything. */
  readonly anew?: boolean;
}

/** What brings the keyring back. */
export interface Recovery {
  /** 24 words, or the text of a kit. */
  readonly words: string;
  readonly passphrase: string;
  /** The person has been told that no published key is of these words, and is sure of them. */
  readonly anyway?: boolean;
}

/** The recovery kit, to be printed or written down. In memory only. */
export interface Kit {
  /** 24 words, in order. */
  readonly words: readonly string[];
  /** The whole sheet as text; `recover` reads it back. */
  readonly text: string;
  readonly chainId: number;
  readonly owner: Address;
}

export type SetUpStep = 'keys' | 'kit' | 'publish' | 'done';

/** `useSetUp()`. */
export interface SetUp {
  readonly step: SetUpStep;
  /** Makes the seed and its keyring. The wallet signs twice (`sign.enrol_wallet`); `skipWallet` leaves it out. */
  readonly makeKeys: Act<NewKeys, NewKeyring>;
  /** `null` while locked. */
  kit(): Kit | null;
  /** Which words to ask for, counted from 1; the same until they were proved. */
  readonly wordNumbers: readonly [number, number, number];
  /** Records that the kit was kept; fails with `invalid_words` and `values.number`. Answers stand in the order of `wordNumbers`. */
  readonly proveKit: Act<readonly [string, string, string], void>;
  readonly publishKey: Act<void, void>;
  /** Whether the kit was proved on this device. */
  readonly isKitSaved: boolean;
}
