/** Wallets of this browser, and the connected one. `useWallets()` gives {@link Wallets}. */
import type { Address } from 'viem';
import type { Act } from './actions.ts';

/** A wallet that announced itself (EIP-6963). */
export interface WalletInfo {
  /** Unique for this page. */
  readonly uuid: string;
  /** Reverse domain name; remembered as the last choice. */
  readonly rdns: string;
  readonly name: string;
  /** `data:` URI of its picture. */
  readonly icon: string;
}

/** The connected wallet. */
export interface Connection {
  readonly wallet: WalletInfo;
  readonly address: Address;
  readonly chainId: number;
  /** Whether the wallet is on the deployment's chain. */
  readonly isRightChain: boolean;
}

/** Whose node a wallet is given that does not know the chain: the server's, or one of the person's own choice. */
export type NodeChoice = { readonly kind: 'server' } | { readonly kind: 'own'; readonly url: string };

/** `useWallets()`. */
export interface Wallets {
  /** Announced wallets; empty also while none has answered yet (`isSearching`). */
  readonly wallets: readonly WalletInfo[];
  readonly isSearching: boolean;
  readonly connection: Connection | null;
  /** The deployment's chain, once the server has told it. */
  readonly chainId: number | null;
  /** By `uuid`. */
  readonly connect: Act<string, Address>;
  /** Fingerprint of a deployment that this browser meets for the first time: the page shows it beside the sign-in. */
  readonly newNetwork: string | null;
  /** Fingerprint of the deployment, accepted or not. */
  readonly network: string | null;
  /** Nodes that a wallet is given when it does not know the chain. */
  readonly rpcUrls: readonly string[];
  /** Forgets the accepted deployment and loads the page anew. */
  readonly forgetNetwork: Act<void, void>;
  /** Asks the wallet to switch to the deployment's chain. Fails with `wallet_unknown_chain` if it has to be given a node first. */
  readonly switchChain: Act<void, void>;
  /** Gives the wallet the chain with a node, and switches to it. */
  readonly addChain: Act<NodeChoice, void>;
  /**
   * The server's nodes, where this page has given them to the wallet: then whoever runs the server is the only view of the chain, and
   * nothing that is "checked against the chain" is checked independently. `null` where the wallet has a node of its own.
   */
  readonly givenNodes: readonly string[] | null;
  /** The person has set another node in their wallet. */
  readonly ownNode: Act<void, void>;
  /** Forgets the choice; the wallet's own permission is the wallet's business. */
  disconnect(): void;
}
