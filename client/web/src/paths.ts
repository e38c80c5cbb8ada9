import type { Address, Hex } from 'viem';
import { parseAddress } from './wallet/wallet.ts';

/**
 * Every address inside the app, said once. They stand behind the `#`: what a person looks at never reaches a server,
 * and any server of static files will do.
 */
export const paths = {
  home: '/',
  records: '/records',
  record: (id: Hex) => `/records/${id}`,
  share: '/share',
  shareRecords: (records: readonly Hex[]) => `/share?records=${records.join(',')}`,
  shareWith: (person: Address) => `/share?with=${person}`,
  requests: '/requests',
  access: '/access',
  activity: '/activity',
  patients: '/patients',
  patient: (address: Address) => `/patients/${address}`,
  patientRecord: (address: Address, id: Hex) => `/patients/${address}/records/${id}`,
  note: (address: Address) => `/patients/${address}/note`,
  ask: '/ask',
  askPatient: (address: Address) => `/ask?patient=${address}`,
  lab: '/send',
  /** What an invitation link opens: the way to send somebody a report, or to ask for access. */
  invitation: (address: Address) => `/to/${address}`,
  audit: '/audit',
  accreditation: '/accreditation',
  settings: '/settings',
  /** Also with the records locked. */
  walletAlone: '/stop',
} as const;

const ADDRESSES = /(?<![0-9a-zA-Z])0x[0-9a-fA-F]{40}(?![0-9a-zA-Z])/g;

/**
 * The address in what somebody pasted or scanned: an address, or an invitation link of any installation. One with a wrong
 * checksum (EIP-55) is none, and where two different ones stand, nobody can say which is meant.
 */
export function findAddress(text: string): Address | null {
  const found = new Set((text.match(ADDRESSES) ?? []).map(parseAddress));
  const [only] = found;
  return found.size === 1 ? (only ?? null) : null;
}

/** The link to send to a laboratory or a practice. */
export const invitationLink = (address: Address): string => `${location.origin}${location.pathname}#${paths.invitation(address)}`;
