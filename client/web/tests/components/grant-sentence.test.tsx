// @vitest-environment jsdom
import { screen } from '@testing-library/react';
import { expect, test, vi } from 'vitest';
import { GrantSentence, ScopeName } from '../../src/components/grants/GrantSentence.tsx';
import type { GrantItem, Scope } from '../../src/types/grants.ts';
import { DOCTOR, ME, ownRecord, show, STRANGER } from './signed-in.tsx';

vi.mock('../../src/device/device.ts', async () => (await import('./signed-in.tsx')).deviceModule);
vi.mock('../../src/flows/contacts.ts', () => ({ listContacts: async () => [], putContact: vi.fn(), removeContact: vi.fn() }));
vi.mock('../../src/flows/record-names.ts', () => ({ nameOfRecord: async () => ({ fileName: 'blood.pdf' }) }));
vi.mock('../../src/flows/people.ts', async () => {
  const { ADA } = await import('./signed-in.tsx');
  return { listDirectory: vi.fn(), person: async (_: unknown, address: string) => (address === ADA.address ? ADA : null) };
});
vi.mock('../../src/flows/records.ts', async () => {
  const { ownRecord } = await import('./signed-in.tsx');
  return { listRecords: vi.fn(), showRecord: async () => ownRecord(1, { versions: [{ version: 1, size: 10 } as never] }) };
});

const grantItem = (change: Partial<GrantItem>): GrantItem => ({
  id: `0x${'01'.repeat(32)}`,
  patient: ME,
  grantee: DOCTOR,
  isMisnamed: false,
  isFromStranger: false,
  tag: `0x${'02'.repeat(32)}`,
  right: 'read',
  scope: { kind: 'record', record: ownRecord(1).id },
  purposes: ['TREAT'],
  notBefore: 0,
  notAfter: new Date(2026, 4, 3, 23, 59, 59).getTime() / 1_000,
  state: 'active',
  txHash: `0x${'03'.repeat(32)}`,
  newestVersion: 1,
  ...change,
});
const IMAGING: Scope = { kind: 'category', category: 'imaging' };

test.each<[string, Partial<GrantItem>]>([
  ['Ada Okafor can open this until May 3, 2026', {}],
  ['Ada Okafor can open your records in “X-rays and scans” until May 3, 2026', { scope: IMAGING }],
  ['Ada Okafor can open all your records until May 3, 2026', { scope: { kind: 'all' } }],
  ['Ada Okafor can add records in “X-rays and scans” until May 3, 2026', { right: 'write', scope: IMAGING }],
  ['Ada Okafor can add records until May 3, 2026', { right: 'write', scope: { kind: 'all' } }],
  ['Account 0xcccc…cccc can open this until May 3, 2026', { grantee: STRANGER }],
  ['Somebody whose name this device does not know can open this until May 3, 2026', { grantee: null }],
])('%s', async (sentence, change) => {
  show(<GrantSentence grant={grantItem(change)} />);
  expect(await screen.findByText(sentence)).toBeTruthy();
});

test('the sentence is said in the language of the screen', async () => {
  show(<GrantSentence grant={grantItem({})} />, { language: 'es' });
  expect(await screen.findByText('Ada Okafor puede abrir esto hasta el 3 de mayo de 2026')).toBeTruthy();
});

test.each<[string, Scope]>([
  ['All categories', { kind: 'all' }],
  ['X-rays and scans', IMAGING],
  ['blood.pdf', { kind: 'record', record: ownRecord(1).id }],
])('a scope is called %s', async (name, scope) => {
  show(<ScopeName grant={{ scope }} />);
  expect(await screen.findByText(name)).toBeTruthy();
});
