/** Tests how the owner's client judges one log entry: an honest one, a false one, a late one, and one without permission. */
import 'fake-indexeddb/auto';
import { p256 } from '@noble/curves/nist.js';
import { beforeEach, expect, test, vi } from 'vitest';
import { privateKeyToAccount } from 'viem/accounts';
import type { Address, Hex } from 'viem';
import { Chain } from '../chain/chain.ts';
import type { AnchoredAccess } from '../chain/events.ts';
import type { ActivityItem } from '../types/log.ts';
import { Shelf } from '../device/shelf.ts';
import { PURPOSES } from '../protocol/codes.ts';
import { toHex } from '../protocol/hex.ts';
import { tagAndSalt } from '../protocol/identity.ts';
import { hashOfLeaf, readRequestBytes, readRequestToJson, type Leaf } from '../protocol/reads.ts';
import { loginHash, loginText, rfc3339 } from '../protocol/session.ts';
import type { Keys } from '../device/keys.ts';
import { DEPLOYMENT, GRANT_REGISTRY, OPERATOR, PATIENT, RECORD, repeated, seedOf } from '../../tests/protocol/people.ts';
import { EntryJudge } from './log-entry.ts';

const reader = privateKeyToAccount(repeated(0x33));
const READER = reader.address.toLowerCase() as Address;
const NOW = 1_795_000_500;
const TIME = 1_795_000_001;
const { tag: TAG, salt: SALT } = tagAndSalt(seedOf(1), DEPLOYMENT.chainId, GRANT_REGISTRY, READER, 'read');
const keys = {
  tag: (_: unknown, grantee: Address, right: 'read' | 'write') => tagAndSalt(seedOf(1), DEPLOYMENT.chainId, GRANT_REGISTRY, grantee, right),
} as unknown as Keys;

let permitted = true;
vi.mock('../chain/permission.ts', () => ({
  Permissions: class {
    stood = async (): Promise<boolean> => permitted;
  },
}));
let shown: unknown = null;
let asked = 0;
vi.mock('../api/routes.ts', async () => {
  const { Failure } = await import('../failure.ts');
  return {
    evidence: async () => {
      asked += 1;
      if (shown === null) throw new Failure('not_found');
      return { leaf: shown };
    },
  };
});

let blockTime = TIME + 5;
let leafBlock: number | null = 7;
const chain = new Chain(async (method, params) => {
  if (method === 'eth_getBlockByHash') return leafBlock === null ? null : { number: `0x${leafBlock.toString(16)}` };
  if (method === 'eth_getBlockByNumber')
    return { hash: repeated(1), number: params[0] === 'latest' ? '0x9' : params[0], timestamp: `0x${blockTime.toString(16)}` };
  if (method === 'eth_getCode') return '0x';
  throw new Error(method);
}, DEPLOYMENT);

/** Evidence of an honest operator, with the given changes. */
async function evidence(change: Partial<Leaf> = {}, salt: Hex = SALT): Promise<{ leaf: Leaf; json: Record<string, unknown>; hash: Hex }> {
  const scalar = new Uint8Array(32).fill(0x70);
  const text = loginText({
    domain: 'medlock.example',
    address: READER,
    uri: 'https://medlock.example',
    nonce: 'a1B2c3D4e5F6g7H8',
    chainId: DEPLOYMENT.chainId,
    issuedAt: rfc3339(TIME - 100),
    expirationTime: rfc3339(TIME + 9000),
    sessionKey: p256.getPublicKey(scalar, false) as Uint8Array<ArrayBuffer>,
  });
  const request = {
    loginHash: loginHash(text),
    record: RECORD,
    version: 1,
    purpose: 'TREAT',
    grantee: READER,
    salt,
    nonce: repeated(0x4e),
    deadline: TIME + 50,
  } as const;
  const leaf: Leaf = {
    request,
    signature: toHex(p256.sign(readRequestBytes(request, DEPLOYMENT), scalar, { format: 'compact' })),
    loginMessage: text,
    loginSignature: await reader.signMessage({ message: text }),
    blockHash: repeated(0xb1),
    time: TIME,
    anchorBy: TIME + 30,
    blinding: repeated(0xb2),
    ...change,
  };
  const json = {
    request: readRequestToJson(leaf.request),
    signature: leaf.signature,
    login_message: leaf.loginMessage,
    login_signature: leaf.loginSignature,
    block_hash: leaf.blockHash,
    time: leaf.time,
    anchor_by: leaf.anchorBy,
    blinding: leaf.blinding,
  };
  return { leaf, json, hash: hashOfLeaf(leaf, DEPLOYMENT) };
}

const entryOf = (leaf: Hex, change: Partial<ActivityItem> = {}): ActivityItem => ({
  leaf,
  index: 0,
  isAnchored: true,
  isHidden: false,
  problems: null,
  record: RECORD,
  version: 1,
  tag: TAG,
  purpose: 'TREAT',
  reader: READER,
  time: TIME,
  blockNumber: 8,
  txHash: null,
  ...change,
});
const accessOf = (leaf: Hex): AnchoredAccess => ({
  record: RECORD,
  tag: TAG,
  purposes: PURPOSES.bit('TREAT'),
  leaf,
  blockNumber: 8,
  txHash: repeated(2),
});

let browsers = 0;
const judgeOf = () =>
  new EntryJudge({
    chain,
    address: PATIENT,
    keys,
    own: new Set([RECORD]),
    shelf: new Shelf({ ...DEPLOYMENT, chainId: browsers }, PATIENT),
  });
beforeEach(() => {
  [permitted, shown, blockTime, leafBlock, asked] = [true, null, TIME + 5, 7, 0];
  browsers += 1;
});

test('an honest entry has no problem, and is not asked for again while it is told the same', async () => {
  const { json, hash } = await evidence();
  shown = json;
  const judge = judgeOf();
  expect(await judge.judge(entryOf(hash), accessOf(hash), NOW)).toEqual({ problems: [], isEvidenceGood: true });
  expect(await judge.judge(entryOf(hash), accessOf(hash), NOW)).toEqual({ problems: [], isEvidenceGood: true });
  expect(asked).toBe(1);
  // If the server names another reader for the same leaf, the entry is judged again.
  expect((await judge.judge(entryOf(hash, { reader: OPERATOR }), accessOf(hash), NOW)).problems).toContain('wrong_reader');
  expect(asked).toBe(2);
});

test.each<[string, () => Promise<{ entry?: Partial<ActivityItem>; leaf?: Partial<Leaf>; salt?: Hex; isOpen?: boolean }>, string[]]>([
  ['no reader', async () => ({ entry: { reader: null } }), ['withheld_evidence']],
  ['a reader whose tag it is not', async () => ({ entry: { reader: OPERATOR } }), ['wrong_reader', 'evidence']],
  ['evidence under a salt that is not the seed’s', async () => ({ salt: repeated(0x5a) }), ['evidence']],
  ['another record than the chain has', async () => ({ entry: { purpose: 'HRESCH' } }), ['evidence']],
  ['a promise that is too late for the protocol', async () => ({ leaf: { anchorBy: TIME + 301 } }), ['evidence']],
  [
    'a permission that did not stand',
    async () => {
      permitted = false;
      return {};
    },
    ['no_grant'],
  ],
  [
    'a block after its promise',
    async () => {
      blockTime = TIME + 31;
      return {};
    },
    ['late_anchor'],
  ],
  [
    'a block of evidence after the anchor',
    async () => {
      leafBlock = 9;
      return {};
    },
    ['evidence'],
  ],
  ['a promise that has passed without an entry', async () => ({ isOpen: true }), ['unanchored_entry']],
])('an entry with %s', async (_, lie, problems) => {
  const { entry = {}, leaf = {}, salt, isOpen = false } = await lie();
  const { json, hash } = await evidence(leaf, salt);
  shown = json;
  expect((await judgeOf().judge(entryOf(hash, entry), isOpen ? undefined : accessOf(hash), NOW)).problems).toEqual(problems);
});

test('evidence that is not shown, is no evidence, or is of another leaf', async () => {
  const { json, hash } = await evidence();
  expect((await judgeOf().judge(entryOf(hash), accessOf(hash), NOW)).problems).toEqual(['withheld_evidence']);
  for (const broken of [
    {},
    { ...json, request: null },
    { ...json, blinding: '0x12' },
    { ...json, blinding: repeated(9) },
    { ...json, login_signature: `0x${'11'.repeat(65)}` },
  ]) {
    shown = broken;
    expect((await judgeOf().judge(entryOf(hash), accessOf(hash), NOW)).problems).toEqual(['evidence']);
  }
});

test('a leaf whose block a reorganisation has taken is judged by its time', async () => {
  leafBlock = null;
  const { json, hash } = await evidence();
  shown = json;
  expect((await judgeOf().judge(entryOf(hash), accessOf(hash), NOW)).problems).toEqual([]);
});
