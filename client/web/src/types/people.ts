/**
 * Types for people and for accreditation. Hooks: `useDirectory(filter?)`, `usePerson(address)`, `useName(address)`, `useAddressBook()`,
 * `usePractitioners()`, `useAccreditation()`.
 */
import type { Address } from 'viem';
import type { Act, Loaded } from './actions.ts';
import type { Role } from '../protocol/codes.ts';
import type { Confirmation } from './signing.ts';

/** An accredited person, as the chain describes them. Names and other texts come only from a profile whose signature is valid. */
export interface Person {
  readonly address: Address;
  readonly accreditor: Address;
  /** The accreditor's epoch at the time of the accreditation. */
  readonly accreditorEpoch: number;
  readonly roles: readonly Role[];
  readonly validFrom: number;
  readonly validUntil: number;
  /** True if the accreditation counts now. */
  readonly counts: boolean;
  readonly suspended: boolean;
  readonly hasKey: boolean;
  readonly name: string | null;
  readonly organisation: string | null;
  readonly specialty: string | null;
}

export interface DirectoryFilter {
  readonly role?: Role;
  /** Only names that begin with this text. */
  readonly name?: string;
}

export interface Contact {
  readonly address: Address;
  readonly name: string;
}

/** A person whose grants and requests the signed-in person does not want. */
export interface BlockedSender {
  readonly address: Address;
  readonly since: number;
}

/** The value that `useAddressBook()` returns: private names, encrypted under the seed. */
export interface AddressBook {
  readonly contacts: Loaded<readonly Contact[]>;
  readonly put: Act<Contact, void>;
  readonly remove: Act<Address, void>;
}

/** The name to show for a person: the private name if there is one, else that of the signed profile. */
export interface Name {
  readonly text: string | null;
  readonly from: 'address_book' | 'profile' | 'self' | null;
}

export interface NewAccreditation {
  readonly practitioner: Address;
  readonly roles: readonly Role[];
  readonly validFrom: number;
  readonly validUntil: number;
  readonly confirm?: Confirmation;
}

export interface NewProfile {
  readonly practitioner: Address;
  readonly name: string;
  readonly organisation: string;
  readonly specialty: string;
  readonly confirm?: Confirmation;
}

/** The value that `useAccreditation()` returns. */
export interface Accreditation {
  readonly accredit: Act<NewAccreditation, void>;
  readonly suspend: Act<Address, void>;
  /** Accredits a person again, for the roles and the period that are on the chain. */
  readonly reinstate: Act<Address, void>;
  readonly publishProfile: Act<NewProfile, void>;
  /** Only the owner of the contract may call it. */
  readonly addAccreditor: Act<Address, void>;
  readonly removeAccreditor: Act<Address, void>;
}
