/** One message of every kind. The values are chosen so that a field in the wrong place changes the result. */

import type { Action } from '../../src/protocol/messages.ts';
import type { AccessRequest, DenyRequest, Profile } from '../../src/protocol/statements.ts';
import { GRANTEE, OPERATOR, PATIENT, PATIENT_KEY, RECORD, repeated } from './people.ts';

const nonce = 2n ** 255n;
const deadline = 1_795_000_256n;

export const ACTIONS: readonly Action[] = [
  { type: 'add_accreditor', message: { owner: PATIENT, accreditor: GRANTEE, epoch: 7, nonce, deadline } },
  { type: 'remove_accreditor', message: { owner: PATIENT, accreditor: GRANTEE, nonce, deadline } },
  {
    type: 'accredit',
    message: {
      accreditor: PATIENT,
      practitioner: GRANTEE,
      roles: 5,
      validFrom: 1_795_000_000,
      validUntil: 2 ** 40 - 1,
      epoch: 2,
      accreditorEpoch: 2 ** 32 - 1,
      nonce,
      deadline,
    },
  },
  { type: 'suspend', message: { accreditor: PATIENT, practitioner: GRANTEE, nonce, deadline } },
  {
    type: 'register_key',
    message: { owner: PATIENT, slot: 0, epoch: 1, kem: 0x647a, key: PATIENT_KEY.publicKey.hex, nonce, deadline },
  },
  {
    type: 'register_record',
    message: {
      uploader: PATIENT,
      patient: GRANTEE,
      salt: repeated(0x01),
      category: 14,
      codec: 0x70,
      digest: repeated(0x02),
      writeSalt: repeated(0x03),
      nonce,
      deadline,
    },
  },
  {
    type: 'register_version',
    message: {
      uploader: PATIENT,
      record: RECORD,
      version: 65_535,
      codec: 0x55,
      digest: repeated(0x02),
      salt: repeated(0x01),
      writeSalt: repeated(0x03),
      nonce,
      deadline,
    },
  },
  { type: 'supersede', message: { patient: PATIENT, record: RECORD, version: 65_535, nonce, deadline } },
  { type: 'tombstone', message: { patient: PATIENT, record: RECORD, epoch: 2 ** 32 - 2, nonce, deadline } },
  { type: 'lift_tombstone', message: { patient: PATIENT, record: RECORD, epoch: 2 ** 32 - 1, nonce, deadline } },
  {
    type: 'retract',
    message: {
      uploader: PATIENT,
      record: RECORD,
      version: 2,
      salt: repeated(0x01),
      writeSalt: repeated(0x03),
      nonce,
      deadline,
    },
  },
  {
    type: 'grant',
    message: {
      patient: PATIENT,
      tag: repeated(0xaa),
      rights: 1,
      purposes: 1,
      notBefore: 0,
      notAfter: 1_795_007_424,
      patientEpoch: 3,
      scopes: [{ kind: 0, id: RECORD, epoch: 4, bundleHash: repeated(0xbb) }],
      nonce,
      deadline: 1_795_007_424n,
    },
  },
  {
    type: 'revoke',
    message: {
      patient: PATIENT,
      grants: [
        { tag: repeated(0xaa), kind: 0, id: RECORD },
        { tag: repeated(0xab), kind: 2, id: repeated(0) },
      ],
      nonce,
      deadline,
    },
  },
  { type: 'revoke_all', message: { patient: PATIENT, nonce, deadline } },
];

export const REQUEST: AccessRequest = {
  requester: GRANTEE,
  patient: PATIENT,
  rights: 1,
  kind: 0,
  scopeId: RECORD,
  purposes: 1,
  until: 1_795_600_000,
  noteHash: repeated(0x0e),
  nonce,
  deadline,
};

export const DENIAL: DenyRequest = { patient: PATIENT, request: repeated(0x0d), deadline };

export const PROFILE_MESSAGE: Profile = {
  accreditor: OPERATOR,
  accreditorEpoch: 3,
  practitioner: GRANTEE,
  name: 'Dr. Ada Lovelace',
  organisation: 'Klinik am See',
  specialty: 'कार्डियोलॉजी',
  roles: 1,
  issued: 1_795_000_000n,
};
