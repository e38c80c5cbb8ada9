// @vitest-environment jsdom
import { act, fireEvent, screen, waitFor, within } from '@testing-library/react';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { uploadQueue } from '../../src/background/upload-queue.ts';
import { AddFiles } from '../../src/components/uploads/AddFiles.tsx';
import { UploadQueue } from '../../src/components/uploads/UploadQueue.tsx';
import { Failure } from '../../src/failure.ts';
import { upload } from '../../src/flows/upload.ts';
import { ME, ownRecord, show } from './signed-in.tsx';

vi.mock('../../src/device/device.ts', async () => (await import('./signed-in.tsx')).deviceModule);
vi.mock('../../src/flows/contacts.ts', () => ({ listContacts: async () => [], putContact: vi.fn(), removeContact: vi.fn() }));
vi.mock('../../src/flows/people.ts', () => ({ listDirectory: vi.fn(), person: async () => null }));
vi.mock('../../src/flows/upload-journal.ts', () => ({ allEntries: async () => [] }));
vi.mock('../../src/flows/upload.ts', () => ({ upload: vi.fn(), finishUpload: vi.fn() }));

/** One run of the upload, whose progress and end the test controls. */
interface Run {
  readonly fileName: string;
  readonly tell: Parameters<typeof upload>[3];
  readonly signal: AbortSignal;
  readonly end: (error?: unknown) => Promise<void>;
}
let runs: Run[] = [];

beforeEach(() => {
  runs = [];
  vi.mocked(upload).mockImplementation(
    (_, wanted, errand, tell) =>
      new Promise((resolve, reject) => {
        const end = async (error?: unknown): Promise<void> =>
          act(async () => (error === undefined ? resolve({ record: ownRecord(1).id, version: 1, cid: '' } as never) : reject(error)));
        errand.signal.addEventListener('abort', () => reject(new Failure('cancelled')));
        runs.push({ fileName: wanted.fileName, tell, signal: errand.signal, end });
      }),
  );
});

afterEach(async () => {
  await act(async () => {
    for (const { id } of uploadQueue.snapshot()) uploadQueue.cancel(id);
  });
  act(() => {
    for (const { id } of uploadQueue.snapshot()) uploadQueue.remove(id);
  });
  expect(uploadQueue.snapshot()).toEqual([]);
});

const page = (
  <>
    <AddFiles patient={ME} onAdded={() => undefined} />
    <UploadQueue />
  </>
);

/** Chooses files and presses the button. */
async function add(...names: readonly string[]): Promise<void> {
  const files = names.map((name) => new File([name], name));
  fireEvent.change(screen.getByTestId('files'), { target: { files } });
  fireEvent.click(screen.getByRole('button', { name: /^Encrypt and add/ }));
  await waitFor(() => expect(runs.length).toBeGreaterThan(0));
}

/** Returns the line of a file in the queue. */
function line(name: string) {
  const item = within(screen.getByRole('list')).getByText(name).closest('li');
  if (item === null) throw new Error(`no line for ${name}`);
  return within(item);
}

test('files are uploaded one after the other, each with its progress', async () => {
  show(page);
  await add('blood.pdf');
  await add('scan.png');
  expect(runs.map((run) => run.fileName)).toEqual(['blood.pdf']);
  expect(line('scan.png').getByText('Waiting for its turn')).toBeTruthy();
  act(() => runs[0]?.tell({ state: 'sending', progress: 0.4 }));
  expect(line('blood.pdf').getByRole<HTMLProgressElement>('progressbar', { name: 'Encrypting and sending' }).value).toBe(0.4);
  expect(line('blood.pdf').getByText('40%')).toBeTruthy();
  await runs[0]?.end();
  expect(line('blood.pdf').getByText('Added')).toBeTruthy();
  expect(line('blood.pdf').getByRole('link', { name: 'Open' }).getAttribute('href')).toBe(`/records/${ownRecord(1).id}`);
  await waitFor(() => expect(runs.map((run) => run.fileName)).toEqual(['blood.pdf', 'scan.png']));
});

test('what was added is read aloud', async () => {
  show(page);
  await add('blood.pdf');
  await runs[0]?.end();
  expect(within(screen.getByTestId('live')).getByText('blood.pdf was added.')).toBeTruthy();
});

test('a file that fails says why, keeps none of the others, and can be tried again', async () => {
  show(page);
  await add('huge.bin', 'scan.png');
  await runs[0]?.end(new Failure('too_large'));
  expect(line('huge.bin').getByText('Not added')).toBeTruthy();
  expect(line('huge.bin').getByText('This file is larger than the server accepts.')).toBeTruthy();
  await waitFor(() => expect(runs).toHaveLength(2));
  await runs[1]?.end();
  fireEvent.click(line('huge.bin').getByRole('button', { name: 'Try huge.bin again' }));
  await waitFor(() => expect(runs.map((run) => run.fileName)).toEqual(['huge.bin', 'scan.png', 'huge.bin']));
  await runs[2]?.end();
  expect(line('huge.bin').getByText('Added')).toBeTruthy();
});

test('cancelling ends the run, and the next file has its turn', async () => {
  show(page);
  await add('blood.pdf', 'scan.png');
  fireEvent.click(line('blood.pdf').getByRole('button', { name: 'Cancel blood.pdf' }));
  expect(runs[0]?.signal.aborted).toBe(true);
  expect(await line('blood.pdf').findByText('Cancelled')).toBeTruthy();
  await waitFor(() => expect(runs).toHaveLength(2));
});

test('a file that waits is cancelled before it is read', async () => {
  show(page);
  await add('blood.pdf', 'scan.png');
  fireEvent.click(line('scan.png').getByRole('button', { name: 'Cancel scan.png' }));
  await runs[0]?.end();
  expect(line('scan.png').getByText('Cancelled')).toBeTruthy();
  expect(runs).toHaveLength(1);
});

test('finished ones are cleared together; what failed stays', async () => {
  show(page);
  await add('blood.pdf', 'huge.bin');
  await runs[0]?.end();
  await waitFor(() => expect(runs).toHaveLength(2));
  await runs[1]?.end(new Failure('too_large'));
  fireEvent.click(screen.getByRole('button', { name: 'Clear the finished ones' }));
  expect(screen.queryByText('blood.pdf')).toBeNull();
  expect(line('huge.bin').getByText('Not added')).toBeTruthy();
});

test('what is not started yet can be taken off the choice', async () => {
  show(page);
  fireEvent.change(screen.getByTestId('files'), { target: { files: [new File(['a'], 'a.pdf'), new File(['b'], 'b.pdf')] } });
  fireEvent.click(screen.getByRole('button', { name: 'Remove: a.pdf' }));
  fireEvent.click(screen.getByRole('button', { name: 'Encrypt and add' }));
  await waitFor(() => expect(runs.map((run) => run.fileName)).toEqual(['b.pdf']));
});
