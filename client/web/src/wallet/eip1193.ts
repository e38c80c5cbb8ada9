/** The part of EIP-1193 that this app uses, and the meaning of a wallet's errors. */
import { Failure, type FailureCode } from '../failure.ts';

/** A wallet's provider. */
export interface Eip1193 {
  request(call: { method: string; params?: readonly unknown[] | object }): Promise<unknown>;
  on(event: 'accountsChanged', listener: (accounts: readonly string[]) => void): unknown;
  on(event: 'chainChanged', listener: (chainId: string) => void): unknown;
  on(event: 'disconnect', listener: (error: unknown) => void): unknown;
  removeListener(event: string, listener: (...values: never[]) => void): unknown;
}

/** Time limit for requests to a wallet that need no decision by the person. */
const ANSWER_MS_MAX = 20_000;

const CODES: Readonly<Record<number, FailureCode>> = {
  // EIP-1193
  4001: 'wallet_rejected',
  4100: 'wallet_locked',
  4200: 'wallet_unsupported',
  4900: 'wallet_disconnected',
  4901: 'wallet_wrong_chain',
  // EIP-3326 and EIP-3085
  4902: 'wallet_unknown_chain',
  // EIP-1474
  [-32002]: 'wallet_busy',
  [-32003]: 'wallet_rejected',
  [-32004]: 'wallet_unsupported',
  [-32601]: 'wallet_unsupported',
  // WalletConnect and others use this number for "rejected".
  5000: 'wallet_rejected',
};

/** Returns the number in a wallet's error. Wallets nest it in different ways. */
export function walletErrorNumber(error: unknown): number | null {
  let at: unknown = error;
  for (let depth = 0; depth < 5 && typeof at === 'object' && at !== null; depth += 1) {
    const { code, data, originalError, cause } = at as Record<string, unknown>;
    const inner = [originalError, cause, (data as Record<string, unknown> | undefined)?.['originalError']].find(
      (part) => typeof part === 'object' && part !== null,
    );
    // -32603 is a wallet's "internal error"; the actual error is nested in it.
    if (typeof code === 'number' && (code !== -32603 || inner === undefined)) return code;
    at = inner;
  }
  return null;
}

/** Returns the failure for a wallet's error. */
function walletFailure(error: unknown): Failure {
  if (error instanceof Failure) return error;
  const number = walletErrorNumber(error);
  const code = number === null ? undefined : CODES[number];
  return new Failure(code ?? 'wallet_failed', { cause: error, values: number === null ? {} : { number } });
}

/** Sends the wallet a request that the person has to answer in its window. */
export async function askWallet(provider: Eip1193, method: string, params?: readonly unknown[]): Promise<unknown> {
  try {
    return await provider.request(params === undefined ? { method } : { method, params });
  } catch (error) {
    throw walletFailure(error);
  }
}

/** Sends the wallet a request that needs no decision by the person. Fails if the wallet does not answer in time. */
export async function queryWallet(provider: Eip1193, method: string, params?: readonly unknown[]): Promise<unknown> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Failure('wallet_disconnected', { values: { seconds: ANSWER_MS_MAX / 1000 } })), ANSWER_MS_MAX);
  });
  try {
    return await Promise.race([askWallet(provider, method, params), late]);
  } finally {
    clearTimeout(timer);
  }
}
