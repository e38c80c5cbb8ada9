import type { Address, Hex } from 'viem';

/**
 * Every address inside the app, said once. They stand behind the `#`: what a person looks at never reaches a server,
 * and any server of static files will do.
 */
export const paths = {
  home: '/',
  records: '/records',
  record: (id: Hex) => `/records/${id}`,
  grant: '/share',
  grantRecords: (records: readonly Hex[]) => `/share?records=${records.join(',')}`,
  grantTo: (person: Address) => `/share?with=${person}`,
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

/** The link to send to a laboratory or a practice. */
export const invitationLink = (address: Address): string => `${location.origin}${location.pathname}#${paths.invitation(address)}`;
