/** See `pdf-globals.ts`. The part that draws takes a place without `window` for what it is: it waits for no screen. */
delete (globalThis as { window?: unknown }).window;

export {};
