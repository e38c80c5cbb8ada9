/** Hooks that open a document, or save it without opening it. */
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { device } from '../device/device.ts';
import { canChooseFile, ChosenFile } from '../flows/chosen-file.ts';
import { openRecord, saveRecord } from '../flows/download.ts';
import type { Act } from '../types/actions.ts';
import type { DocumentFacts, OpenInput, OpenProgress, OpenRecord, SaveInput, SaveRecord } from '../types/records.ts';
import { useAct } from './use-act.ts';
import { useDevice } from './use-device.ts';

/**
 * For envelopes longer than this, the page offers to save the document without opening it. Opening would hold the whole document in memory.
 */
const SAVE_OFFERED_LEN_MIN = 8 << 20;

/** Returns true if a document with an envelope of this length can be saved directly into a file. */
export const canSaveWithoutOpening = (envelopeLength: number): boolean => envelopeLength > SAVE_OFFERED_LEN_MIN && canChooseFile();

export const useOpenRecord = (): OpenRecord =>
  useReading(async (input: OpenInput, tell, signal) => openRecord(await device.ready(), input, tell, signal));

export const useSaveRecord = (): SaveRecord =>
  useReading(async ({ suggestedName, ...input }: SaveInput, tell, signal): Promise<DocumentFacts> => {
    // This comes first: browsers let the person choose a file only in direct response to a click.
    const file = await ChosenFile.choose(suggestedName);
    return saveRecord(await readyFor(file), input, file, tell, signal);
  });

/** Returns the client with its keys. The session may have been locked while the person chose the file. */
async function readyFor(file: ChosenFile): ReturnType<typeof device.ready> {
  try {
    return await device.ready();
  } catch (error) {
    await file.drop();
    throw error;
  }
}

/** An action that reads a document, with its progress, and that can be cancelled. */
function useReading<In, Out>(
  read: (input: In, tell: (progress: OpenProgress) => void, signal: AbortSignal) => Promise<Out>,
): Act<In, Out> & { readonly progress: OpenProgress | null; cancel(): void } {
  const [progress, setProgress] = useState<OpenProgress | null>(null);
  const abort = useRef(new AbortController());
  const cancel = useCallback((): void => abort.current.abort(), []);
  const act = useAct(
    async (input: In, errand) => {
      abort.current = new AbortController();
      const signal = AbortSignal.any([abort.current.signal, errand.signal]);
      setProgress(null);
      try {
        return await read(input, setProgress, signal);
      } finally {
        setProgress(null);
      }
    },
    ['activity', 'record-name'],
  );
  const { reset } = act;
  const isReady = useDevice().session.state === 'ready';
  // The document is removed together with the keys that opened it.
  useEffect(() => {
    if (!isReady) reset();
  }, [isReady, reset]);
  useEffect(() => cancel, [cancel]);
  return useMemo(() => ({ ...act, progress, cancel }), [act, progress, cancel]);
}
