// @vitest-environment jsdom
import { act, fireEvent, screen, waitFor } from '@testing-library/react';
import { beforeEach, expect, test, vi } from 'vitest';
import { Failure } from '../../src/failure.ts';
import { grant } from '../../src/flows/grants.ts';
import { GrantPage } from '../../src/pages/grant/GrantPage.tsx';
import type { Granted } from '../../src/types/grants.ts';
import { ADA, DOCTOR, ME, ownRecord, show, STRANGER } from './signed-in.tsx';

vi.mock('../../src/device/device.ts', async () => (await import('./signed-in.tsx')).deviceModule);
vi.mock('../../src/flows/contacts.ts', () => ({ listContacts: async () => [], putContact: vi.fn(), removeContact: vi.fn() }));
vi.mock('../../src/flows/record-names.ts', () => ({ nameOfRecord: async () => null }));
vi.mock('../../src/flows/people.ts', async () => {
  const { ADA } = await import('./signed-in.tsx');
  return {
    listDirectory: async (_: unknown, { name = '' }) => ({ items: ADA.name?.startsWith(name) ? [ADA] : [], bad: [] }),
    person: async (_: unknown, address: string) => (address === ADA.address ? ADA : null),
  };
});
vi.mock('../../src/flows/records.ts', async () => {
  const { ownRecord } = await import('./signed-in.tsx');
  const items = [ownRecord(1), ownRecord(2), ownRecord(3, { category: 'imaging' }), ownRecord(4, { status: 'tombstoned' })];
  return { listRecords: async () => ({ items, bad: [] }), showRecord: vi.fn() };
});
vi.mock('../../src/flows/grants.ts', async (original) => ({ ...(await original<object>()), grant: vi.fn() }));

const granted: Granted = { grants: [], leftOut: [], txHash: null };
const button = (name: string | RegExp): HTMLButtonElement => screen.getByRole('button', { name });
const signButton = (): HTMLButtonElement => button('Sign and share');

beforeEach(() => {
  vi.mocked(grant).mockReset().mockResolvedValue(granted);
  vi.useFakeTimers({ now: new Date(2026, 4, 1, 12), toFake: ['Date'] });
});

/** Chooses Ada by name. */
async function chooseAda(): Promise<void> {
  fireEvent.change(screen.getByLabelText(/^Name of the doctor/), { target: { value: 'Ada' } });
  fireEvent.click(await screen.findByRole('button', { name: /Ada Okafor/ }));
}

test('nothing can be signed before somebody and some record are chosen', async () => {
  show(<GrantPage />, { at: '/share' });
  expect(signButton().disabled).toBe(true);
  await chooseAda();
  expect(signButton().disabled).toBe(true);
  expect(screen.queryByText(/^You allow/)).toBeNull();
  fireEvent.click(await screen.findByRole('checkbox', { name: /0x0000…0001/ }));
  expect(signButton().disabled).toBe(false);
});

test('the sentence beside the button says whom, how much, until when and for which purpose, with the whole address', async () => {
  show(<GrantPage />, { at: `/share?with=${DOCTOR}&records=${ownRecord(1).id},${ownRecord(2).id}` });
  await screen.findByText('Accredited');
  const sentence = document.getElementById(signButton().getAttribute('aria-describedby') ?? '');
  await waitFor(() =>
    expect(sentence?.textContent).toBe(`You allow Ada Okafor to open 2 records until May 8, 2026, for this purpose: Treatment.${DOCTOR}`),
  );
});

test('what is signed is what is on the screen, and a second press signs nothing more', async () => {
  let finish = (_: Granted): void => undefined;
  vi.mocked(grant).mockReturnValue(
    new Promise((resolve) => {
      finish = resolve;
    }),
  );
  show(<GrantPage />, { at: `/share?with=${DOCTOR}` });
  await screen.findByText('Accredited');
  fireEvent.click(await screen.findByRole('button', { name: 'Select all in “Laboratory”' }));
  fireEvent.click(screen.getByRole('radio', { name: /^30 days/ }));
  fireEvent.click(signButton());
  fireEvent.click(signButton());
  await waitFor(() => expect(grant).toHaveBeenCalled());
  expect(vi.mocked(grant).mock.calls.map(([, wanted]) => wanted)).toEqual([
    {
      grantee: DOCTOR,
      right: 'read',
      purposes: ['TREAT'],
      scopes: [1, 2].map((number) => ({ kind: 'record', record: ownRecord(number).id })),
      notAfter: new Date(2026, 4, 31, 23, 59, 59).getTime() / 1_000,
      confirm: 'page',
    },
  ]);
  await act(async () => finish(granted));
  expect((await screen.findByText('Ada Okafor can open this until May 31, 2026.')).getAttribute('role')).toBe('status');
});

test('a right to add names a category instead of records', async () => {
  show(<GrantPage />, { at: `/share?with=${DOCTOR}` });
  fireEvent.click(screen.getByRole('radio', { name: 'Let them add records for me' }));
  fireEvent.change(screen.getByLabelText(/^Category/), { target: { value: 'all' } });
  expect(await screen.findByText(/^You allow .* to add records of any category for you until/)).toBeTruthy();
  fireEvent.click(signButton());
  await waitFor(() => expect(grant).toHaveBeenCalled());
  expect(vi.mocked(grant).mock.calls[0]?.[1]).toMatchObject({ right: 'write', scopes: [{ kind: 'all' }], purposes: ['TREAT'] });
});

test('somebody for whom nobody vouches is given only the purposes that need no accreditation, and the page warns', async () => {
  show(<GrantPage />, { at: `/share?with=${STRANGER}&records=${ownRecord(1).id}` });
  expect(await screen.findByText('Nobody vouches for this address. Share only if you know whose it is.')).toBeTruthy();
  const purposes = [...screen.getByLabelText<HTMLSelectElement>('Purpose').options].map((option) => option.value);
  expect(purposes).toEqual(['PATRQT', 'FAMRQT']);
  fireEvent.click(signButton());
  await waitFor(() => expect(vi.mocked(grant).mock.calls[0]?.[1]).toMatchObject({ purposes: ['PATRQT'] }));
});

test('one cannot grant oneself anything', () => {
  show(<GrantPage />, { at: '/share' });
  fireEvent.change(screen.getByLabelText(/^Name of the doctor/), { target: { value: ME } });
  expect(screen.getByText('This is your own address.')).toBeTruthy();
  expect(screen.queryByRole('button', { name: /^Account/ })).toBeNull();
});

test('a withdrawn record is not offered', async () => {
  show(<GrantPage />, { at: `/share?with=${DOCTOR}` });
  expect(await screen.findAllByRole('checkbox')).toHaveLength(3);
});

test('what could not be granted is named beside what was', async () => {
  vi.mocked(grant).mockResolvedValue({ ...granted, leftOut: [{ record: ownRecord(2).id, version: 1, code: 'not_found' }] });
  show(<GrantPage />, { at: `/share?with=${DOCTOR}&records=${ownRecord(1).id},${ownRecord(2).id}` });
  await screen.findByText('Accredited');
  fireEvent.click(signButton());
  expect(await screen.findByText('Not everything was shared. This could not be shared:')).toBeTruthy();
  expect(screen.getByRole('link', { name: '0x0000…0002' }).getAttribute('href')).toBe(`/records/${ownRecord(2).id}`);
});

test('a refusal in the wallet is said in words, the form stays as it was, and it can be tried again', async () => {
  vi.mocked(grant).mockRejectedValueOnce(new Failure('wallet_rejected'));
  show(<GrantPage />, { at: `/share?with=${DOCTOR}&records=${ownRecord(1).id}` });
  await screen.findByText('Accredited');
  fireEvent.click(signButton());
  expect(await screen.findByText('You rejected the request in your wallet.')).toBeTruthy();
  expect(screen.getByRole<HTMLInputElement>('checkbox', { name: /0x0000…0001/ }).checked).toBe(true);
  fireEvent.click(button('Try again'));
  expect(await screen.findByText(`${ADA.name} can open this until May 8, 2026.`)).toBeTruthy();
});
