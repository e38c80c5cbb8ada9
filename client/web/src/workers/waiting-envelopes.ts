/**
 * Large envelopes wait for their upload in the browser's private file system (OPFS), so that memory stays flat however large
 * the document is. The worker writes (`envelope-file.ts`), the page hands the file to the upload and removes it.
 *
 * **Only ciphertext is ever written there**: the bytes of an envelope, just as the server gets them. No plaintext, no key, no
 * file name; a file is named by chance. It is gone when its upload ended in whatever way. A tab that crashed could not remove
 * its own: the next one does, as each file is held by a Web Lock that ends with its tab.
 */

import { sealedLen } from '../protocol/envelope/layout.ts';

/** Where the envelopes wait. */
export const WAITING_FOLDER = 'waiting-envelopes';
/** Documents of up to this many bytes are sealed in memory. */
export const SMALL_LEN_MAX = 8 << 20;
/** Where there is no private file system, or no room in it, documents of up to this many bytes are sealed in memory. */
export const MEMORY_LEN_MAX = 256 << 20;

/** A worker whose end was asked for lets go of its file a moment later. */
const REMOVE_TRIES = 40;
const REMOVE_PAUSE_MS = 50;

const lockOf = (name: string): string => `medlock.waiting-envelope.${name}`;

/** The folder; `null` where the browser has no private file system, or none for this window. */
async function findFolder(): Promise<FileSystemDirectoryHandle | null> {
  try {
    // Missing where the address is not a secure one, and in older browsers.
    if (!('locks' in navigator) || typeof navigator.storage?.getDirectory !== 'function') return null;
    const root = await navigator.storage.getDirectory();
    return await root.getDirectoryHandle(WAITING_FOLDER, { create: true });
  } catch {
    return null;
  }
}

/** The name of a file that only this tab touches until it is removed. */
export class WaitingEnvelope {
  /** What the worker opens it by. */
  readonly name: string;
  readonly #folder: FileSystemDirectoryHandle;
  readonly #unlock: () => void;

  private constructor(name: string, folder: FileSystemDirectoryHandle, unlock: () => void) {
    this.name = name;
    this.#folder = folder;
    this.#unlock = unlock;
  }

  /** A new name; `null` where there is no private file system. */
  static async reserve(): Promise<WaitingEnvelope | null> {
    const folder = await findFolder();
    if (folder === null) return null;
    await removeLeftovers();
    const name = crypto.randomUUID();
    return new Promise((resolve) => {
      navigator.locks
        .request(lockOf(name), () => new Promise<void>((unlock) => resolve(new WaitingEnvelope(name, folder, unlock))))
        // A page that is not in use any more gets no locks.
        .catch(() => resolve(null));
    });
  }

  /** What the worker has written, as a file that is read from the disk. */
  async file(): Promise<File> {
    return (await this.#folder.getFileHandle(this.name)).getFile();
  }

  /** Removes the file, also one that was never written. Never fails: what cannot be removed now is a leftover. */
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

/** Removes the envelopes of tabs that are no more; those of a tab that lives stay. Called when the app starts; never fails. */
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
    // The folder went away meanwhile, with all that was in it.
  }
}

/**
 * Whether a document of this many bytes can be sealed here, as far as the browser says before it is tried: told before
 * minutes of reading and before the wallet asks.
 */
export async function hasRoomFor(contentLength: number): Promise<boolean> {
  if (contentLength <= MEMORY_LEN_MAX) return true;
  if ((await findFolder()) === null) return false;
  const { quota, usage } = await navigator.storage.estimate();
  return quota === undefined || quota - (usage ?? 0) >= sealedLen(contentLength, 0);
}
