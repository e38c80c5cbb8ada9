/**
 * A file that the person chose to save a document in, written piece by piece. Until `keep` the browser holds what was written
 * apart, and `drop` leaves nothing: whether a document holds is known only at its end.
 */
import { Failure } from '../failure.ts';
import type { Bytes } from '../protocol/bytes.ts';

/** What Chromium has, and TypeScript's own types do not. */
type Picker = (options: { readonly suggestedName: string; readonly id: string }) => Promise<FileSystemFileHandle>;
const picker = (): Picker | undefined => (globalThis as { showSaveFilePicker?: Picker }).showSaveFilePicker;

/** Whether this browser lets a page write into a file that the person chooses. */
export const canChooseFile = (): boolean => picker() !== undefined;

export class ChosenFile {
  readonly #handle: FileSystemFileHandle;
  readonly #writing: FileSystemWritableFileStream;

  private constructor(handle: FileSystemFileHandle, writing: FileSystemWritableFileStream) {
    this.#handle = handle;
    this.#writing = writing;
  }

  /**
   * Asks where to save. To be called by a click, before anything is waited for.
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

  /** Begins to write the file. @throws Failure `not_saved`. */
  static async open(handle: FileSystemFileHandle): Promise<ChosenFile> {
    try {
      return new ChosenFile(handle, await handle.createWritable());
    } catch (error) {
      throw new Failure('not_saved', { cause: error });
    }
  }

  /** Adds plaintext whose tags hold. @throws Failure `not_saved`: no room, or the place is gone. */
  async write(bytes: Bytes): Promise<void> {
    try {
      await this.#writing.write(bytes);
    } catch (error) {
      throw new Failure('not_saved', { cause: error });
    }
  }

  /** Everything held: from now on it is the file's content. @throws Failure `not_saved`. */
  async keep(): Promise<void> {
    try {
      await this.#writing.close();
    } catch (error) {
      throw new Failure('not_saved', { cause: error });
    }
  }

  /** Throws away what was written, and the file that was made empty when it was chosen. Never fails. */
  async drop(): Promise<void> {
    await this.#writing.abort().catch(() => undefined);
    try {
      const isEmpty = (await this.#handle.getFile()).size === 0;
      if (isEmpty) await (this.#handle as unknown as { remove?(): Promise<void> }).remove?.();
    } catch {
      // It is gone already, or the person took the permission back.
    }
  }
}
