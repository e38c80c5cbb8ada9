/**
 * Where this device reads the chain: the wallet's provider, or a node of the person's own choice. Either is independent
 * of the server.
 */
import { Failure } from '../failure.ts';
import { queryWallet, walletErrorNumber, type Eip1193 } from '../wallet/eip1193.ts';

/** One question to a node. Rejects with `rpc` when there is no answer, with {@link Refused} when the node refuses. */
export type Rpc = (method: string, params: readonly unknown[]) => Promise<unknown>;

/** The node has answered, with an error. */
export class Refused extends Failure {
  /** Revert data, if it is a revert of a call. */
  readonly data: string | null;
  constructor(cause: unknown, data: string | null) {
    super('rpc', { cause });
    this.data = data;
  }
}

/** JSON-RPC numbers of "I heard you and will not", as opposed to "I am not there". */
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

/** Through the wallet. */
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

/** Through a node's HTTP address. The page's policy must allow it (`--web-rpc` of the server). */
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

/** An http or https address, or the failure that says that it is none. */
export function parseRpcUrl(text: string): string {
  const url = URL.parse(text.trim());
  if (url === null || !['http:', 'https:'].includes(url.protocol)) throw new Failure('invalid_rpc_url');
  return url.href;
}
