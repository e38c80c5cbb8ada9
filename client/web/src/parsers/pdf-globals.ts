/**
 * The part of pdf.js that reads documents starts by itself wherever there is no `window`, and would listen to our messages. While
 * it is loaded there is one; imported before it, and `pdf-globals-end.ts` after it.
 */
(globalThis as { window?: unknown }).window = globalThis;

export {};
