import type { Address, Hex } from 'viem';

/**
 * Every address inside the app, in one place. The addresses stand behind the `#`, so the server never learns which page a person looks at,
 * and any server of static files can deliver the app.
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
  /** The page that an invitation link opens: it lets the reader send this person a report, or ask for access. */
  invitation: (address: Address) => `/to/${address}`,
  audit: '/audit',
  accreditation: '/accreditation',
  settings: '/settings',
  /** This page can be opened while the records are locked. */
  walletAlone: '/stop',
} as const;

/** Returns the link that a person sends to a laboratory or a practice. */
export const invitationLink = (address: Address): string => `${location.origin}${location.pathname}#${paths.invitation(address)}`;
