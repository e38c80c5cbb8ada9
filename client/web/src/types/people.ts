/**
 * People and who vouches for them. Hooks: `useDirectory(filter?)`, `usePerson(address)`, `useName(address)`, `useAddressBook()`,
 * `usePractitioners()`, `useAccreditation()`.
 */
import type { Address } from 'viem';
import type { Act, Loaded } from './actions.ts';
import type { Role } from '../protocol/codes.ts';
import type { Confirmation } from './signing.ts';

/** An accredited person, as the chain knows them; texts only from a profile whose signature holds. */
export interface Person {
  readonly address: Address;
  readonly accreditor: Address;
  /** The accreditor's epoch in which it vouched. */
  readonly accreditorEpoch: number;
  readonly roles: readonly Role[];
  readonly validFrom: number;
  readonly validUntil: number;
  /** Whether the accreditation counts now. */
  readonly counts: boolean;
  readonly suspended: boolean;
  readonly hasKey: boolean;
  readonly name: string | null;
  readonly organisation: string | null;
  readonly specialty: string | null;
}

export interface DirectoryFilter {
  readonly role?: Role;
  /** Only names that begin so. */
  readonly name?: string;
}

export interface Contact {
  readonly address: Address;
  readonly name: string;
}

/** Somebody whose grants and requests one does not want. */
export interface BlockedSender {
  readonly address: Address;
  readonly since: number;
}

/** `useAddressBook()`: private names, encrypted under the seed. */
export interface AddressBook {
  readonly contacts: Loaded<readonly Contact[]>;
  readonly put: Act<Contact, void>;
  readonly remove: Act<Address, void>;
}

/** How somebody is called: the private name first, then the signed profile. */
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

/** `useAccreditation()`. */
export interface Accreditation {
  readonly accredit: Act<NewAccreditation, void>;
  readonly suspend: Act<Address, void>;
  /** Vouches once more, for the roles and the period on chain. */
  readonly reinstate: Act<Address, void>;
  readonly publishProfile: Act<NewProfile, void>;
  /** Only for the owner of the contract. */
  readonly addAccreditor: Act<Address, void>;
  readonly removeAccreditor: Act<Address, void>;
}
