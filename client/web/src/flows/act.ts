/** Brings an action to the chain: it is signed here, sent by the server's relayer, and then found on the chain by this device. */
import type { Hex } from 'viem';
import * as api from '../api/routes.ts';
import { problemFailure } from '../api/request.ts';
import { unixNow, type Chain } from '../chain/chain.ts';
import type { ActionPhase } from '../types/actions.ts';
import type { Sentence } from '../types/signing.ts';
import type { Client } from '../device/client.ts';
import type { Errand } from '../device/errand.ts';
import { Failure } from '../failure.ts';
import { DEADLINE_SECONDS, REVOCATION_SECONDS, takesAway } from '../protocol/ends.ts';
import { systemRandom } from '../protocol/random.ts';
import {
  actionId,
  actionTypedData,
  contractOf,
  signedActionToJson,
  signerOf,
  type Action,
  type SignedAction,
} from '../protocol/messages.ts';
import { toHex } from '../protocol/hex.ts';
import type { Part } from '../device/announcer.ts';
import type { TypedData as WalletTypedData } from '../wallet/wallet.ts';

/** The longest wait, in milliseconds, for an action that the server has accepted. */
const WAIT_MS_MAX = 90_000;
/** The longest time, in milliseconds, by which the wallet's node may be behind the server's. */
const SEEN_MS_MAX = 30_000;

/** An action that was carried out. */
interface Settled {
  readonly txHash: Hex | null;
}

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Returns a new random nonce. Nonces need no order. */
export const newNonce = (): bigint => BigInt(toHex(systemRandom(32)));

/**
 * Returns the deadline for a message that is signed now: the later of this device's clock and the chain's, plus one hour. A message that
 * takes something away (such as a Revoke) gets 30 days. So it takes effect even if the chain is full for a while, and until then the server
 * already refuses what it takes away.
 */
export async function newDeadline(chain: Pick<Chain, 'now'>, type: Action['type'] | 'deny_request'): Promise<bigint> {
  const isTakingAway = type !== 'deny_request' && takesAway(type);
  return BigInt((await chain.now()) + (isTakingAway ? REVOCATION_SECONDS : DEADLINE_SECONDS));
}

/** Returns typed data in the form that the wallet accepts. */
export const forWallet = (data: ReturnType<typeof actionTypedData>): WalletTypedData => data as WalletTypedData;

/** Returns the JSON of a signed action, as the API's document describes it. */
export const toBody = (signed: SignedAction): api.SignedAction => signedActionToJson(signed) as api.SignedAction;

/** Signs an action, after checking that wallet and deployment are on the same chain. */
export async function signAction(client: Client, action: Action, sentence: Sentence, errand: Errand, part?: Part): Promise<SignedAction> {
  await client.chain.verifyDeployment();
  const data = forWallet(actionTypedData(action, client.chain.deployment));
  const signature = await errand.signTypedData(client.wallet, data, sentence, part);
  return { action, signature };
}

/** Signs and sends an action that needs nothing but its signature, and waits until it is mined. */
export async function carryOut(client: Client, action: Action, sentence: Sentence, errand: Errand): Promise<Settled> {
  const signed = await signAction(client, action, sentence, errand);
  errand.phase('sending');
  return settle(client, action, await api.submit(toBody(signed)), errand);
}

/**
 * Waits until an action that was sent is mined, and checks on the chain that it took effect.
 *
 * @throws Failure with the reason if the action failed; `still_pending` if it takes long; `wrong_answer` if it is not on the chain.
 */
export async function settle(client: Client, action: Action, first: api.ActionView | null, errand: Errand): Promise<Settled> {
  const id = actionId(action, client.chain.deployment);
  const begun = Date.now();
  let told: ActionPhase | null = null;
  for (let view = first; ; view = await api.action(id)) {
    if (view !== null && view.id !== id) throw new Failure('wrong_answer');
    const phase: ActionPhase = view?.waiting == null ? 'waiting' : `waiting_${view.waiting}`;
    if (phase !== told) errand.phase(phase);
    told = phase;
    if (view?.state === 'failed') throw problemFailure(view.problem) ?? new Failure('reverted');
    if (view?.state === 'mined') {
      await confirmOnChain(client.chain, action);
      return { txHash: (view.tx_hash ?? null) as Hex | null };
    }
    if (Date.now() - begun > WAIT_MS_MAX) throw new Failure('still_pending');
    await pause(250);
  }
}

/** Waits until this device finds the effect of an action on the chain. */
async function confirmOnChain(chain: Chain, action: Action): Promise<void> {
  const begun = Date.now();
  const contract = chain.addressOf(contractOf(action));
  for (let wait = 50; ; wait = Math.min(wait * 2, 1000)) {
    if (await chain.isNonceUsed(contract, signerOf(action), action.message.nonce)) return;
    if (Date.now() - begun > SEEN_MS_MAX) throw new Failure('wrong_answer');
    await pause(wait);
  }
}

/** Runs `act` again while it fails with one of these codes, because the server's copy of the chain may be a moment old. */
export async function whileBehind<T>(codes: readonly string[], act: () => Promise<T>, tries = 20): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await act();
    } catch (error) {
      if (!(error instanceof Failure) || !codes.includes(error.code) || attempt >= tries) throw error;
      await pause(300);
    }
  }
}

/** Runs `act` over items, at most `width` at a time. The results are in the order of the items. */
export async function mapSome<T, R>(items: readonly T[], act: (item: T) => Promise<R>, width = 8): Promise<R[]> {
  const results: R[] = new Array<R>(items.length);
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < items.length) {
      const index = next;
      next += 1;
      results[index] = await act(items[index] as T);
    }
  };
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, worker));
  return results;
}

export { unixNow };
