/**
 * Renders components for a signed-in patient. Hooks, texts and elements are the app's own; a test replaces only modules under `flows/`
 * (server, chain, wallet).
 *
 * A test file begins with `vi.mock('../../src/device/device.ts', async () => (await import('./signed-in.tsx')).deviceModule)`.
 */
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { cleanup, render, type RenderResult } from '@testing-library/react';
import type { ReactNode } from 'react';
import { MemoryRouter } from 'react-router';
import type { Address, Hex } from 'viem';
import { afterEach, vi } from 'vitest';
import { I18nProvider } from '../../src/i18n/I18n.tsx';
import type { Language } from '../../src/i18n/language.ts';
import type { Person } from '../../src/types/people.ts';
import type { RecordItem } from '../../src/types/records.ts';
import type { Me } from '../../src/types/session.ts';
import { LiveRegion } from '../../src/ui/Live.tsx';

export const ME: Address = `0x${'aa'.repeat(20)}`;
export const DOCTOR: Address = `0x${'bb'.repeat(20)}`;
export const STRANGER: Address = `0x${'cc'.repeat(20)}`;

const me: Me = {
  address: ME,
  roles: [],
  accreditor: false,
  owner: false,
  keyEpoch: 1,
  isKeyReplaced: false,
  storedBytes: 0,
  quotaBytes: 1 << 30,
  sessionExpiresAt: 2_000_000_000,
};
const state = { isSearching: false, info: null, wallet: { address: ME }, chainId: 31_337, session: { state: 'ready', me } } as const;
const client = { address: ME };

/** Replaces `device/device.ts`: a device whose keys are unlocked, and whose client has only an address. */
export const deviceModule = {
  device: {
    snapshot: () => state,
    watch: () => () => undefined,
    work: new AbortController().signal,
    ready: async () => client,
    client: async () => client,
    withWallet: async () => client,
  },
};

/** An accredited doctor, as the directory lists them. */
export const ADA: Person = {
  address: DOCTOR,
  accreditor: STRANGER,
  accreditorEpoch: 1,
  roles: ['doctor'],
  validFrom: 0,
  validUntil: 2_000_000_000,
  counts: true,
  suspended: false,
  hasKey: true,
  name: 'Ada Okafor',
  organisation: 'City Hospital',
  specialty: null,
};

/** Returns an own record. Each `number` gives another record. */
export const ownRecord = (number: number, change: Partial<RecordItem> = {}): RecordItem => ({
  id: `0x${String(number).padStart(64, '0')}` as Hex,
  patient: ME,
  uploader: ME,
  category: 'laboratory',
  status: 'active',
  liftableUntil: null,
  created: 1_790_000_000 + number,
  versions: [],
  contradicted: [],
  isMine: true,
  isUploader: true,
  ...change,
});

/** Renders an element inside the providers that surround every page. `at` is the address inside the app. */
export function show(element: ReactNode, { at = '/', language = 'en' as Language } = {}): RenderResult {
  localStorage.setItem('medlock.language', language);
  const queries = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  return render(
    <QueryClientProvider client={queries}>
      <I18nProvider>
        <LiveRegion>
          <MemoryRouter initialEntries={[at]}>{element}</MemoryRouter>
        </LiveRegion>
      </I18nProvider>
    </QueryClientProvider>,
  );
}

// jsdom does not scroll.
vi.stubGlobal('scrollTo', () => undefined);
afterEach(cleanup);
