import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'src/**/*.test.tsx', 'tests/*.test.ts', 'tests/components/**/*.test.tsx', 'tests/protocol/**/*.test.ts'],
    environment: 'node',
    testTimeout: 30_000,
  },
});
