/**
 * Tests revoking of valid grants, of grants on their way, and of grants that are not known here; with the keys, and with the wallet alone.
 */
import 'fake-indexeddb/auto';
import { beforeEach, expect, test, vi } from 'vitest';
import type { Hex } from 'viem';
import type { Chain } from '../chain/chain.ts';
import type { ChainGrant } from '../chain/events.ts';
import { termsOf } from '../protocol/grants/terms.ts';
import type { NewGrants } from '../types/grants.ts';
import type { WalletClient } from '../device/client.ts';
import { Errand } from '../device/errand.ts';
import { Shelf } from '../device/shelf.ts';
import { Failure, type FailureCode } from '../failure.ts';
import { grantId } from '../protocol/ids.ts';
import { tagAndSalt } from '../protocol/identity.ts';
import type { Keys } from '../device/keys.ts';
import { DEPLOYMENT, GRANTEE, GRANT_REGISTRY, PATIENT, RECORD, repeated, seedOf } from '../../tests/protocol/people.ts';
import { revoke, revokeEveryone } from './revoke.ts';
import { noteSentGrant, sentGrants } from './sent-grants.ts';

const NOW = 1_795_000_000;
const tagOf = (right: 'read' | 'write'): Hex => tagAndSalt(seedOf(1), DEPLOYMENT.chainId, GRANT_REGISTRY, GRANTEE, right).tag;
const OTHER = repeated(0x77);

let standing: ChainGrant[] = [];
let used = new Set<bigint>();
let epochs = new Map<string, number>();
let patientEpoch = 0;
const signed: { type: string; message: { grants?: readonly { tag: Hex; kind: number; id: Hex }[]; deadline: bigint } }[] = [];

vi.mock('../chain/events.ts', () => ({ grantsOf: async () => standing, accessLog: async () => ({ accesses: [], anchors: [] }) }));
/** The server's answers to the messages, in order; `null` where it accepts one. */
let refusals: (FailureCode | null)[] = [];
vi.mock('../api/routes.ts', () => ({
  revoke: async () => {
    const code = refusals.shift() ?? null;
    if (code !== null) throw new Failure(code);
    return null;
  },
}));
vi.mock('./act.ts', async (original) => ({
  ...(await original<typeof import('./act.ts')>()),
  signAction: async (_: unknown, action: (typeof signed)[number]) => {
    signed.push(action);
    return { action, signature: '0x' };
  },
  toBody: () => ({}),
  settle: async () => ({ txHash: null }),
}));

const chain = {
  deployment: DEPLOYMENT,
  addressOf: () => GRANT_REGISTRY,
  verifyDeployment: async () => undefined,
  now: async () => NOW,
  patientEpoch: async () => patientEpoch,
  isNonceUsed: async (_: unknown, __: unknown, nonce: bigint) => used.has(nonce),
  terms: async (_: unknown, tag: Hex, kind: number, id: Hex) => ({ ...termsOf(0n), epoch: epochs.get(`${tag}:${kind}:${id}`) ?? 0 }),
} as unknown as Chain;
const keys = {
  tag: (_: unknown, grantee: Hex, right: 'read' | 'write') => tagAndSalt(seedOf(1), DEPLOYMENT.chainId, GRANT_REGISTRY, grantee, right),
} as unknown as Keys;

let people = 0;
let locked: WalletClient;
let open: WalletClient;
beforeEach(() => {
  [standing, used, epochs, patientEpoch, refusals] = [[], new Set(), new Map(), 0, []];
  signed.length = 0;
  people += 1;
  locked = {
    address: PATIENT,
    chain,
    keys: null,
    shelf: new Shelf({ ...DEPLOYMENT, chainId: people }, PATIENT),
  } as unknown as WalletClient;
  open = { ...locked, keys };
});

const standingGrant = (tag: Hex): ChainGrant =>
  ({
    tag,
    kind: 0,
    scopeId: RECORD,
    terms: { ...termsOf(0n), rights: 1 },
    bundleHash: OTHER,
    patientEpoch: 0,
    txHash: OTHER,
  }) as ChainGrant;
const wanted: NewGrants = {
  grantee: GRANTEE,
  right: 'read',
  scopes: [{ kind: 'record', record: RECORD }],
  purposes: ['TREAT'],
  notAfter: NOW + 1000,
};
const sign = (nonce: bigint, deadline = NOW + 3600) =>
  noteSentGrant(
    locked,
    {
      tag: tagOf('read'),
      scopes: [{ kind: 0, id: RECORD, epoch: 0, bundleHash: OTHER }],
      patientEpoch: 0,
      nonce,
      deadline: BigInt(deadline),
    } as never,
    wanted,
  );
const named = () => signed.flatMap(({ message }) => message.grants ?? []);

test('with the wallet alone: what stands ends by its number', async () => {
  standing = [standingGrant(OTHER), standingGrant(repeated(0x78))];
  await revoke(locked, { kind: 'grants', grants: [grantId(PATIENT, OTHER, 'record', RECORD)] }, new Errand());
  expect(named()).toEqual([{ tag: OTHER, kind: 0, id: RECORD }]);
  // A Revoke is valid for thirty days.
  expect(signed[0]?.message.deadline).toBe(BigInt(NOW + 30 * 86_400));
});

test('with the wallet alone: what was signed here and is on its way ends before it begins', async () => {
  await sign(7n);
  const [sent] = await sentGrants(locked);
  expect(sent).toMatchObject({ grantee: GRANTEE, deadline: NOW + 3600 });
  await revoke(locked, { kind: 'grants', grants: sent?.grants ?? [] }, new Errand());
  expect(named()).toEqual([{ tag: tagOf('read'), kind: 0, id: RECORD }]);
});

test('a person is named by the seed only, and over one scope also what nobody has seen', async () => {
  await expect(revoke(locked, { kind: 'person', grantee: GRANTEE, scope: { kind: 'all' } }, new Errand())).rejects.toMatchObject({
    code: 'locked',
  });
  await revoke(open, { kind: 'person', grantee: GRANTEE, scope: { kind: 'record', record: RECORD } }, new Errand());
  await revoke(open, { kind: 'person', grantee: GRANTEE, scope: { kind: 'category', category: 'imaging' } }, new Errand());
  expect(named()).toEqual([
    { tag: tagOf('read'), kind: 0, id: RECORD },
    { tag: tagOf('write'), kind: 1, id: `0x${'2'.padStart(64, '0')}` },
  ]);
});

test('all of one person: what stands and what is on its way, each once', async () => {
  standing = [standingGrant(tagOf('read')), standingGrant(OTHER)];
  await sign(7n);
  await revoke(open, { kind: 'person', grantee: GRANTEE }, new Errand());
  expect(named()).toEqual([{ tag: tagOf('read'), kind: 0, id: RECORD }]);
});

/** More permissions than one message can name. */
const many = (count: number): Hex[] => {
  const tags = Array.from({ length: count }, (_, index) => `0x${(index + 1).toString(16).padStart(64, '0')}` as Hex);
  standing = tags.map(standingGrant);
  return tags.map((tag) => grantId(PATIENT, tag, 'record', RECORD));
};

test.each<[string, FailureCode]>([
  ['of its own', 'would_revert'],
  ['that is busy', 'rate_limited'],
  ['that has not seen it mined in time', 'still_pending'],
])('a message that the server refuses does not keep the next ones from being sent: %s', async (_, code) => {
  const grants = many(130);
  refusals = [null, code];
  const revoked = await revoke(locked, { kind: 'grants', grants }, new Errand());
  expect(signed.map(({ message }) => message.grants?.length)).toEqual([64, 64, 2]);
  expect(revoked).toMatchObject({ ended: 66, notEnded: [{ grants: 64, code }] });
});

test('where the session has ended, what was ended is told, and nobody is asked for further signatures', async () => {
  const grants = many(130);
  refusals = [null, 'not_signed_in'];
  const revoked = await revoke(locked, { kind: 'grants', grants }, new Errand());
  expect(signed).toHaveLength(2);
  expect(revoked).toMatchObject({ ended: 64, notEnded: [{ grants: 66, code: 'not_signed_in' }] });
});

test('if no message was taken, it has failed', async () => {
  const grants = many(65);
  refusals = ['unavailable', 'would_revert'];
  await expect(revoke(locked, { kind: 'grants', grants }, new Errand())).rejects.toMatchObject({ code: 'unavailable' });
  expect(signed).toHaveLength(2);
});

test('nothing that stands or is on its way is nothing to sign', async () => {
  await expect(revoke(open, { kind: 'person', grantee: GRANTEE }, new Errand())).rejects.toMatchObject({ code: 'not_found' });
  expect(signed).toEqual([]);
});

test.each<[string, () => void]>([
  ['it was mined, or given up', () => void used.add(7n)],
  ['a Revoke raised the epoch', () => void epochs.set(`${tagOf('read')}:0:${RECORD}`, 1)],
  [
    'everything was revoked',
    () => {
      patientEpoch = 1;
    },
  ],
])('what can no longer land is forgotten: %s', async (_, happen) => {
  await sign(7n);
  expect(await sentGrants(locked)).toHaveLength(1);
  happen();
  expect(await sentGrants(locked)).toEqual([]);
  expect(await locked.shelf.all('sent-grant:')).toEqual([]);
});

test('what is past its deadline is forgotten', async () => {
  await sign(7n, NOW);
  expect(await sentGrants(locked)).toEqual([]);
});

test('everybody at once needs no list', async () => {
  await revokeEveryone(locked, new Errand());
  expect(signed).toMatchObject([{ type: 'revoke_all' }]);
});
