/**
 * Takes away what a parser does not need: a worker of our origin could ask the server in the person's name, or read what this
 * browser keeps. The policy of these files forbids connections as well (`api/src/web.rs`); this holds wherever they are served.
 * Nothing of it is there any more when the first byte of a stranger's document arrives.
 */
const OF_THE_WORKER = [
  'fetch',
  'fetchLater',
  'XMLHttpRequest',
  'WebSocket',
  'WebSocketStream',
  'WebTransport',
  'EventSource',
  'RTCPeerConnection',
  'RTCDataChannel',
  'indexedDB',
  'caches',
  'cookieStore',
  'BroadcastChannel',
  'SharedWorker',
  'Worker',
  'importScripts',
  'Notification',
  'showOpenFilePicker',
  'FileReaderSync',
  'webkitRequestFileSystem',
  'webkitRequestFileSystemSync',
  'webkitResolveLocalFileSystemURL',
  'webkitResolveLocalFileSystemSyncURL',
] as const;
const OF_THE_NAVIGATOR = [
  'storage',
  'storageBuckets',
  'locks',
  'serviceWorker',
  'sendBeacon',
  'usb',
  'serial',
  'hid',
  'mediaCapabilities',
  'permissions',
  'gpu',
] as const;

function remove(from: object, name: string): void {
  for (let at: object | null = from; at !== null && at !== Object.prototype; at = Object.getPrototypeOf(at) as object | null) {
    if (Object.hasOwn(at, name)) Object.defineProperty(at, name, { value: undefined, writable: false, configurable: false });
  }
}

/** What is left of it; empty is good. */
const leftOver = (): readonly string[] => [
  ...OF_THE_WORKER.filter((name) => (globalThis as Record<string, unknown>)[name] !== undefined),
  ...OF_THE_NAVIGATOR.filter((name) => (navigator as unknown as Record<string, unknown>)[name] !== undefined),
];

/** Takes it away for good. @throws Error if something is left: then nothing is parsed. */
export function lockDown(): void {
  for (const name of OF_THE_WORKER) remove(globalThis, name);
  for (const name of OF_THE_NAVIGATOR) remove(navigator, name);
  const left = leftOver();
  if (left.length > 0) throw new Error(`a parser would still have ${left.join(', ')}`);
}
