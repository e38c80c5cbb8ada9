/** The input of every operation: the wallet, the chain, and the keys if they are needed. */
import type { Address } from 'viem';
import type { Chain } from '../chain/chain.ts';
import type { Wallet } from '../wallet/wallet.ts';
import type { Keys } from './keys.ts';
import type { KeptSession } from './kept-session.ts';
import type { ServerView } from './server.ts';
import type { Shelf } from './shelf.ts';

/** A connected wallet with the data of its account. */
export interface Client {
  readonly address: Address;
  readonly wallet: Wallet;
  readonly chain: Chain;
  readonly info: ServerView;
  readonly shelf: Shelf;
}

/** A client that has unlocked keys and a running session. */
export interface ReadyClient extends Client {
  readonly keys: Keys;
  readonly session: KeptSession;
}

/** A client that may have no unlocked keys. Revoking permissions and publishing the person's own key again need only the wallet. */
export interface WalletClient extends Client {
  readonly keys: Keys | null;
}
