/**
 * Finds the secrets that prove an uploader's right: the salt of a record that was made here, and the salt of a WRITE tag. Mirrors
 * `client/src/upload/authority.rs`.
 */
import type { Address, Hex } from 'viem';
import * as api from '../api/routes.ts';
import type { Client } from '../device/client.ts';
import { Failure } from '../failure.ts';
import { CATEGORIES, SCOPE_KINDS } from '../protocol/codes.ts';
import { scopeFromChain } from '../protocol/grants/scope.ts';
import { permits } from '../protocol/grants/terms.ts';
import { sameHex } from '../protocol/hex.ts';
import { opensTag, recordId } from '../protocol/ids.ts';

/** Returns the salt that opens the id of a record that this browser has made for a patient. */
export async function ownSalt(client: Client, id: Hex): Promise<Hex> {
  const salt = await client.shelf.get<Hex>(`salt:${id}`);
  if (salt === undefined || !sameHex(recordId(client.address, salt), id)) throw new Failure('not_allowed');
  return salt;
}

/**
 * Returns the salt that opens this person's WRITE tag for the patient. It belongs to a grant that is valid now, over the category (its
 * code) or over everything. It comes from the server and is checked against the chain.
 */
export async function findWriteSalt(client: Client, patient: Address, category: number): Promise<Hex> {
  const { chain } = client;
  const [told, now, patientEpoch] = await Promise.all([
    api.grants({ side: 'received', patient }),
    chain.now(),
    chain.patientEpoch(patient),
  ]);
  const word = CATEGORIES.fromCode(category);
  for (const grant of told) {
    const scope = scopeFromChain(SCOPE_KINDS.code(grant.kind), grant.scope_id as Hex);
    const isWide = scope?.kind === 'all' || (scope?.kind === 'category' && scope.category === word);
    const salt = grant.salt as Hex | null | undefined;
    if (!isWide || !sameHex(grant.patient as Address, patient) || salt === null || salt === undefined) continue;
    if (!opensTag(grant.tag as Hex, client.address, salt)) continue;
    const terms = await chain.terms(patient, grant.tag as Hex, SCOPE_KINDS.code(grant.kind), grant.scope_id as Hex);
    if (permits(terms, { right: 'write', purpose: null, patientEpoch, time: now })) return salt;
  }
  throw new Failure('no_grant');
}
