/** Tests for signed messages: their types are those of the specification, their JSON is that of the API. */

import { readFileSync } from 'node:fs';
import { privateKeyToAccount } from 'viem/accounts';
import { describe, expect, test } from 'vitest';
import { parseDeployment, sameDeployment } from '../../src/protocol/deployment.ts';
import type { Hex } from '../../src/protocol/hex.ts';
import { type Action, actionId, actionTypedData, signedActionToJson, verifyAction } from '../../src/protocol/messages.ts';
import { verifySignature } from '../../src/protocol/signature.ts';
import { ACCESS_REQUEST, DENY_REQUEST, PROFILE } from '../../src/protocol/statements.ts';
import type { TypedData } from '../../src/protocol/typed-data.ts';
import { ACTIONS, DENIAL, PROFILE_MESSAGE, REQUEST } from './signed-messages.ts';
import { DEPLOYMENT, deploymentJson, PATIENT, repeated, WALLET } from './people.ts';

const spec = readFileSync(new URL('../../../../protocol/SPEC.md', import.meta.url), 'utf8');

/** `encodeType` of EIP-712: the type itself, then the types that it refers to. */
function encodeType({ types, primaryType }: TypedData): string {
  const others = Object.keys(types)
    .filter((name) => name !== primaryType)
    .sort();
  const fields = (name: string): string => (types[name] ?? []).map(({ type, name }) => `${type} ${name}`).join(',');
  return [primaryType, ...others].map((name) => `${name}(${fields(name)})`).join('');
}

describe('every type is the one of the specification', () => {
  test.each(ACTIONS.map((action) => [action.type, action] as const))('%s', (_, action) => {
    expect(spec).toContain(`\`${encodeType(actionTypedData(action, DEPLOYMENT))}\``);
  });

  test('statements', () => {
    for (const data of [
      ACCESS_REQUEST.typedData(REQUEST, DEPLOYMENT),
      DENY_REQUEST.typedData(DENIAL, DEPLOYMENT),
      PROFILE.typedData(PROFILE_MESSAGE, DEPLOYMENT),
    ]) {
      expect(spec).toContain(`\`${encodeType(data)}\``);
    }
  });
});

describe('signatures', () => {
  const account = privateKeyToAccount(WALLET);
  const action = ACTIONS.find(({ type }) => type === 'grant') as Action;
  const sign = (): Promise<Hex> => account.signTypedData(actionTypedData(action, DEPLOYMENT) as never);

  test('of a wallet count', async () => {
    expect(account.address.toLowerCase()).toBe(PATIENT);
    verifyAction({ action, signature: await sign() }, DEPLOYMENT);
  });

  test('of another message, another chain, or another form do not', async () => {
    const signature = await sign();
    const other = { ...DEPLOYMENT, chainId: 1 };
    const check = (change: Hex, code: string): void =>
      expect(() => verifySignature(actionId(action, DEPLOYMENT), PATIENT, change)).toThrow(expect.objectContaining({ code }));
    expect(() => verifyAction({ action, signature }, other)).toThrow(expect.objectContaining({ code: 'wrong_signer' }));
    check(`${signature.slice(0, -2)}00` as Hex, 'malformed');
    check(signature.slice(0, -2) as Hex, 'malformed');
    check(`0x${'00'.repeat(64)}1b`, 'malformed');
    const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
    const high = (order - BigInt(`0x${signature.slice(66, 130)}`)).toString(16).padStart(64, '0');
    const v = signature.endsWith('1b') ? '1c' : '1b';
    check(`0x${signature.slice(2, 66)}${high}${v}`, 'high_s');
  });
});

describe('JSON', () => {
  test('of an action has numbers where Rust has native integers, and hex elsewhere', () => {
    const grant = ACTIONS.find(({ type }) => type === 'grant') as Action;
    expect(signedActionToJson({ action: grant, signature: '0x12' })).toEqual({
      action: {
        type: 'grant',
        message: {
          patient: PATIENT,
          tag: repeated(0xaa),
          rights: 1,
          purposes: 1,
          notBefore: '0x0',
          notAfter: '0x6afda3c0',
          patientEpoch: 3,
          scopes: [{ kind: 0, id: repeated(0x52), epoch: 4, bundleHash: repeated(0xbb) }],
          nonce: `0x${(2n ** 255n).toString(16)}`,
          deadline: '0x6afda3c0',
        },
      },
      signature: '0x12',
    });
  });

  test('of a statement is read as it was written, and nothing else is', () => {
    const json = ACCESS_REQUEST.toJson(REQUEST);
    expect(ACCESS_REQUEST.fromJson(JSON.parse(JSON.stringify(json)))).toEqual(REQUEST);
    expect(PROFILE.fromJson(JSON.parse(JSON.stringify(PROFILE.toJson(PROFILE_MESSAGE))))).toEqual(PROFILE_MESSAGE);
    const { nonce: _, ...missing } = json;
    const bad = [missing, { ...json, more: 1 }, { ...json, rights: 256 }, { ...json, rights: '1' }, { ...json, until: -1 }];
    bad.push({ ...json, noteHash: '0x12' }, { ...json, requester: 'ada' });
    for (const value of [...bad, null, [], 'text']) {
      expect(() => ACCESS_REQUEST.fromJson(value)).toThrow(expect.objectContaining({ code: 'message' }));
    }
  });

  test('of a deployment has exactly its fields', () => {
    const json = deploymentJson();
    expect(parseDeployment(json)).toEqual(DEPLOYMENT);
    expect(sameDeployment(parseDeployment(json), DEPLOYMENT)).toBe(true);
    expect(sameDeployment({ ...DEPLOYMENT, startBlock: 2 }, DEPLOYMENT)).toBe(false);
    const contracts = json['contracts'] as Record<string, unknown>;
    const { access_log: _, ...missing } = contracts;
    const bad = [
      { ...json, version: 1 },
      { ...json, operator_keys: null },
      { ...json, more: 1 },
      { ...json, chain_id: '31337' },
      { ...json, operator: '0x12' },
    ];
    for (const value of [...bad, { ...json, contracts: missing }, null, 'text']) {
      expect(() => parseDeployment(value)).toThrow(expect.objectContaining({ code: 'deployment' }));
    }
  });
});
