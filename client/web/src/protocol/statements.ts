/** Signed statements that stay off chain: access requests and the public profiles of practitioners. */

import { type ContractName, type Deployment, domainOf } from './deployment.ts';
import type { Address, Hex } from './hex.ts';
import type { RequestId } from './ids.ts';
import { verifySignature } from './signature.ts';
import { messageFromJson, messageToJson, signingHash, type TypedData, type Types, typedData } from './typed-data.ts';

/**
 * A practitioner asks a patient for access. Purpose and scope are not encrypted. The reason is a note that only the patient can open, and
 * `noteHash` is the SHA-256 of its bytes. `until` is the requested end in Unix seconds.
 */
export interface AccessRequest {
  readonly requester: Address;
  readonly patient: Address;
  readonly rights: number;
  readonly kind: number;
  readonly scopeId: Hex;
  readonly purposes: number;
  readonly until: number;
  readonly noteHash: Hex;
  readonly nonce: bigint;
  readonly deadline: bigint;
}

/** A patient denies a request. */
export interface DenyRequest {
  readonly patient: Address;
  readonly request: RequestId;
  readonly deadline: bigint;
}

/**
 * The public profile of a practitioner, signed by an accreditor. It counts only in the accreditor's epoch that it names. `issued` is in
 * Unix seconds.
 */
export interface Profile {
  readonly accreditor: Address;
  readonly accreditorEpoch: number;
  readonly practitioner: Address;
  readonly name: string;
  readonly organisation: string;
  readonly specialty: string;
  readonly roles: number;
  readonly issued: bigint;
}

/** The maximum length of the name, organisation or specialty of a profile, in bytes of UTF-8. */
export const PROFILE_TEXT_BYTES_MAX = 200;

/** One kind of statement: its form for a wallet, its hash, its check, and its JSON. */
export class StatementKind<Message extends object> {
  readonly #contract: ContractName;
  readonly #name: string;
  readonly #types: Types;
  readonly #signer: (message: Message) => Address;

  constructor(contract: ContractName, name: string, types: Types, signer: (message: Message) => Address) {
    this.#contract = contract;
    this.#name = name;
    this.#types = types;
    this.#signer = signer;
  }

  /** Returns the message that the signer's wallet shows and signs. */
  typedData(message: Message, deployment: Deployment): TypedData {
    return typedData(domainOf(deployment, this.#contract), this.#types, this.#name, message);
  }

  /** Returns the hash that is signed (EIP-712). */
  signingHash(message: Message, deployment: Deployment): Hex {
    return signingHash(this.typedData(message, deployment));
  }

  /**
   * Checks an externally owned account's signature; contract accounts need ERC-1271 instead.
   *
   * @throws SignatureError
   */
  verify(message: Message, signature: Hex, deployment: Deployment): void {
    verifySignature(this.signingHash(message, deployment), this.#signer(message), signature);
  }

  /** Returns the message in the JSON of the API. */
  toJson(message: Message): Record<string, unknown> {
    return messageToJson(this.#types, this.#name, message);
  }

  /**
   * Parses the message from the JSON of the API.
   *
   * @throws InvalidMessage
   */
  fromJson(json: unknown): Message {
    return messageFromJson(this.#types, this.#name, json) as Message;
  }
}

const field = (type: string, name: string): { name: string; type: string } => ({ name, type });

export const ACCESS_REQUEST = new StatementKind<AccessRequest>(
  'grant_registry',
  'AccessRequest',
  {
    AccessRequest: [
      field('address', 'requester'),
      field('address', 'patient'),
      field('uint8', 'rights'),
      field('uint8', 'kind'),
      field('bytes32', 'scopeId'),
      field('uint16', 'purposes'),
      field('uint40', 'until'),
      field('bytes32', 'noteHash'),
      field('uint256', 'nonce'),
      field('uint256', 'deadline'),
    ],
  },
  (request) => request.requester,
);

export const DENY_REQUEST = new StatementKind<DenyRequest>(
  'grant_registry',
  'DenyRequest',
  { DenyRequest: [field('address', 'patient'), field('bytes32', 'request'), field('uint256', 'deadline')] },
  (denial) => denial.patient,
);

export const PROFILE = new StatementKind<Profile>(
  'accreditation',
  'Profile',
  {
    Profile: [
      field('address', 'accreditor'),
      field('uint32', 'accreditorEpoch'),
      field('address', 'practitioner'),
      field('string', 'name'),
      field('string', 'organisation'),
      field('string', 'specialty'),
      field('uint8', 'roles'),
      field('uint64', 'issued'),
    ],
  },
  (profile) => profile.accreditor,
);

/** Returns the id of an access request. */
export function requestId(request: AccessRequest, deployment: Deployment): RequestId {
  return ACCESS_REQUEST.signingHash(request, deployment);
}
