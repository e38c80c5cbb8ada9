/** The queue of uploads. It uploads one file at a time and continues when the page changes. */
import type { NewUpload, UploadItem } from '../types/uploads.ts';
import { asFailure } from '../failure.ts';
import { upload } from '../flows/upload.ts';
import { device } from '../device/device.ts';
import { Errand } from '../device/errand.ts';

interface Slot {
  readonly wanted: NewUpload;
  readonly abort: AbortController;
}

class UploadQueue {
  #items: readonly UploadItem[] = [];
  readonly #slots = new Map<string, Slot>();
  readonly #listeners = new Set<() => void>();
  #isRunning = false;
  #owner: string | null = null;

  constructor() {
    device.watch(() => {
      // Documents of another account must not be shown here.
      const address = device.snapshot().wallet?.address ?? null;
      if (address !== null && this.#owner !== null && address !== this.#owner) this.#clear();
      if (address !== null) this.#owner = address;
      if (device.snapshot().session.state === 'ready') void this.#run();
    });
  }

  /** Makes the browser ask before the page is left, because its files would be lost. */
  readonly #stay = (event: BeforeUnloadEvent): void => event.preventDefault();

  readonly snapshot = (): readonly UploadItem[] => this.#items;

  readonly watch = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Adds files to the queue. A file is not read before its turn. */
  readonly add = (uploads: readonly NewUpload[]): readonly string[] => {
    const items = uploads.map((wanted): UploadItem => {
      const id = crypto.randomUUID();
      this.#slots.set(id, { wanted, abort: new AbortController() });
      return {
        id,
        fileName: wanted.fileName,
        size: wanted.content.size,
        target: wanted.target,
        patient: wanted.target.kind === 'record' ? wanted.target.patient : null,
        state: 'waiting',
        progress: 0,
        error: null,
        record: null,
        version: null,
        addedAt: Math.floor(Date.now() / 1000),
      };
    });
    this.#set([...this.#items, ...items]);
    void this.#run();
    return items.map((item) => item.id);
  };

  readonly cancel = (id: string): void => {
    this.#slots.get(id)?.abort.abort();
    const item = this.#items.find((one) => one.id === id);
    if (item?.state === 'waiting') this.#change(id, { state: 'cancelled' });
  };

  /** Starts an upload again. Data that the server already has is not sent twice. */
  readonly retry = (id: string): void => {
    const slot = this.#slots.get(id);
    const item = this.#items.find((one) => one.id === id);
    if (slot === undefined || (item?.state !== 'failed' && item?.state !== 'cancelled')) return;
    this.#slots.set(id, { ...slot, abort: new AbortController() });
    this.#change(id, { state: 'waiting', progress: 0, error: null });
    void this.#run();
  };

  readonly remove = (id: string): void => {
    const item = this.#items.find((one) => one.id === id);
    if (item === undefined || !isOver(item)) return;
    this.#slots.delete(id);
    this.#set(this.#items.filter((one) => one.id !== id));
  };

  readonly clearFinished = (): void => {
    for (const item of this.#items) if (item.state === 'done') this.remove(item.id);
  };

  #clear(): void {
    for (const slot of this.#slots.values()) slot.abort.abort();
    this.#slots.clear();
    this.#set([]);
  }

  #set(items: readonly UploadItem[]): void {
    this.#items = items;
    if (items.some((item) => !isOver(item))) window.addEventListener('beforeunload', this.#stay);
    else window.removeEventListener('beforeunload', this.#stay);
    for (const listener of this.#listeners) listener();
  }

  #change(id: string, change: Partial<UploadItem>): void {
    this.#set(this.#items.map((item) => (item.id === id ? { ...item, ...change } : item)));
  }

  /** Uploads the waiting files one after the other. While the session is locked they wait, and continue after unlocking. */
  async #run(): Promise<void> {
    if (this.#isRunning) return;
    this.#isRunning = true;
    try {
      for (;;) {
        const item = this.#items.find((one) => one.state === 'waiting');
        const slot = item === undefined ? undefined : this.#slots.get(item.id);
        if (item === undefined || slot === undefined || device.snapshot().session.state !== 'ready') return;
        await this.#upload(item.id, slot);
      }
    } finally {
      this.#isRunning = false;
    }
  }

  async #upload(id: string, { wanted, abort }: Slot): Promise<void> {
    const work = device.work;
    const errand = new Errand({ confirm: 'page', signal: AbortSignal.any([abort.signal, work]) });
    this.#change(id, { state: 'hashing', progress: 0 });
    try {
      const client = await device.ready();
      const done = await upload(client, wanted, errand, ({ state, progress, patient }) =>
        this.#change(id, { state, progress, ...(patient === undefined ? {} : { patient }) }),
      );
      this.#change(id, { state: 'done', progress: 1, record: done.record, version: done.version });
    } catch (error) {
      const failure = asFailure(error);
      const hasEnded = failure.code === 'not_signed_in' && device.snapshot().session.state !== 'ready';
      if (abort.signal.aborted) this.#change(id, { state: 'cancelled', error: null });
      // The session was locked or the sign-in has ended in the meantime: the file waits until the session is ready again.
      else if (work.aborted || hasEnded) this.#change(id, { state: 'waiting', progress: 0 });
      else this.#change(id, { state: 'failed', error: failure });
    }
  }
}

const isOver = (item: UploadItem): boolean => item.state === 'done' || item.state === 'failed' || item.state === 'cancelled';

/** The only queue of this page. */
export const uploadQueue = new UploadQueue();
