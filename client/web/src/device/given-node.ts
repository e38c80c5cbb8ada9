/**
 * Stores whether a wallet reads the chain through nodes that the server named. The page compares everything with the chain as the wallet
 * shows it. With the server's own node this comparison is not independent, and the screens say so.
 */
import type { Deployment } from '../protocol/deployment.ts';
import { keep } from './store.ts';

const nameOf = (deployment: Deployment, rdns: string): string => `node:${deployment.chainId}:${deployment.genesisHash}:${rdns}`;

/** Stores which nodes of the server were set in a wallet; `null` means that the wallet uses a node that the person chose. */
export async function noteNode(deployment: Deployment, rdns: string, nodes: readonly string[] | null): Promise<void> {
  if (nodes === null) await keep.remove(nameOf(deployment, rdns));
  else await keep.put(nameOf(deployment, rdns), nodes);
}

/** Returns the server's nodes that this page set in a wallet; `null` if it set none. */
export async function givenNode(deployment: Deployment, rdns: string): Promise<readonly string[] | null> {
  return (await keep.get<readonly string[]>(nameOf(deployment, rdns))) ?? null;
}
