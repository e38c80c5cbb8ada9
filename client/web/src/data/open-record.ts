/** Opening a document. */
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { device } from '../device/device.ts';
import { openRecord } from '../flows/download.ts';
import type { OpenInput, OpenProgress, OpenRecord } from './types/records.ts';
import { useAct } from './use-act.ts';
import { useDevice } from './use-device.ts';

export function useOpenRecord(): OpenRecord {
  const [progress, setProgress] = useState<OpenProgress | null>(null);
  const abort = useRef(new AbortController());
  const cancel = useCallback((): void => abort.current.abort(), []);
  const act = useAct(
    async (input: OpenInput, errand) => {
      abort.current = new AbortController();
      const signal = AbortSignal.any([abort.current.signal, errand.signal]);
      setProgress(null);
      try {
        return await openRecord(await device.ready(), input, setProgress, signal);
      } finally {
        setProgress(null);
      }
    },
    ['activity', 'record-name'],
  );
  const { reset } = act;
  const isReady = useDevice().session.state === 'ready';
  // The document goes with the keys that opened it.
  useEffect(() => {
    if (!isReady) reset();
  }, [isReady, reset]);
  useEffect(() => cancel, [cancel]);
  return useMemo(() => ({ ...act, progress, cancel }), [act, progress, cancel]);
}
