/** Opens one envelope. */

import { OpenJobRunner, type ToOpenWorker } from './open-job.ts';

const runner = new OpenJobRunner((message, transfer = []) => self.postMessage(message, { transfer }));
self.onmessage = ({ data }: MessageEvent<ToOpenWorker>): void => runner.take(data);
