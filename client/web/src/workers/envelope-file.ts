/** The place where the seal worker writes an envelope: memory, or a file of the private file system. */

import type { Bytes } from '../protocol/bytes.ts';
import { BlobCollector } from './blob.ts';
import { WAITING_FOLDER } from './waiting-envelopes.ts';

/** Thrown if there is no room for the file, or no file. The bytes written so far are useless. */
export class NoRoom extends Error {}

/** Takes the parts of an envelope, which are ciphertext, in order. */
export interface EnvelopeSink {
  /** @throws NoRoom. */
  add(bytes: Bytes): void;
  /** Returns the envelope if it is in memory; `null` if it is in its file. @throws NoRoom. */
  finish(): Blob | null;
  /** Closes the file, complete or not. */
  close(): void;
}

/** An envelope in memory. */
export class MemorySink implements EnvelopeSink {
  readonly #blob = new BlobCollector();

  add(bytes: Bytes): void {
    this.#blob.add(bytes);
  }

  finish(): Blob {
    return this.#blob.finish();
  }

  close(): void {
    // There is only memory, which needs no closing.
  }
}

/** An API that exists only in workers, and that only some versions of TypeScript's types include. */
interface SyncAccessHandle {
  write(bytes: Bytes, options: { at: number }): number;
  truncate(length: number): void;
  close(): void;
}

/** An envelope in its file, which has the length of the envelope from the start. */
export class FileSink implements EnvelopeSink {
  readonly #handle: SyncAccessHandle;
  readonly #length: number;
  #written = 0;

  private constructor(handle: SyncAccessHandle, length: number) {
    this.#handle = handle;
    this.#length = length;
  }

  /**
   * Opens the file with the name that the page has reserved, for an envelope of `length` bytes.
   *
   * @throws NoRoom if it cannot be made, or the browser allows no file of this length.
   */
  static async open(name: string, length: number): Promise<FileSink> {
    let handle: SyncAccessHandle | null = null;
    try {
      const folder = await (await navigator.storage.getDirectory()).getDirectoryHandle(WAITING_FOLDER, { create: true });
      const file = await folder.getFileHandle(name, { create: true });
      handle = await (file as unknown as { createSyncAccessHandle(): Promise<SyncAccessHandle> }).createSyncAccessHandle();
      handle.truncate(length);
      return new FileSink(handle, length);
    } catch (error) {
      handle?.close();
      throw new NoRoom('the file cannot be made', { cause: error });
    }
  }

  add(bytes: Bytes): void {
    let written: number;
    try {
      written = this.#handle.write(bytes, { at: this.#written });
    } catch (error) {
      throw new NoRoom('the file cannot be written', { cause: error });
    }
    // On a full disk, only a part may be written.
    if (written !== bytes.length) throw new NoRoom('the file was written in part');
    this.#written += written;
  }

  finish(): null {
    if (this.#written !== this.#length) throw new Error('an envelope is as long as was announced');
    this.close();
    return null;
  }

  close(): void {
    this.#handle.close();
  }
}
