/** Hashes or seals one file. */

import { doSealJob, type SealJob } from './seal-job.ts';

self.onmessage = ({ data }: MessageEvent<SealJob>): void => {
  void doSealJob(data, (message, transfer = []) => self.postMessage(message, { transfer }));
};
