/** Collects everything that a browser has stored, to check that no secret is in it. */
import type { Page } from 'playwright-core';

/** Returns all of localStorage, sessionStorage, IndexedDB, caches, private files and the cookies that scripts can read, as text. */
export const keptBy = (page: Page): Promise<string> => page.evaluate(everythingKept);

/**
 * Returns whether several recovery words follow each other in the text, whatever is between them. A single word proves nothing: some words
 * of the list are in the messages that people sign.
 */
export const holdsWords = (kept: string, words: readonly string[]): boolean =>
  words.slice(2).some((word, index) => new RegExp(`\\b${words[index]}[^a-z]{1,8}${words[index + 1]}[^a-z]{1,8}${word}\\b`).test(kept));

/** Runs in the page. */
async function everythingKept(): Promise<string> {
  const texts: string[] = [JSON.stringify(localStorage), JSON.stringify(sessionStorage), document.cookie];
  const asText = (value: unknown): string => {
    if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) return new TextDecoder('latin1').decode(value as ArrayBuffer);
    if (value instanceof CryptoKey) return value.type === 'public' || !value.extractable ? 'handle' : 'an extractable key: canary';
    if (typeof value === 'object' && value !== null)
      return Object.entries(value)
        .map(([name, part]) => `${name}=${asText(part)}`)
        .join(' ');
    return String(value);
  };
  for (const { name } of await indexedDB.databases()) {
    const database = await new Promise<IDBDatabase>((resolve, reject) => {
      const request = indexedDB.open(name ?? '');
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
    for (const store of database.objectStoreNames) {
      const objects = database.transaction(store).objectStore(store);
      const read = <T>(request: IDBRequest<T>): Promise<T> =>
        new Promise((resolve, reject) => {
          request.onsuccess = () => resolve(request.result);
          request.onerror = () => reject(request.error);
        });
      texts.push(asText(await read(objects.getAllKeys())), asText(await read(objects.getAll())));
    }
    database.close();
  }
  for (const name of await caches.keys()) {
    const cache = await caches.open(name);
    for (const request of await cache.keys()) texts.push(request.url, (await (await cache.match(request))?.text()) ?? '');
  }
  const readFolder = async (folder: FileSystemDirectoryHandle): Promise<void> => {
    for await (const [name, found] of folder.entries()) {
      texts.push(name);
      if (found instanceof FileSystemDirectoryHandle) await readFolder(found);
      else if (found instanceof FileSystemFileHandle) texts.push(asText(await (await found.getFile()).arrayBuffer()));
    }
  };
  await readFolder(await navigator.storage.getDirectory());
  return texts.join('\n');
}
