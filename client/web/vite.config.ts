import tailwindcss from '@tailwindcss/vite';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

/** Where `npm run dev` finds the API; `medlock-localnet up` prints the address. */
const api = process.env['MEDLOCK_API'] ?? 'http://127.0.0.1:8080';

export default defineConfig({
  plugins: [react(), tailwindcss()],
  build: {
    // Nothing inline: the page's policy allows scripts and styles from its own origin only, and no `data:` fonts.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: 'es2023',
    // Names hold the hash of the content and nothing else, so that two builds of one commit are the same files.
    sourcemap: false,
    reportCompressedSize: false,
  },
  worker: { format: 'es' },
  server: { proxy: { '/v1': api } },
});
