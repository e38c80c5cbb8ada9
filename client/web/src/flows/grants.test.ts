import { expect, test } from 'vitest';
import type { NewGrants } from '../types/grants.ts';
import { checkGrants } from './grants.ts';

const owner = `0x${'11'.repeat(20)}` as const;
const record = `0x${'01'.repeat(32)}` as const;
const good: NewGrants = {
  grantee: `0x${'22'.repeat(20)}`,
  right: 'read',
  scopes: [{ kind: 'record', record }],
  purposes: ['TREAT'],
  notAfter: 2_000,
};

test('a grant that makes sense is not refused', () => {
  expect(() => checkGrants(good, owner, 1_000)).not.toThrow();
  expect(() => checkGrants({ ...good, right: 'write', scopes: [{ kind: 'all' }] }, owner, 1_000)).not.toThrow();
});

test.each<[string, Partial<NewGrants>, string]>([
  ['nothing', { scopes: [] }, 'scopes'],
  ['everything to read', { scopes: [{ kind: 'all' }] }, 'scopes'],
  ['a record to write', { right: 'write' }, 'scopes'],
  ['the same twice', { scopes: [...good.scopes, ...good.scopes] }, 'scopes'],
  ['no purpose', { purposes: [] }, 'purposes'],
  ['a time that is over', { notAfter: 1_000 }, 'until'],
  ['an end before its beginning', { notBefore: 3_000 }, 'until'],
  ['an end in more than twenty years', { notAfter: 1_001 + 20 * 366 * 86_400 }, 'until'],
  ['oneself', { grantee: owner }, 'grantee'],
])('%s is refused before anything is signed', (_, change, field) => {
  expect(() => checkGrants({ ...good, ...change }, owner, 1_000)).toThrow(
    expect.objectContaining({ code: 'invalid_form', values: { field } }),
  );
});
