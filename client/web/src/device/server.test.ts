import 'fake-indexeddb/auto';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { deploymentFingerprint } from '../protocol/deployment.ts';
import { DEPLOYMENT, deploymentJson, OPERATOR, PATIENT_KEY } from '../../tests/protocol/people.ts';
import { acceptDeployment, forgetDeployment, readServer } from './server.ts';
import { keep } from './store.ts';

let deployment = deploymentJson();
const OTHER = { ...deploymentJson(), start_block: 2, operator: OPERATOR };
beforeEach(async () => {
  deployment = deploymentJson();
  await forgetDeployment();
  vi.stubGlobal('fetch', async (): Promise<Response> => {
    const limits = { envelope_bytes_max: 1 << 20, anchor_seconds_max: 60, version: '0.1.0' };
    return Response.json({ deployment, operator_key: PATIENT_KEY.publicKey.hex, ...limits });
  });
});
afterEach(() => vi.restoreAllMocks());

test('a first deployment is accepted by a person, never by itself', async () => {
  const first = await readServer('');
  expect(first).toMatchObject({ isAccepted: false, fingerprint: deploymentFingerprint(DEPLOYMENT) });
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
  const fingerprint = deploymentFingerprint(DEPLOYMENT);
  expect((await readServer(fingerprint)).isAccepted).toBe(true);
  deployment = OTHER;
  await expect(readServer(fingerprint)).rejects.toMatchObject({ code: 'other_deployment' });
});

test('a browser that cannot read what it knows accepts nothing instead', async () => {
  vi.spyOn(keep, 'get').mockRejectedValue(new Error('no storage'));
  await expect(readServer('')).rejects.toThrow('no storage');
});
