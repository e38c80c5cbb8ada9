/** Types for the wallets of this browser and the connected one. `useWallets()` returns {@link Wallets}. */
import type { Address } from 'viem';
import type { Act } from './actions.ts';

/** A wallet that announced itself (EIP-6963). */
export interface WalletInfo {
  /** Unique for this page. */
  readonly uuid: string;
  /** Reverse domain name of the wallet; stored to remember the last choice. */
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
  /** True if the wallet is on the deployment's chain. */
  readonly isRightChain: boolean;
}

/** The node to set in a wallet that does not know the chain: a node that the server names, or one that the person chose. */
export type NodeChoice = { readonly kind: 'server' } | { readonly kind: 'own'; readonly url: string };

/** The value that `useWallets()` returns. */
export interface Wallets {
  /** Announced wallets. Empty also while no wallet has answered yet (`isSearching`). */
  readonly wallets: readonly WalletInfo[];
  readonly isSearching: boolean;
  readonly connection: Connection | null;
  /** Id of the deployment's chain, once the server has sent it. */
  readonly chainId: number | null;
  /** Connects the wallet with this `uuid`. */
  readonly connect: Act<string, Address>;
  /** Fingerprint of a deployment that this browser sees for the first time. The page shows it beside the sign-in. */
  readonly newNetwork: string | null;
  /** Fingerprint of the deployment, accepted or not. */
  readonly network: string | null;
  /** The nodes that the server names, for a wallet that does not know the chain. */
  readonly rpcUrls: readonly string[];
  /** Forgets the accepted deployment and reloads the page. */
  readonly forgetNetwork: Act<void, void>;
  /**
   * Asks the wallet to switch to the deployment's chain. Fails with `wallet_unknown_chain` if the wallet needs a node for that chain first.
   */
  readonly switchChain: Act<void, void>;
  /** Adds the chain with a node to the wallet, and switches to it. */
  readonly addChain: Act<NodeChoice, void>;
  /**
   * The server's nodes, if this page has set them in the wallet. The app then sees the chain only as the server's operator shows it, so
   * "checked against the chain" is no independent check. `null` if the wallet uses another node.
   */
  readonly givenNodes: readonly string[] | null;
  /** Records that the person has set another node in their wallet. */
  readonly ownNode: Act<void, void>;
  /** Forgets which wallet was chosen. The permission that the wallet gave to this site stays: only the wallet can remove it. */
  disconnect(): void;
}
