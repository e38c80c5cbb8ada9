/** The queue of uploads, for the whole app. */
import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useMemo, useSyncExternalStore } from 'react';
import { device } from '../device/device.ts';
import { uploadQueue } from '../background/upload-queue.ts';
import { finishUpload } from '../flows/upload.ts';
import { allEntries } from '../flows/upload-journal.ts';
import type { UnfinishedUpload, Uploads } from '../types/uploads.ts';
import { useAct } from './use-act.ts';
import { useReady } from './use-loaded.ts';

export function useUploads(): Uploads {
  const queries = useQueryClient();
  const items = useSyncExternalStore(uploadQueue.watch, uploadQueue.snapshot);
  const done = items.filter((item) => item.state === 'done').length;
  useEffect(() => {
    if (done > 0) void queries.invalidateQueries({ queryKey: ['records'] });
    void queries.invalidateQueries({ queryKey: ['unfinished'] });
  }, [done, queries]);
  const unfinished = useReady(['unfinished'], async (client) => {
    const running = new Set(uploadQueue.snapshot().map((item) => item.record));
    return (await allEntries(client))
      .filter((entry) => entry.stored !== null && entry.uploader === client.address && !running.has(entry.record))
      .map(({ record, version, patient, begun }): UnfinishedUpload => ({ record, version, patient, begunAt: begun }));
  });
  const finish = useAct(
    async ({ record, version }: UnfinishedUpload, errand) => finishUpload(await device.ready(), record, version, errand),
    ['unfinished', 'records'],
  );
  return useMemo(
    () => ({
      items,
      isBusy: items.some((item) => !['done', 'failed', 'cancelled'].includes(item.state)),
      add: uploadQueue.add,
      cancel: uploadQueue.cancel,
      retry: uploadQueue.retry,
      remove: uploadQueue.remove,
      clearFinished: uploadQueue.clearFinished,
      unfinished,
      finish,
    }),
    [items, unfinished, finish],
  );
}
