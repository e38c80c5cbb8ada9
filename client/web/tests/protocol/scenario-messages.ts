/**
 * Vectors of the messages that people and sessions sign; the twin of `protocol/examples/vectors/messages_scenario.rs`. Messages are in the
 * JSON of the API, so that the vectors test that form as well.
 */

import { expect } from 'vitest';
import { utf8 } from '../../src/protocol/bytes.ts';
import { type Deployment, parseDeployment } from '../../src/protocol/deployment.ts';
import { expectExtends, operatorKeyOf, OperatorKeysError } from '../../src/protocol/operator-keys.ts';
import { type Address, fromHex, type Hex, toHex } from '../../src/protocol/hex.ts';
import { type Action, actionId, type ActionType, signedActionToJson } from '../../src/protocol/messages.ts';
import {
  hashOfLeaf,
  isPromisedInTime,
  type Leaf,
  leafBytes,
  readRequestBytes,
  type readRequestToJson,
  receiptFromJson,
  verifyReceipt,
} from '../../src/protocol/reads.ts';
import { kitFromText, kitToText } from '../../src/protocol/recovery.ts';
import { Seed } from '../../src/protocol/secret.ts';
import { loginHash, loginText, verifySessionSignature } from '../../src/protocol/session.ts';
import { ACCESS_REQUEST, DENY_REQUEST, PROFILE, type StatementKind } from '../../src/protocol/statements.ts';
import { ACTIONS } from './signed-messages.ts';

/** The JSON of a leaf, as the API returns it. */
export interface LeafJson {
  readonly request: ReturnType<typeof readRequestToJson>;
  readonly signature: Hex;
  readonly login_message: string;
  readonly login_signature: Hex;
  readonly block_hash: Hex;
  readonly time: number;
  readonly anchor_by: number;
  readonly blinding: Hex;
}

/** The kinds of vectors in this file. */
export interface MessageScenarios {
  action: { deployment: unknown; action: { type: ActionType; message: Record<string, unknown> }; signing_hash: Hex };
  statement: { deployment: unknown; statement: Record<string, unknown>; signing_hash: Hex };
  read: {
    deployment: unknown;
    leaf: LeafJson;
    signed_bytes: Hex;
    leaf_hash: Hex;
    receipt: unknown;
    receipt_signature: Hex;
  };
  login: {
    domain: string;
    address: Address;
    uri: string;
    chain_id: string;
    nonce: string;
    issued_at: string;
    expiration_time: string;
    session_key: Hex;
    text: string;
  };
  kit: { chain_id: string; owner: Address; seed: Hex; text: string };
  operator_keys: { deployment: unknown; kept?: unknown; newest_epoch?: number };
}

/** Parses a statement, converts it to JSON again, and returns its hash. */
const again =
  <Message extends object>(kind: StatementKind<Message>) =>
  (json: unknown, deployment: Deployment): { json: unknown; hash: Hex } => {
    const message = kind.fromJson(json);
    return { json: kind.toJson(message), hash: kind.signingHash(message, deployment) };
  };

const STATEMENTS: Readonly<Record<string, ReturnType<typeof again>>> = {
  access_request: again(ACCESS_REQUEST),
  deny_request: again(DENY_REQUEST),
  profile: again(PROFILE),
};

/** Parses a leaf from its JSON. */
export function leafOf(json: LeafJson): Leaf {
  const { login_hash, ...request } = json.request;
  return {
    request: { ...request, loginHash: login_hash },
    signature: json.signature,
    loginMessage: json.login_message,
    loginSignature: json.login_signature,
    blockHash: json.block_hash,
    time: json.time,
    anchorBy: json.anchor_by,
    blinding: json.blinding,
  };
}

export const messageRunners: {
  [K in keyof MessageScenarios]: (scenario: Readonly<MessageScenarios[K]>) => Promise<string>;
} = {
  async action({ deployment, action, signing_hash }) {
    const ours = ACTIONS.find(({ type }) => type === action.type) as Action;
    expect(signedActionToJson({ action: ours, signature: '0x' }).action).toEqual(action);
    expect(actionId(ours, parseDeployment(deployment))).toBe(signing_hash);
    return 'ok';
  },

  async statement({ deployment, statement, signing_hash }) {
    const [[name, json] = ['', null]] = Object.entries(statement);
    const check = STATEMENTS[name];
    if (check === undefined) throw new Error(`unknown statement ${name}`);
    expect(check(json, parseDeployment(deployment))).toEqual({ json, hash: signing_hash });
    return 'ok';
  },

  async read({ deployment, leaf, signed_bytes, leaf_hash, receipt, receipt_signature }) {
    const at = parseDeployment(deployment);
    const ours = leafOf(leaf);
    expect(toHex(readRequestBytes(ours.request, at))).toBe(signed_bytes);
    expect(ours.request.loginHash).toBe(loginHash(ours.loginMessage));
    const point = fromHex(`0x${ours.loginMessage.slice(-130)}`);
    expect(await verifySessionSignature(point, fromHex(signed_bytes), fromHex(ours.signature))).toBe(true);
    expect(leafBytes(ours, at).length).toBeGreaterThan(utf8(ours.loginMessage).length);
    expect(hashOfLeaf(ours, at)).toBe(leaf_hash);
    expect(isPromisedInTime(ours)).toBe(true);
    const promise = receiptFromJson(receipt);
    expect(promise.anchorBy).toBe(BigInt(ours.anchorBy));
    verifyReceipt(promise, receipt_signature, at, ours.request);
    return 'ok';
  },

  async login(scenario) {
    const { chain_id, issued_at, expiration_time, session_key, text, ...rest } = scenario;
    const message = { ...rest, chainId: Number(chain_id), issuedAt: issued_at, expirationTime: expiration_time };
    expect(loginText({ ...message, sessionKey: fromHex(session_key) })).toBe(text);
    return 'ok';
  },

  async kit({ chain_id, owner, seed, text }) {
    const kit = { chainId: Number(chain_id), owner, seed: new Seed(fromHex(seed)) };
    expect(kitToText(kit)).toBe(text);
    const read = kitFromText(text);
    expect({ ...read, seed: toHex(read.seed.expose()) }).toEqual({ ...kit, seed });
    return 'ok';
  },

  async operator_keys({ deployment, kept, newest_epoch }) {
    const told = parseDeployment(deployment);
    try {
      const newest = operatorKeyOf(told);
      if (kept !== undefined) expectExtends(told, parseDeployment(kept));
      expect(newest.epoch).toBe(newest_epoch);
      return 'ok';
    } catch (error) {
      if (error instanceof OperatorKeysError) return error.code;
      throw error;
    }
  },
};
