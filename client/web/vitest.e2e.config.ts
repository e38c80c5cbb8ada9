import { defineConfig } from 'vitest/config';

/** Real servers and a real browser: one file after the other, so that two cores are enough. */
export default defineConfig({
  test: {
    include: ['tests/e2e/**/*.test.ts'],
    environment: 'node',
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 180_000,
  },
});
