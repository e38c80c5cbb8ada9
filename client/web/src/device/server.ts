/** Reads the server's description of itself, and checks whether it is the server that this browser knows. */
import { json } from '../api/request.ts';
import * as api from '../api/routes.ts';
import { Failure } from '../failure.ts';
import { deploymentFingerprint, deploymentJson, parseDeployment, sameDeployment, type Deployment } from '../protocol/deployment.ts';
import { expectExtends, type OperatorKey, operatorKeyOf, OperatorKeysError } from '../protocol/operator-keys.ts';
import { keep } from './store.ts';

const KNOWN = 'deployment';

export interface ServerView {
  readonly deployment: Deployment;
  /** Fingerprint that identifies the deployment to a person: 64 hex digits. */
  readonly fingerprint: string;
  /** True if the build names this deployment, or the person has accepted it. */
  readonly isAccepted: boolean;
  /** The operator's newest key, which the operator signed. Release shares are sealed to it. */
  readonly operatorKey: OperatorKey;
  readonly envelopeBytesMax: number;
  readonly anchorSecondsMax: number;
  /** Nodes of the chain that the operator recommends, for a wallet that does not know the chain. */
  readonly rpcUrls: readonly string[];
}

/** Reads `/config.json`, which is beside the page and may be missing. */
async function readRpcUrls(): Promise<readonly string[]> {
  const config = await json<{ rpc_urls?: unknown }>('/config.json').catch(() => null);
  const urls = Array.isArray(config?.rpc_urls) ? (config.rpc_urls as unknown[]) : [];
  return urls.filter((url): url is string => typeof url === 'string' && /^https?:\/\//.test(url));
}

/** The fingerprint of the deployment, if the app is built for only one. */
declare global {
  interface ImportMetaEnv {
    readonly VITE_MEDLOCK_DEPLOYMENT_SHA256?: string;
  }
}

/**
 * Reads the server's data. The contracts of a deployment decide who may read, and on the first visit all of that data comes from the
 * server. Therefore a build can name the one deployment that it is for. Otherwise a person accepts the deployment by its fingerprint, and
 * any other one is refused from then on. Whether the chain has these contracts is checked with the wallet's own view of the chain. Of the
 * operator's keys, the longest list that was seen is stored, and a server that does not continue that list is refused.
 *
 * @throws Failure `other_deployment`, `operator_keys`, `invalid_answer`.
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
  // If the browser cannot read the deployment that it knows, no other one may be accepted instead.
  const known = await keep.get<unknown>(KNOWN);
  const isAccepted = known !== undefined || built === view.fingerprint;
  const isLonger = known === undefined || goesOn(known, view.deployment);
  if (isAccepted && isLonger) await keepDeployment(view.deployment);
  return { ...view, isAccepted };
}

/**
 * Returns whether a deployment has more operator keys than the stored one.
 *
 * @throws Failure `other_deployment`, `operator_keys`.
 */
function goesOn(known: unknown, told: Deployment): boolean {
  let kept: Deployment;
  try {
    kept = parseDeployment(known);
  } catch (error) {
    // Stored by an older version of this app, for an older deployment.
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

/** Stores the deployment that a person has accepted. */
export async function acceptDeployment({ deployment }: ServerView): Promise<void> {
  await keepDeployment(deployment);
}

/**
 * Forgets the accepted deployment, so that the person is asked about the next one. Call it only after the person has checked with the
 * operator.
 */
export async function forgetDeployment(): Promise<void> {
  await keep.remove(KNOWN);
}
