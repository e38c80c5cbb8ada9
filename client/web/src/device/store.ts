/**
 * The data that this browser keeps between visits, in IndexedDB: the non-extractable session key, copies of encrypted data (keyring,
 * address book), and evidence (receipts). It has no seed, no data key, no plaintext and no file name.
 */
import { Failure } from '../failure.ts';

const DATABASE = 'medlock';
const STORE = 'kept';

let opened: Promise<IDBDatabase> | null = null;

function open(): Promise<IDBDatabase> {
  opened ??= new Promise<IDBDatabase>((resolve, reject) => {
    const request = indexedDB.open(DATABASE, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE);
    request.onsuccess = () => {
      request.result.onclose = () => {
        opened = null;
      };
      // Another tab has a newer version of this app, which waits until this connection is closed.
      request.result.onversionchange = () => request.result.close();
      resolve(request.result);
    };
    request.onerror = () => reject(new Failure('storage_unavailable', { cause: request.error }));
    request.onblocked = () => reject(new Failure('storage_unavailable'));
  }).catch((error: unknown) => {
    opened = null;
    throw error;
  });
  return opened;
}

async function run<T>(mode: IDBTransactionMode, act: (store: IDBObjectStore) => IDBRequest<T>): Promise<T> {
  const database = await open();
  return new Promise((resolve, reject) => {
    try {
      const transaction = database.transaction(STORE, mode);
      const request = act(transaction.objectStore(STORE));
      // Resolves when the data is on disk, not already when the write was requested.
      transaction.oncomplete = () => resolve(request.result);
      transaction.onabort = () => reject(new Failure('storage_unavailable', { cause: transaction.error }));
    } catch (error) {
      reject(new Failure('storage_unavailable', { cause: error }));
    }
  });
}

/** Returns a value; `undefined` if there is none. */
export const keep = {
  get: <T>(name: string): Promise<T | undefined> => run<T | undefined>('readonly', (store) => store.get(name) as IDBRequest<T | undefined>),
  put: async (name: string, value: unknown): Promise<void> => {
    await run('readwrite', (store) => store.put(value, name));
  },
  remove: async (name: string): Promise<void> => {
    await run('readwrite', (store) => store.delete(name));
  },
  /** Returns every value whose name begins with `prefix`. */
  all: <T>(prefix: string): Promise<T[]> =>
    run<T[]>('readonly', (store) => store.getAll(IDBKeyRange.bound(prefix, `${prefix}\uffff`)) as IDBRequest<T[]>),
};
