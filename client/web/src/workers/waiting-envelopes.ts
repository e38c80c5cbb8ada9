/**
 * Large envelopes wait for their upload in the browser's private file system (OPFS), so that memory use does not grow with the document.
 * The worker writes the file (`envelope-file.ts`); the page gives it to the upload and removes it.
 *
 * **Only ciphertext is ever written there**: the bytes of an envelope, exactly as the server gets them. No plaintext, no key, no file name;
 * a file has a random name. It is removed when its upload has ended in any way. A tab that crashed cannot remove its files. The next tab
 * does: each file is held by a Web Lock, which ends with its tab.
 */

import { sealedLen } from '../protocol/envelope/layout.ts';

/** Name of the folder where the envelopes wait. */
export const WAITING_FOLDER = 'waiting-envelopes';
/** Documents up to this many bytes are sealed in memory. */
export const SMALL_LEN_MAX = 8 << 20;
/** Without a private file system, or without room in it, documents up to this many bytes are sealed in memory. */
export const MEMORY_LEN_MAX = 256 << 20;

/** Number of tries to remove a file. A worker that is being ended closes its file a moment later. */
const REMOVE_TRIES = 40;
const REMOVE_PAUSE_MS = 50;

const lockOf = (name: string): string => `medlock.waiting-envelope.${name}`;

/** Returns the folder; `null` if the browser has no private file system, or none for this window. */
async function findFolder(): Promise<FileSystemDirectoryHandle | null> {
  try {
    // Missing on an insecure address (http), and in older browsers.
    if (!('locks' in navigator) || typeof navigator.storage?.getDirectory !== 'function') return null;
    const root = await navigator.storage.getDirectory();
    return await root.getDirectoryHandle(WAITING_FOLDER, { create: true });
  } catch {
    return null;
  }
}

/** The name of a file that only this tab uses until it is removed. */
export class WaitingEnvelope {
  /** The name by which the worker opens the file. */
  readonly name: string;
  readonly #folder: FileSystemDirectoryHandle;
  readonly #unlock: () => void;

  private constructor(name: string, folder: FileSystemDirectoryHandle, unlock: () => void) {
    this.name = name;
    this.#folder = folder;
    this.#unlock = unlock;
  }

  /** Reserves a new name; `null` if there is no private file system. */
  static async reserve(): Promise<WaitingEnvelope | null> {
    const folder = await findFolder();
    if (folder === null) return null;
    await removeLeftovers();
    const name = crypto.randomUUID();
    return new Promise((resolve) => {
      navigator.locks
        .request(lockOf(name), () => new Promise<void>((unlock) => resolve(new WaitingEnvelope(name, folder, unlock))))
        // A page that is being unloaded gets no locks.
        .catch(() => resolve(null));
    });
  }

  /** Returns the data that the worker has written, as a file that is read from the disk. */
  async file(): Promise<File> {
    return (await this.#folder.getFileHandle(this.name)).getFile();
  }

  /**
   * Removes the file, even if it was never written. Never fails: a file that cannot be removed now is removed by `removeLeftovers` later.
   */
  async remove(): Promise<void> {
    try {
      for (let left = REMOVE_TRIES; left > 0 && !(await isRemoved(this.#folder, this.name)); left -= 1) {
        await new Promise((resolve) => setTimeout(resolve, REMOVE_PAUSE_MS));
      }
    } finally {
      this.#unlock();
    }
  }
}

async function isRemoved(folder: FileSystemDirectoryHandle, name: string): Promise<boolean> {
  try {
    await folder.removeEntry(name);
    return true;
  } catch (error) {
    return error instanceof DOMException && error.name === 'NotFoundError';
  }
}

/** Removes the envelopes of tabs that no longer exist. Those of open tabs stay. Called when the app starts. Never fails. */
export async function removeLeftovers(): Promise<void> {
  try {
    const folder = await findFolder();
    if (folder === null) return;
    for await (const name of folder.keys()) {
      await navigator.locks.request(lockOf(name), { ifAvailable: true }, async (lock) => {
        if (lock !== null) await isRemoved(folder, name);
      });
    }
  } catch {
    // The folder was removed in the meantime, with everything in it.
  }
}

/**
 * Returns whether a document of this many bytes can be sealed here, according to the browser's own estimate. It is asked before the file is
 * read, which may take minutes, and before the wallet asks.
 */
export async function hasRoomFor(contentLength: number): Promise<boolean> {
  if (contentLength <= MEMORY_LEN_MAX) return true;
  if ((await findFolder()) === null) return false;
  const { quota, usage } = await navigator.storage.estimate();
  return quota === undefined || quota - (usage ?? 0) >= sealedLen(contentLength, 0);
}
