/**
 * Removes the APIs that a parser does not need: otherwise a worker of this app's origin could send requests to the server in the person's
 * name, or read the data in this browser. The policy of these files forbids connections as well (`api/src/web.rs`); this removal works
 * whichever server delivers the files. The APIs are gone before the first byte of an untrusted document arrives.
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

/** Returns the names of the APIs that are still there. The list must be empty. */
const leftOver = (): readonly string[] => [
  ...OF_THE_WORKER.filter((name) => (globalThis as Record<string, unknown>)[name] !== undefined),
  ...OF_THE_NAVIGATOR.filter((name) => (navigator as unknown as Record<string, unknown>)[name] !== undefined),
];

/** Removes the APIs permanently. @throws Error if one is still there; then nothing is parsed. */
export function lockDown(): void {
  for (const name of OF_THE_WORKER) remove(globalThis, name);
  for (const name of OF_THE_NAVIGATOR) remove(navigator, name);
  const left = leftOver();
  if (left.length > 0) throw new Error(`a parser would still have ${left.join(', ')}`);
}
