/** See `pdf-globals.ts`. Without `window`, the drawing part works as in a worker: it does not wait for a screen. */
delete (globalThis as { window?: unknown }).window;

export {};
