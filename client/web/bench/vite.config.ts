import { defineConfig } from 'vite';

/** Pages that run the workers by themselves (this bench, and `tests/e2e/workers`), built as the app is, under its policy. */
export default defineConfig({
  root: import.meta.dirname,
  build: { target: 'es2023', modulePreload: { polyfill: false }, assetsInlineLimit: 0, emptyOutDir: true },
  worker: { format: 'es' },
  logLevel: 'error',
  preview: {
    host: '127.0.0.1',
    headers: {
      'content-security-policy':
        "default-src 'none'; script-src 'self'; worker-src 'self'; connect-src 'self' blob:; img-src data:; require-trusted-types-for 'script'",
    },
  },
});
