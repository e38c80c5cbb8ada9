/**
 * The parsing part of pdf.js starts by itself wherever there is no `window`, and would then listen to this worker's messages. Therefore
 * `window` exists while that part is loaded: this file is imported before it, and `pdf-globals-end.ts` after it.
 */
(globalThis as { window?: unknown }).window = globalThis;

export {};
