import { readFileSync } from 'node:fs';
import { type Abi, type AbiParameter, toEventSignature, toFunctionSignature } from 'viem';
import { expect, test } from 'vitest';
import {
  accessLogAbi,
  accreditationAbi,
  accreditationHistoryAbi,
  grantHistoryAbi,
  grantRegistryAbi,
  keyRegistryAbi,
  recordHistoryAbi,
  recordRegistryAbi,
  signedActionsAbi,
} from './abi.ts';

/** Returns the parts of a function or event that callers depend on: its signature, its return values, and the indexed parameters. */
function shape(item: Abi[number]): string {
  const types = (parts: readonly AbiParameter[]): string =>
    parts.map((part) => ('components' in part ? `(${part.components.map((c) => `${c.type} ${c.name}`).join()})` : part.type)).join();
  if (item.type === 'function') return `${toFunctionSignature(item)} ${item.stateMutability} ${types(item.outputs)}`;
  if (item.type === 'event') return `${toEventSignature(item)} ${item.inputs.map((input) => input.indexed === true).join()}`;
  return item.type;
}

test.each([
  ['Accreditation', accreditationAbi],
  ['KeyRegistry', keyRegistryAbi],
  ['RecordRegistry', recordRegistryAbi],
  ['GrantRegistry', grantRegistryAbi],
  ['AccessLog', accessLogAbi],
  ['KeyRegistry', signedActionsAbi],
  ['Accreditation', accreditationHistoryAbi],
  ['RecordRegistry', recordHistoryAbi],
  ['GrantRegistry', grantHistoryAbi],
])('%s has what this app reads of it', (contract, ours) => {
  const file = new URL(`../../../../contracts/abi/${contract}.json`, import.meta.url);
  const theirs = (JSON.parse(readFileSync(file, 'utf8')) as { abi: Abi }).abi.map(shape);
  for (const item of ours as Abi) expect(theirs).toContain(shape(item));
});
