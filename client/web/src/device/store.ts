/**
 * What this browser keeps between visits, in IndexedDB: the non-extractable session key, copies of what is encrypted
 * (keyring, address book), and evidence (receipts). No seed, no data key, no plaintext, no file name.
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
      // Another tab with a newer version of this app waits for us.
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
      // Done when it is on disk, not when it was asked for.
      transaction.oncomplete = () => resolve(request.result);
      transaction.onabort = () => reject(new Failure('storage_unavailable', { cause: transaction.error }));
    } catch (error) {
      reject(new Failure('storage_unavailable', { cause: error }));
    }
  });
}

/** A value; `undefined` if there is none. */
export const keep = {
  get: <T>(name: string): Promise<T | undefined> => run<T | undefined>('readonly', (store) => store.get(name) as IDBRequest<T | undefined>),
  put: async (name: string, value: unknown): Promise<void> => {
    await run('readwrite', (store) => store.put(value, name));
  },
  remove: async (name: string): Promise<void> => {
    await run('readwrite', (store) => store.delete(name));
  },
  /** Every value whose name begins so. */
  all: <T>(prefix: string): Promise<T[]> =>
    run<T[]>('readonly', (store) => store.getAll(IDBKeyRange.bound(prefix, `${prefix}\uffff`)) as IDBRequest<T[]>),
};
