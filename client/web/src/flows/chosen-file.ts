/**
 * A file that the person chose to save a document in, written piece by piece. Until `keep` the browser holds the written data in a separate
 * place, and `drop` removes all of it: only at its end is it known whether a document passes every check.
 */
import { Failure } from '../failure.ts';
import type { Bytes } from '../protocol/bytes.ts';

/** An API of Chromium that TypeScript's own types do not include. */
type Picker = (options: { readonly suggestedName: string; readonly id: string }) => Promise<FileSystemFileHandle>;
const picker = (): Picker | undefined => (globalThis as { showSaveFilePicker?: Picker }).showSaveFilePicker;

/** Returns whether this browser lets a page write into a file that the person chooses. */
export const canChooseFile = (): boolean => picker() !== undefined;

export class ChosenFile {
  readonly #handle: FileSystemFileHandle;
  readonly #writing: FileSystemWritableFileStream;

  private constructor(handle: FileSystemFileHandle, writing: FileSystemWritableFileStream) {
    this.#handle = handle;
    this.#writing = writing;
  }

  /**
   * Asks where to save. Call it directly in the handler of a click, before any `await`.
   *
   * @throws Failure `cancelled`, `not_saved`.
   */
  static async choose(suggestedName: string): Promise<ChosenFile> {
    let handle: FileSystemFileHandle | undefined;
    try {
      handle = await picker()?.({ suggestedName, id: 'medlock' });
    } catch (error) {
      const isCancelled = error instanceof DOMException && error.name === 'AbortError';
      throw new Failure(isCancelled ? 'cancelled' : 'not_saved', { cause: error });
    }
    if (handle === undefined) throw new Failure('not_saved');
    return ChosenFile.open(handle);
  }

  /** Opens the file for writing. @throws Failure `not_saved`. */
  static async open(handle: FileSystemFileHandle): Promise<ChosenFile> {
    try {
      return new ChosenFile(handle, await handle.createWritable());
    } catch (error) {
      throw new Failure('not_saved', { cause: error });
    }
  }

  /** Writes plaintext whose tags were checked. @throws Failure `not_saved` if there is no room or the place no longer exists. */
  async write(bytes: Bytes): Promise<void> {
    try {
      await this.#writing.write(bytes);
    } catch (error) {
      throw new Failure('not_saved', { cause: error });
    }
  }

  /** Makes the written data the content of the file, after every check has passed. @throws Failure `not_saved`. */
  async keep(): Promise<void> {
    try {
      await this.#writing.close();
    } catch (error) {
      throw new Failure('not_saved', { cause: error });
    }
  }

  /** Deletes the written data, and the empty file that was made when it was chosen. Never fails. */
  async drop(): Promise<void> {
    await this.#writing.abort().catch(() => undefined);
    try {
      const isEmpty = (await this.#handle.getFile()).size === 0;
      if (isEmpty) await (this.#handle as unknown as { remove?(): Promise<void> }).remove?.();
    } catch {
      // The file does not exist any more, or the person took the permission back.
    }
  }
}
