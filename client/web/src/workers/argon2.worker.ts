/** Runs Argon2id once. */

import { argon2id } from '@noble/hashes/argon2.js';
import type { Bytes } from '../protocol/bytes.ts';
import type { Argon2Job } from './argon2-job.ts';
import { doJob } from './wire.ts';

self.onmessage = ({ data }: MessageEvent<Argon2Job>): void => {
  void doJob<Bytes>(
    (message, transfer = []) => self.postMessage(message, { transfer }),
    async () => {
      const { memoryKib, iterations, lanes } = data.parameters;
      const result = argon2id(data.password, data.salt, { m: memoryKib, t: iterations, p: lanes, dkLen: 32 }) as Bytes;
      data.password.fill(0);
      return { result, transfer: [result.buffer] };
    },
  );
};
