import { useGrants } from '../../data/grants.ts';
import type { Address } from 'viem';
import { CATEGORIES, type Category } from '../../protocol/codes.ts';
import type { GrantItem } from '../../types/grants.ts';

/** The current permissions that one patient gave to the signed-in person. */
export interface Patient {
  readonly address: Address;
  readonly reads: readonly GrantItem[];
  readonly writes: readonly GrantItem[];
  /** The last second of the permission that ends last. */
  readonly until: number;
}

/** Returns the patients who gave current permissions. The one whose permissions end first comes first. */
export function patientsOf(grants: readonly GrantItem[]): readonly Patient[] {
  const active = grants.filter((grant) => grant.state === 'active');
  const addresses = [...new Set(active.map((grant) => grant.patient))];
  return addresses
    .map((address) => {
      const own = active.filter((grant) => grant.patient === address);
      return {
        address,
        reads: own.filter((grant) => grant.right === 'read'),
        writes: own.filter((grant) => grant.right === 'write'),
        until: Math.max(...own.map((grant) => grant.notAfter)),
      };
    })
    .sort((a, b) => a.until - b.until);
}

/** Returns the categories to which the signed-in person may add records of a patient. */
export function writableCategories(writes: readonly GrantItem[]): readonly Category[] {
  if (writes.some((grant) => grant.scope.kind === 'all')) return CATEGORIES.all;
  return CATEGORIES.all.filter((category) => writes.some((grant) => grant.scope.kind === 'category' && grant.scope.category === category));
}

/** Loads the categories to which the signed-in person may add records of a patient; `null` while they are unknown. */
export function useWritable(patient: Address | null): readonly Category[] | null {
  const { data } = useGrants('received');
  if (data === undefined || patient === null) return null;
  return writableCategories(patientsOf(data).find((known) => known.address === patient)?.writes ?? []);
}
