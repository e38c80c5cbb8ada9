/** Checks the operator's encryption keys: the operator has signed each of them, and none was removed (`SPEC.md`, section 12). */

import { type Deployment, domainOf, sameDeployment } from './deployment.ts';
import { ProtocolError } from './error.ts';
import { type Hex, sameHex } from './hex.ts';
import { PublicKey } from './key-pair.ts';
import { SignatureError, verifySignature } from './signature.ts';
import { signingHash, typedData } from './typed-data.ts';

/** The maximum number of keys in a deployment file. */
const OPERATOR_KEYS_MAX = 64;

/** An encryption key of the operator that was checked. */
export interface OperatorKey {
  /** The epoch for the binding of capsules that are sealed to this key. */
  readonly epoch: number;
  readonly key: PublicKey;
}

const TYPES = {
  OperatorKey: [
    { name: 'operator', type: 'address' },
    { name: 'epoch', type: 'uint32' },
    { name: 'key', type: 'bytes' },
  ],
} as const;

const MESSAGES = {
  none: 'the deployment file has no encryption key of the operator yet',
  epoch: "the epochs of the operator's encryption keys are not 1, 2, 3 and so on",
  key: 'an encryption key of the operator is malformed or repeated',
  signature: 'an encryption key is not signed by the operator',
  pinned: 'the deployment file is for another deployment, or changes keys that were seen before',
} as const;

/** The reason why the operator's keys of a deployment file are rejected. */
export class OperatorKeysError extends ProtocolError<keyof typeof MESSAGES> {
  constructor(code: keyof typeof MESSAGES) {
    super(code, MESSAGES[code]);
  }
}

/** Returns the hash that the operator signs for its key of an epoch (EIP-712). */
export function operatorKeyHash(deployment: Deployment, epoch: number, key: Hex): Hex {
  const message = { operator: deployment.operator, epoch, key };
  return signingHash(typedData(domainOf(deployment, 'access_log'), TYPES, 'OperatorKey', message));
}

/**
 * Checks every encryption key of the operator. Returns the newest, to which release shares are sealed.
 *
 * @throws OperatorKeysError
 */
export function operatorKeyOf(deployment: Deployment): OperatorKey {
  const listed = deployment.operatorKeys;
  if (listed.length > OPERATOR_KEYS_MAX) throw new OperatorKeysError('epoch');
  const seen = new Set<string>();
  let newest: OperatorKey | null = null;
  for (const [index, { epoch, key, signature }] of listed.entries()) {
    if (epoch !== index + 1) throw new OperatorKeysError('epoch');
    if (seen.has(key)) throw new OperatorKeysError('key');
    seen.add(key);
    newest = { epoch, key: parseKey(key) };
    checkSignature(operatorKeyHash(deployment, epoch, key), deployment, signature);
  }
  if (newest === null) throw new OperatorKeysError('none');
  return newest;
}

/**
 * Checks that a deployment may replace the stored one: everything is equal, except that further keys of the operator may follow.
 *
 * @throws OperatorKeysError `pinned`
 */
export function expectExtends(told: Deployment, kept: Deployment): void {
  const begins = kept.operatorKeys.every((ours, index) => {
    const theirs = told.operatorKeys[index];
    return (
      theirs !== undefined && theirs.epoch === ours.epoch && sameHex(theirs.key, ours.key) && sameHex(theirs.signature, ours.signature)
    );
  });
  if (!begins || !sameDeployment(told, kept)) throw new OperatorKeysError('pinned');
}

function parseKey(key: Hex): PublicKey {
  try {
    return PublicKey.fromHex(key);
  } catch {
    throw new OperatorKeysError('key');
  }
}

function checkSignature(hash: Hex, { operator }: Deployment, signature: Hex): void {
  try {
    verifySignature(hash, operator, signature);
  } catch (error) {
    if (error instanceof SignatureError) throw new OperatorKeysError('signature');
    throw error;
  }
}
