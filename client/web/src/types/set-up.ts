/** Types for the set-up: making keys, the recovery kit, publishing the key. `useSetUp()` returns {@link SetUp}. */
import type { Address } from 'viem';
import type { Act } from './actions.ts';

/** The minimum length of a passphrase in characters. */
export { MIN_PASSPHRASE_CHARS as PASSPHRASE_CHARS_MIN } from '../protocol/keyring/passphrase.ts';

export interface NewKeyring {
  /** `false`: this wallet does not sign the same message the same way twice, so it cannot unlock the records. The page must say so. */
  readonly walletUnlocks: boolean;
  /** The reason why the wallet does not unlock: `set_up.wallet.<reason>`. */
  readonly walletRefused: 'not_deterministic' | 'contract_account' | 'rejected' | null;
  readonly onServer: boolean;
}

/** Input of the action that makes the seed and its keyring. */
export interface NewKeys {
  readonly passphrase: string;
  readonly skipWallet?: boolean;
  /** True if a key is already published and the person has said that it is not theirs: they have never set up anything. */
  readonly anew?: boolean;
}

/** Input of the action that restores the keyring. */
export interface Recovery {
  /** 24 words, or the text of a kit. */
  readonly words: string;
  readonly passphrase: string;
  /** True if the person was told that no published key belongs to these words, and is sure that the words are right. */
  readonly anyway?: boolean;
}

/** The recovery kit, to be printed or written down. It exists in memory only. */
export interface Kit {
  /** 24 words, in order. */
  readonly words: readonly string[];
  /** The text of the whole sheet. `recover` accepts it. */
  readonly text: string;
  readonly chainId: number;
  readonly owner: Address;
}

export type SetUpStep = 'keys' | 'kit' | 'publish' | 'done';

/** The value that `useSetUp()` returns. */
export interface SetUp {
  readonly step: SetUpStep;
  /** Makes the seed and its keyring. The wallet signs twice (`sign.enrol_wallet`); `skipWallet` leaves the wallet out. */
  readonly makeKeys: Act<NewKeys, NewKeyring>;
  /** Returns the recovery kit; `null` while locked. */
  kit(): Kit | null;
  /** The positions of the words to ask for, counted from 1. They stay the same until the person has answered correctly. */
  readonly wordNumbers: readonly [number, number, number];
  /**
   * Records that the person kept the kit. Takes the answers in the order of `wordNumbers`. Fails with `invalid_words` and `values.number`.
   */
  readonly proveKit: Act<readonly [string, string, string], void>;
  readonly publishKey: Act<void, void>;
  /** True if the person has answered correctly on this device. */
  readonly isKitSaved: boolean;
}
