/** What an operation works with: the wallet, the chain, and the keys where they are needed. */
import type { Address } from 'viem';
import type { Chain } from '../chain/chain.ts';
import type { Wallet } from '../wallet/wallet.ts';
import type { Keys } from './keys.ts';
import type { KeptSession } from './kept-session.ts';
import type { ServerView } from './server.ts';
import type { Shelf } from './shelf.ts';

/** A connected wallet with what belongs to its account. */
export interface Client {
  readonly address: Address;
  readonly wallet: Wallet;
  readonly chain: Chain;
  readonly info: ServerView;
  readonly shelf: Shelf;
}

/** A client whose keys are open and whose session runs. */
export interface ReadyClient extends Client {
  readonly keys: Keys;
  readonly session: KeptSession;
}

/** A client whose keys may be closed: what takes away, and what publishes one's own key again, needs the wallet alone. */
export interface WalletClient extends Client {
  readonly keys: Keys | null;
}
