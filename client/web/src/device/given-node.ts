/**
 * Whether a wallet sees the chain through nodes that the server named. The page compares everything with the chain as the wallet
 * shows it; with the server's own node that is no second opinion, and the screens say so.
 */
import type { Deployment } from '../protocol/deployment.ts';
import { keep } from './store.ts';

const nameOf = (deployment: Deployment, rdns: string): string => `node:${deployment.chainId}:${deployment.genesisHash}:${rdns}`;

/** Notes which nodes of the server a wallet was given; `null`: it has a node of the person's own choice. */
export async function noteNode(deployment: Deployment, rdns: string, nodes: readonly string[] | null): Promise<void> {
  if (nodes === null) await keep.remove(nameOf(deployment, rdns));
  else await keep.put(nameOf(deployment, rdns), nodes);
}

/** The server's nodes that a wallet was given by this page; `null` if it was given none. */
export async function givenNode(deployment: Deployment, rdns: string): Promise<readonly string[] | null> {
  return (await keep.get<readonly string[]>(nameOf(deployment, rdns))) ?? null;
}
