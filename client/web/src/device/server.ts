/** What the server says it is, and whether that is the server this browser knows. */
import { json } from '../api/request.ts';
import * as api from '../api/routes.ts';
import { Failure } from '../failure.ts';
import { deploymentFingerprint, deploymentJson, parseDeployment, sameDeployment, type Deployment } from '../protocol/deployment.ts';
import { expectExtends, type OperatorKey, operatorKeyOf, OperatorKeysError } from '../protocol/operator-keys.ts';
import { keep } from './store.ts';

const KNOWN = 'deployment';

export interface ServerView {
  readonly deployment: Deployment;
  /** Names the deployment to a person: 64 hex digits. */
  readonly fingerprint: string;
  /** Whether the build or the person has accepted it. */
  readonly isAccepted: boolean;
  /** To which release shares are sealed: the newest, signed by the operator. */
  readonly operatorKey: OperatorKey;
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
 * on. Whether the chain has these contracts is checked with the wallet's own view. Of the operator's keys the longest list that
 * was seen is kept, and a server that does not go on from there is refused.
 *
 * @throws Failure `other_deployment`, `operator_keys`, `invalid_answer`, `unreachable`, `storage_unavailable`.
 */
export async function readServer(built: string | undefined = import.meta.env.VITE_MEDLOCK_DEPLOYMENT_SHA256): Promise<ServerView> {
  const [info, rpcUrls] = await Promise.all([api.serverInfo(), readRpcUrls()]);
  let view: Omit<ServerView, 'isAccepted'>;
  try {
    const deployment = parseDeployment(info.deployment);
    view = {
      deployment,
      fingerprint: deploymentFingerprint(deployment),
      operatorKey: operatorKeyOf(deployment),
      envelopeBytesMax: info.envelope_bytes_max,
      anchorSecondsMax: info.anchor_seconds_max,
      rpcUrls,
    };
  } catch (error) {
    throw new Failure(error instanceof OperatorKeysError ? 'operator_keys' : 'invalid_answer', { cause: error });
  }
  if (built !== undefined && built !== '' && built !== view.fingerprint) throw new Failure('other_deployment');
  // A browser that cannot say what it knows must not accept anything instead.
  const known = await keep.get<unknown>(KNOWN);
  const isAccepted = known !== undefined || built === view.fingerprint;
  const isLonger = known === undefined || goesOn(known, view.deployment);
  if (isAccepted && isLonger) await keepDeployment(view.deployment);
  return { ...view, isAccepted };
}

/**
 * Whether a deployment has more than the kept one: further keys of the operator.
 *
 * @throws Failure `other_deployment`, `operator_keys`.
 */
function goesOn(known: unknown, told: Deployment): boolean {
  let kept: Deployment;
  try {
    kept = parseDeployment(known);
  } catch (error) {
    // Kept by an older version of this app, for an older deployment.
    throw new Failure('other_deployment', { cause: error });
  }
  if (!sameDeployment(kept, told)) throw new Failure('other_deployment');
  try {
    expectExtends(told, kept);
  } catch (error) {
    throw new Failure('operator_keys', { cause: error });
  }
  return told.operatorKeys.length > kept.operatorKeys.length;
}

async function keepDeployment(deployment: Deployment): Promise<void> {
  await keep.put(KNOWN, JSON.parse(deploymentJson(deployment)));
}

/** Keeps the deployment that a person has accepted. */
export async function acceptDeployment({ deployment }: ServerView): Promise<void> {
  await keepDeployment(deployment);
}

/** Forgets the accepted deployment: the next one is asked about again. Only after the person has checked with the operator. */
export async function forgetDeployment(): Promise<void> {
  await keep.remove(KNOWN);
}
