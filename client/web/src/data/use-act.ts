/**
 * The common implementation of every action: its phases, its failure with a code, and a second run that returns the promise of the first.
 */
import { useQueryClient } from '@tanstack/react-query';
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { device } from '../device/device.ts';
import { Errand } from '../device/errand.ts';
import { asFailure, type Failure } from '../failure.ts';
import type { Act, ActionPhase } from '../types/actions.ts';
import type { Confirmation } from '../types/signing.ts';

/** The lists that an action changes: the first words of their query keys. */
type Changes = readonly string[];

interface ActState<Out> {
  readonly phase: ActionPhase;
  readonly data: Out | undefined;
  readonly error: Failure | null;
}

const IDLE: ActState<never> = { phase: 'idle', data: undefined, error: null };

/** Returns the {@link Confirmation} that the input of an action names. */
function confirmationOf(input: unknown): Confirmation | undefined {
  return (input as { confirm?: Confirmation } | null | undefined)?.confirm;
}

/**
 * Returns an action for pages. It is cancelled when the session locks. It continues when the person leaves the page, since a signed message
 * may have been sent already.
 */
export function useAct<In, Out>(act: (input: In, errand: Errand) => Promise<Out>, changes: Changes = []): Act<In, Out> {
  const queries = useQueryClient();
  const [state, setState] = useState<ActState<Out>>(IDLE);
  const running = useRef<Promise<Out> | null>(null);
  const latest = useRef(act);
  const isMounted = useRef(true);
  useEffect(() => {
    latest.current = act;
  });
  useEffect(() => {
    isMounted.current = true;
    return () => {
      isMounted.current = false;
    };
  }, []);

  const changed = changes.join();
  const run = useCallback(
    (input: In): Promise<Out> => {
      if (running.current !== null) return running.current;
      const tell = (next: Partial<ActState<Out>>): void => {
        if (isMounted.current) setState((known) => ({ ...known, ...next }));
      };
      const errand = new Errand({ confirm: confirmationOf(input), tell: (phase) => tell({ phase }), signal: device.work });
      tell({ phase: 'preparing', error: null, data: undefined });
      const promise = latest.current(input, errand).then(
        async (data) => {
          running.current = null;
          await Promise.all(
            changed
              .split(',')
              .filter(Boolean)
              .map((key) => queries.invalidateQueries({ queryKey: [key] })),
          );
          tell({ phase: 'done', data });
          return data;
        },
        (error: unknown) => {
          running.current = null;
          const failure = asFailure(error);
          tell({ phase: 'failed', error: failure });
          throw failure;
        },
      );
      running.current = promise;
      return promise;
    },
    [queries, changed],
  );
  const start = useCallback((input: In): void => void run(input).catch(() => undefined), [run]);
  const reset = useCallback((): void => setState(running.current === null ? IDLE : (known) => known), []);
  const { phase, data, error } = state;
  const isBusy = phase !== 'idle' && phase !== 'done' && phase !== 'failed';
  return useMemo(() => ({ run, start, reset, phase, data, error, isBusy }), [run, start, reset, phase, data, error, isBusy]);
}
