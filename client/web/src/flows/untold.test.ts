/** Tests a server that leaves out grants and reads, or describes them differently from the chain. */
import { encodeAbiParameters, encodeEventTopics, numberToHex, type Abi, type AbiEvent, type Hex } from 'viem';
import { beforeEach, expect, test, vi } from 'vitest';
import { accessLogAbi, grantRegistryAbi, recordRegistryAbi } from '../chain/abi.ts';
import { Chain } from '../chain/chain.ts';
import type { ReadyClient } from '../device/client.ts';
import { PURPOSES } from '../protocol/codes.ts';
import { DEPLOYMENT, OPERATOR, PATIENT, RECORD, repeated } from '../../tests/protocol/people.ts';
import { listActivity, proofOfRead } from './audit.ts';
import { listGiven } from './grants.ts';

const TAG = repeated(0x0a);
const [LEAF, OTHER_LEAF] = [repeated(0x0b), repeated(0x0c)];
const NOW = 1_795_000_000;

/** One event as a node returns it. */
function log(contract: keyof typeof DEPLOYMENT.contracts, abi: Abi, eventName: string, args: Record<string, unknown>) {
  const event = abi.find((item): item is AbiEvent => item.type === 'event' && item.name === eventName);
  const data = event?.inputs.filter((input) => input.indexed !== true) ?? [];
  return {
    address: DEPLOYMENT.contracts[contract].address,
    topics: encodeEventTopics({ abi, eventName, args } as Parameters<typeof encodeEventTopics>[0]) as Hex[],
    data: encodeAbiParameters(
      data,
      data.map((input) => args[input.name ?? '']),
    ),
    blockNumber: '0x1',
    transactionHash: repeated(0x0d),
  };
}

const accessed = (leaf: Hex) =>
  log('access_log', accessLogAbi as Abi, 'Accessed', {
    operator: OPERATOR,
    record: RECORD,
    tag: TAG,
    purposes: PURPOSES.bit('TREAT'),
    leaf,
  });
const registered = log('record_registry', recordRegistryAbi as Abi, 'RecordRegistered', {
  id: RECORD,
  patient: PATIENT,
  category: 1,
  uploader: PATIENT,
  version: 1,
  codec: 0x55,
  digest: repeated(0x0e),
});
/** READ for treatment, epoch 1, patient epoch 0, over a record. */
const terms = BigInt(NOW - 100) | (BigInt(NOW + 1000) << 40n) | (1n << 80n) | (BigInt(PURPOSES.bit('TREAT')) << 144n) | (1n << 160n);
const granted = log('grant_registry', grantRegistryAbi as Abi, 'Granted', {
  patient: PATIENT,
  tag: TAG,
  scopeId: RECORD,
  terms,
  bundleHash: repeated(0x0f),
});

/** A chain with these events. Every call returns the terms of the one grant, or zero. */
class SmallChain extends Chain {
  constructor(events: readonly ReturnType<typeof log>[]) {
    super(async (method, params) => {
      if (method === 'eth_getBlockByNumber') return { hash: repeated(1), number: '0x2', timestamp: numberToHex(NOW) };
      if (method === 'eth_getLogs') {
        const { address, topics } = params[0] as { address: string; topics: (Hex | Hex[] | null)[] };
        const isWanted = (found: readonly Hex[]): boolean =>
          topics.every((one, at) => one === null || [one].flat().includes(found[at] as Hex));
        return events.filter((event) => event.address === address && isWanted(event.topics));
      }
      const [{ data }] = params as [{ data: string }];
      // Only `termsOf` has four arguments.
      return numberToHex(data.length === 10 + 4 * 64 ? terms : 0n, { size: 32 });
    }, DEPLOYMENT);
  }

  override async verifyDeployment(): Promise<void> {}
  override async blockTime(): Promise<number> {
    return NOW - 1000;
  }
  override async now(): Promise<number> {
    return NOW;
  }
}
const clientOf = (...events: ReturnType<typeof log>[]): ReadyClient =>
  ({ address: PATIENT, chain: new SmallChain(events) }) as unknown as ReadyClient;

let told: unknown[] = [];
const entry = { leaf: LEAF, index: 0, record: RECORD, version: 1, tag: TAG, purpose: 'TREAT', reader: null, time: NOW - 1000 };
beforeEach(() => {
  told = [];
  vi.stubGlobal('fetch', async (url: string): Promise<Response> => {
    if (url.includes('/leaves/')) return Response.json({ code: 'not_found' }, { status: 404 });
    return Response.json({ items: url.includes('/v1/log') ? told : [] });
  });
});

test('a grant that the server leaves out is listed from the chain', async () => {
  const {
    items: [only, ...others],
    bad,
  } = await listGiven(clientOf(granted));
  expect([others, bad]).toEqual([[], []]);
  expect(only).toMatchObject({ grantee: null, tag: TAG, right: 'read', scope: { kind: 'record', record: RECORD }, state: 'active' });
  expect((await listGiven(clientOf(granted), repeated(0x77))).items).toEqual([]);
});

test('a read of an own record that the server leaves out is listed from the chain', async () => {
  told = [entry];
  const items = await listActivity(clientOf(registered, accessed(LEAF), accessed(OTHER_LEAF)), {});
  expect(items.map(({ leaf, isHidden, isAnchored }) => ({ leaf, isHidden, isAnchored }))).toEqual([
    { leaf: LEAF, isHidden: false, isAnchored: true },
    { leaf: OTHER_LEAF, isHidden: true, isAnchored: true },
  ]);
});

test('an entry counts as anchored only as the chain has it', async () => {
  told = [{ ...entry, purpose: 'HRESCH' }];
  const [item] = await listActivity(clientOf(registered, accessed(LEAF)), {});
  expect(item).toMatchObject({ index: 0, isAnchored: false });
});

test('evidence that is kept back, and an entry that the chain has otherwise, are no proof', async () => {
  told = [{ ...entry, reader: OPERATOR }];
  const checkpoint = log('access_log', accessLogAbi as Abi, 'Checkpoint', { operator: OPERATOR, size: 1n, root: LEAF, head: LEAF });
  const client = clientOf(registered, accessed(LEAF), checkpoint);
  const [item] = await listActivity(client, {});
  if (item === undefined) throw new Error('an entry was told');
  expect(await proofOfRead(client, item)).toMatchObject({ isWithheld: true, evidence: null });
  expect(await proofOfRead(client, { ...item, record: repeated(0x66) })).toMatchObject({ inclusion: { holds: false } });
});
