import { useGrants } from '../../data/grants.ts';
import type { Address } from 'viem';
import { CATEGORIES, type Category } from '../../protocol/codes.ts';
import type { GrantItem } from '../../types/grants.ts';

/** What one patient allows me now. */
export interface Patient {
  readonly address: Address;
  readonly reads: readonly GrantItem[];
  readonly writes: readonly GrantItem[];
  /** The last second of the last permission. */
  readonly until: number;
}

/** Patients with standing permissions, the one that ends first on top. */
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

/** The categories to which a patient lets me add. */
export function writableCategories(writes: readonly GrantItem[]): readonly Category[] {
  if (writes.some((grant) => grant.scope.kind === 'all')) return CATEGORIES.all;
  return CATEGORIES.all.filter((category) => writes.some((grant) => grant.scope.kind === 'category' && grant.scope.category === category));
}

/** The categories to which a patient lets me add, as they load; `null` while unknown. */
export function useWritable(patient: Address | null): readonly Category[] | null {
  const { data } = useGrants('received');
  if (data === undefined || patient === null) return null;
  return writableCategories(patientsOf(data).find((known) => known.address === patient)?.writes ?? []);
}
