import { expect, test } from 'vitest';
import { newDeadline } from '../flows/act.ts';
import { DEADLINE_SECONDS, REVOCATION_SECONDS, takesAway } from './ends.ts';

const TAKING_AWAY = ['revoke', 'revoke_all', 'suspend', 'remove_accreditor', 'tombstone'] as const;
const OTHERS = [
  'add_accreditor',
  'accredit',
  'register_key',
  'register_record',
  'register_version',
  'supersede',
  'lift_tombstone',
  'retract',
  'grant',
] as const;
const chain = { now: async () => 1_000 };

test.each(TAKING_AWAY)('%s takes away and counts for 30 days', async (type) => {
  expect(takesAway(type)).toBe(true);
  expect(await newDeadline(chain, type)).toBe(BigInt(1_000 + REVOCATION_SECONDS));
});

test.each(OTHERS)('%s counts for an hour', async (type) => {
  expect(takesAway(type)).toBe(false);
  expect(await newDeadline(chain, type)).toBe(BigInt(1_000 + DEADLINE_SECONDS));
});
