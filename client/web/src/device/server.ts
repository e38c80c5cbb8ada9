/** What the server says it is, and whether that is the server this browser knows. */
import { json } from '../api/request.ts';
import * as api from '../api/routes.ts';
import { Failure } from '../failure.ts';
import { parseDeployment, sameDeployment, type Deployment } from '../protocol/deployment.ts';
import { PublicKey } from '../protocol/identity.ts';
import { keep } from './store.ts';

const KNOWN = 'deployment';

export interface ServerView {
  readonly deployment: Deployment;
  /** To which release shares are sealed. */
  readonly operatorKey: PublicKey;
  readonly envelopeBytesMax: number;
  readonly anchorSecondsMax: number;
  /** Nodes of the chain that the operator recommends: a wallet that does not know the chain is given them. */
  readonly rpcUrls: readonly string[];
}

/** `/config.json` beside the page; it may be missing. */
async function readRpcUrls(): Promise<readonly string[]> {
  const config = await json<{ rpc_urls?: unknown }>('/config.json').catch(() => null);
  const urls = Array.isArray(config?.rpc_urls) ? (config.rpc_urls as unknown[]) : [];
  return urls.filter((url): url is string => typeof url === 'string' && /^https?:\/\//.test(url));
}

/**
 * Asks the server. The first deployment that this browser sees is kept, and another one is refused from then on: its
 * contracts would decide who may read. Whether the chain has these contracts is checked with the wallet's own view.
 *
 * @throws Failure `other_deployment`, `invalid_answer`, `unreachable`.
 */
export async function readServer(): Promise<ServerView> {
  const [info, rpcUrls] = await Promise.all([api.serverInfo(), readRpcUrls()]);
  let view: ServerView;
  try {
    view = {
      deployment: parseDeployment(info.deployment),
      operatorKey: PublicKey.fromHex(info.operator_key),
      envelopeBytesMax: info.envelope_bytes_max,
      anchorSecondsMax: info.anchor_seconds_max,
      rpcUrls,
    };
  } catch (error) {
    throw new Failure('invalid_answer', { cause: error });
  }
  // Storage that does not work is told by whatever needs it.
  const known = await keep.get<unknown>(KNOWN).catch(() => undefined);
  if (known === undefined) await keep.put(KNOWN, info.deployment).catch(() => undefined);
  else if (!sameDeployment(parseDeployment(known), view.deployment)) throw new Failure('other_deployment');
  return view;
}

/** Takes the server's deployment in place of the known one, after the person has checked it with the operator. */
export async function forgetDeployment(): Promise<void> {
  await keep.remove(KNOWN);
}
