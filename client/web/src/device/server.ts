/** What the server says it is, and whether that is the server this browser knows. */
import { json } from '../api/request.ts';
import * as api from '../api/routes.ts';
import { Failure } from '../failure.ts';
import { deploymentFingerprint, deploymentJson, parseDeployment, sameDeployment, type Deployment } from '../protocol/deployment.ts';
import { PublicKey } from '../protocol/identity.ts';
import { keep } from './store.ts';

const KNOWN = 'deployment';

export interface ServerView {
  readonly deployment: Deployment;
  /** Names the deployment to a person: 64 hex digits. */
  readonly fingerprint: string;
  /** Whether the build or the person has accepted it. */
  readonly isAccepted: boolean;
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

/** Set when the app is built for one deployment: its fingerprint. */
declare global {
  interface ImportMetaEnv {
    readonly VITE_MEDLOCK_DEPLOYMENT_SHA256?: string;
  }
}

/**
 * Asks the server. The contracts of a deployment decide who may read, and all of it comes from the server at first. So a build
 * can name the one deployment that it is for; else a person accepts it by its fingerprint, and another one is refused from then
 * on. Whether the chain has these contracts is checked with the wallet's own view.
 *
 * @throws Failure `other_deployment`, `invalid_answer`, `unreachable`, `storage_unavailable`.
 */
export async function readServer(built: string | undefined = import.meta.env.VITE_MEDLOCK_DEPLOYMENT_SHA256): Promise<ServerView> {
  const [info, rpcUrls] = await Promise.all([api.serverInfo(), readRpcUrls()]);
  let view: Omit<ServerView, 'isAccepted'>;
  try {
    const deployment = parseDeployment(info.deployment);
    view = {
      deployment,
      fingerprint: deploymentFingerprint(deployment),
      operatorKey: PublicKey.fromHex(info.operator_key),
      envelopeBytesMax: info.envelope_bytes_max,
      anchorSecondsMax: info.anchor_seconds_max,
      rpcUrls,
    };
  } catch (error) {
    throw new Failure('invalid_answer', { cause: error });
  }
  if (built !== undefined && built !== '' && built !== view.fingerprint) throw new Failure('other_deployment');
  // A browser that cannot say what it knows must not accept anything instead.
  const known = await keep.get<unknown>(KNOWN);
  if (known !== undefined && !sameDeployment(parseDeployment(known), view.deployment)) throw new Failure('other_deployment');
  return { ...view, isAccepted: known !== undefined || built === view.fingerprint };
}

/** Keeps the deployment that a person has accepted. */
export async function acceptDeployment({ deployment }: ServerView): Promise<void> {
  await keep.put(KNOWN, JSON.parse(deploymentJson(deployment)));
}

/** Forgets the accepted deployment: the next one is asked about again. Only after the person has checked with the operator. */
export async function forgetDeployment(): Promise<void> {
  await keep.remove(KNOWN);
}
