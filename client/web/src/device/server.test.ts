import 'fake-indexeddb/auto';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { deploymentFingerprint, parseDeployment } from '../protocol/deployment.ts';
import { finishedJson, OPERATOR, operatorKeys, repeated } from '../../tests/protocol/people.ts';
import { acceptDeployment, forgetDeployment, readServer } from './server.ts';
import { keep } from './store.ts';

let deployment = finishedJson(1);
const FINGERPRINT = deploymentFingerprint(parseDeployment(deployment));
const OTHER = { ...finishedJson(1), start_block: 2 };
beforeEach(async () => {
  deployment = finishedJson(1);
  await forgetDeployment();
  vi.stubGlobal('fetch', async (): Promise<Response> => {
    const limits = { envelope_bytes_max: 1 << 20, anchor_seconds_max: 60, version: '0.1.0' };
    return Response.json({ deployment, ...limits });
  });
});
afterEach(() => vi.restoreAllMocks());

test('a first deployment is accepted by a person, never by itself', async () => {
  const first = await readServer('');
  expect(first).toMatchObject({ isAccepted: false, fingerprint: FINGERPRINT });
  expect((await readServer('')).isAccepted).toBe(false);
  await acceptDeployment(first);
  expect((await readServer('')).isAccepted).toBe(true);
});

test('another deployment than the accepted one is refused until that is forgotten', async () => {
  await acceptDeployment(await readServer(''));
  deployment = OTHER;
  await expect(readServer('')).rejects.toMatchObject({ code: 'other_deployment' });
  await forgetDeployment();
  expect((await readServer('')).isAccepted).toBe(false);
});

test('a build for one deployment asks nobody and refuses every other', async () => {
  expect((await readServer(FINGERPRINT)).isAccepted).toBe(true);
  deployment = OTHER;
  await expect(readServer(FINGERPRINT)).rejects.toMatchObject({ code: 'other_deployment' });
});

test('a browser that cannot read what it knows accepts nothing instead', async () => {
  vi.spyOn(keep, 'get').mockRejectedValue(new Error('no storage'));
  await expect(readServer('')).rejects.toThrow('no storage');
});

test('a further key of the operator is taken, and an earlier list is refused from then on', async () => {
  for (const built of ['', FINGERPRINT]) {
    deployment = finishedJson(1);
    await forgetDeployment();
    await acceptDeployment(await readServer(built));
    deployment = finishedJson(3);
    expect(await readServer(built)).toMatchObject({ isAccepted: true, operatorKey: { epoch: 3 } });
    deployment = finishedJson(2);
    await expect(readServer(built)).rejects.toMatchObject({ code: 'operator_keys' });
    deployment = finishedJson(4);
    expect((await readServer(built)).operatorKey.epoch).toBe(4);
  }
});

test('a build for one deployment remembers the keys that it has seen without being asked', async () => {
  deployment = finishedJson(2);
  await readServer(FINGERPRINT);
  deployment = finishedJson(1);
  await expect(readServer(FINGERPRINT)).rejects.toMatchObject({ code: 'operator_keys' });
});

test('keys that the operator has not signed are refused, also the first time', async () => {
  deployment = { ...finishedJson(1), operator_keys: operatorKeys(1, repeated(0x58)) };
  await expect(readServer('')).rejects.toMatchObject({ code: 'operator_keys' });
  deployment = { ...finishedJson(1), operator: OPERATOR };
  await expect(readServer('')).rejects.toMatchObject({ code: 'operator_keys' });
  deployment = finishedJson(0);
  await expect(readServer('')).rejects.toMatchObject({ code: 'operator_keys' });
});

test('a kept deployment of an older form is another deployment', async () => {
  const { operator_keys: _, ...older } = finishedJson(1);
  await keep.put('deployment', { ...older, version: 1 });
  await expect(readServer('')).rejects.toMatchObject({ code: 'other_deployment' });
});
