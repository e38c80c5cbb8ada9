/** Reads the chain through the wallet's provider, or through a node that the person chose. Both are independent of the server. */
import { Failure } from '../failure.ts';
import { queryWallet, walletErrorNumber, type Eip1193 } from '../wallet/eip1193.ts';

/** Sends one request to a node. Rejects with `rpc` if there is no answer, and with {@link Refused} if the node refuses. */
export type Rpc = (method: string, params: readonly unknown[]) => Promise<unknown>;

/** The node answered with an error. */
export class Refused extends Failure {
  /** The revert data, if a call was reverted. */
  readonly data: string | null;
  constructor(cause: unknown, data: string | null) {
    super('rpc', { cause });
    this.data = data;
  }
}

/**
 * Returns true for the JSON-RPC error numbers of a node that works and refuses the request. Other numbers mean that the node does not work.
 */
function isRefusal(number: number | null): boolean {
  return number !== null && number !== 4900 && number !== 4901 && number !== -32603;
}

function revertData(error: unknown): string | null {
  let at: unknown = error;
  for (let depth = 0; depth < 5 && typeof at === 'object' && at !== null; depth += 1) {
    const { data, cause } = at as { data?: unknown; cause?: unknown };
    if (typeof data === 'string' && data.startsWith('0x')) return data;
    at = typeof data === 'object' && data !== null ? data : cause;
  }
  return null;
}

/** Returns an {@link Rpc} that uses the wallet. */
export function walletRpc(provider: Eip1193): Rpc {
  return async (method, params) => {
    try {
      return await queryWallet(provider, method, params);
    } catch (error) {
      const data = revertData(error);
      if (data !== null || isRefusal(walletErrorNumber((error as Failure).cause))) throw new Refused(error, data);
      throw new Failure('rpc', { cause: error });
    }
  };
}

/** Returns an {@link Rpc} that uses a node's HTTP address. The page's policy must allow the address (`--web-rpc` of the server). */
export function httpRpc(url: string): Rpc {
  let id = 0;
  return async (method, params) => {
    id += 1;
    let answer: { result?: unknown; error?: { code?: number } } | null;
    try {
      const response = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ jsonrpc: '2.0', id, method, params }),
        credentials: 'omit',
        redirect: 'error',
        referrerPolicy: 'no-referrer',
        signal: AbortSignal.timeout(20_000),
      });
      answer = (await response.json()) as typeof answer;
    } catch (error) {
      throw new Failure('rpc', { cause: error });
    }
    if (answer?.error !== undefined) throw new Refused(answer.error, revertData(answer.error));
    if (answer === null || !('result' in answer)) throw new Failure('rpc');
    return answer.result;
  };
}

/** Returns the text as an http or https address. Throws a failure if it is none. */
export function parseRpcUrl(text: string): string {
  const url = URL.parse(text.trim());
  if (url === null || !['http:', 'https:'].includes(url.protocol)) throw new Failure('invalid_rpc_url');
  return url.href;
}
