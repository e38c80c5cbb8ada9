/** The part of EIP-1193 that we use, and what a wallet's errors mean. */
import { Failure, type FailureCode } from '../failure.ts';

/** A wallet's provider. */
export interface Eip1193 {
  request(call: { method: string; params?: readonly unknown[] | object }): Promise<unknown>;
  on(event: 'accountsChanged', listener: (accounts: readonly string[]) => void): unknown;
  on(event: 'chainChanged', listener: (chainId: string) => void): unknown;
  on(event: 'disconnect', listener: (error: unknown) => void): unknown;
  removeListener(event: string, listener: (...values: never[]) => void): unknown;
}

/** How long a wallet may take for what needs no person. */
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
  // WalletConnect and others say "rejected" so.
  5000: 'wallet_rejected',
};

/** The number that a wallet's error carries; wallets wrap it in different ways. */
export function walletErrorNumber(error: unknown): number | null {
  let at: unknown = error;
  for (let depth = 0; depth < 5 && typeof at === 'object' && at !== null; depth += 1) {
    const { code, data, originalError, cause } = at as Record<string, unknown>;
    const inner = [originalError, cause, (data as Record<string, unknown> | undefined)?.['originalError']].find(
      (part) => typeof part === 'object' && part !== null,
    );
    // -32603 is a wallet's "internal error"; what went wrong stands inside.
    if (typeof code === 'number' && (code !== -32603 || inner === undefined)) return code;
    at = inner;
  }
  return null;
}

/** What a wallet's error means. */
function walletFailure(error: unknown): Failure {
  if (error instanceof Failure) return error;
  const number = walletErrorNumber(error);
  const code = number === null ? undefined : CODES[number];
  return new Failure(code ?? 'wallet_failed', { cause: error, values: number === null ? {} : { number } });
}

/** Asks a wallet for something that a person has to answer in its window. */
export async function askWallet(provider: Eip1193, method: string, params?: readonly unknown[]): Promise<unknown> {
  try {
    return await provider.request(params === undefined ? { method } : { method, params });
  } catch (error) {
    throw walletFailure(error);
  }
}

/** Asks a wallet for something that needs no person; one that does not answer is a failure. */
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
