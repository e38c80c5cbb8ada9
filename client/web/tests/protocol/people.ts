/** The people and data of the tests: the values in the vectors that Rust makes. */

import { secp256k1 } from '@noble/curves/secp256k1.js';
import type { Deployment, SignedOperatorKey } from '../../src/protocol/deployment.ts';
import type { EnvelopeContext } from '../../src/protocol/envelope/header.ts';
import type { Metadata } from '../../src/protocol/envelope/metadata.ts';
import type { SealParams } from '../../src/protocol/envelope/seal.ts';
import { type Address, fromHex, type Hex, toHex } from '../../src/protocol/hex.ts';
import { identityKey } from '../../src/protocol/identity.ts';
import { operatorKeyHash } from '../../src/protocol/operator-keys.ts';
import { Seed } from '../../src/protocol/secret.ts';

/** Returns 32 bytes of one value. */
export const repeated = (byte: number): Hex => `0x${byte.toString(16).padStart(2, '0').repeat(32)}`;

/** Returns a seed of 32 bytes of one value. */
export const seedOf = (byte: number): Seed => new Seed(new Uint8Array(32).fill(byte));

export const CONTEXT: EnvelopeContext = { chainId: 31_337, registry: '0x5fbdb2315678afecb367f032d93f642f64180aa3' };
export const GRANT_REGISTRY: Address = '0xe7f1725e7734ce288f8367e1bb143e90bb3f0512';
export const OPERATOR: Address = '0xa0ee7a142d267c1f36714e4a8f75612f20a79720';
export const GRANTEE: Address = '0x3c44cdddb6a900fa2b585dd299e03d12fa4293bc';
export const PATIENT: Address = '0x8b75db8a458f25a728dcbc237c10e89cea11d176';
/** The private key of the patient's wallet. It is public, for tests only. */
export const WALLET: Hex = repeated(0x57);
export const RECORD: Hex = repeated(0x52);
export const KEY_EPOCH = 2;
export const PATIENT_KEY = identityKey(seedOf(0x61), KEY_EPOCH);

export const DEPLOYMENT: Deployment = {
  chainId: CONTEXT.chainId,
  genesisHash: repeated(0x01),
  startBlock: 1,
  operator: OPERATOR,
  operatorKeys: [],
  contracts: {
    accreditation: { address: '0x1111111111111111111111111111111111111111', codeHash: repeated(0x11) },
    key_registry: { address: '0x2222222222222222222222222222222222222222', codeHash: repeated(0x22) },
    record_registry: { address: CONTEXT.registry, codeHash: repeated(0x33) },
    grant_registry: { address: GRANT_REGISTRY, codeHash: repeated(0x44) },
    access_log: { address: '0x5555555555555555555555555555555555555555', codeHash: repeated(0x55) },
  },
};

/** Returns the operator's encryption keys up to an epoch. The patient's wallet is the operator. */
export function operatorKeys(count: number, signer: Hex = WALLET): SignedOperatorKey[] {
  const at = { ...DEPLOYMENT, operator: PATIENT };
  return Array.from({ length: count }, (_, index) => {
    const epoch = index + 1;
    const key = identityKey(seedOf(0x0e), epoch).publicKey.hex;
    const hash = fromHex(operatorKeyHash(at, epoch, key), 32);
    const signed = secp256k1.sign(hash, fromHex(signer, 32), { prehash: false, format: 'recovered' });
    return { epoch, key, signature: toHex(new Uint8Array([...signed.subarray(1), 27 + (signed[0] ?? 0)])) };
  });
}

/** Returns a complete deployment in the form of its file, with this number of encryption keys and the patient's wallet as operator. */
export function finishedJson(count: number): Record<string, unknown> {
  return { ...deploymentJson(), operator: PATIENT, operator_keys: operatorKeys(count) };
}

/** Returns the deployment in the form of its file, without encryption keys. */
export function deploymentJson(): Record<string, unknown> {
  const contracts = Object.entries(DEPLOYMENT.contracts).map(([name, { address, codeHash }]) => [name, { address, code_hash: codeHash }]);
  return {
    version: 4,
    chain_id: DEPLOYMENT.chainId,
    genesis_hash: DEPLOYMENT.genesisHash,
    start_block: DEPLOYMENT.startBlock,
    operator: DEPLOYMENT.operator,
    operator_keys: DEPLOYMENT.operatorKeys,
    contracts: Object.fromEntries(contracts),
  };
}

/** Returns the metadata of a report. */
export function metadataOf(content: { length: number; hash: Hex }): Metadata {
  return {
    contentLength: content.length,
    mediaType: 'application/fhir+json',
    fileName: 'Blutbild – März.json',
    contentHash: content.hash,
    created: 1_795_000_000n,
    fhirType: 'DiagnosticReport',
    codes: [{ system: 'http://loinc.org', code: '58410-2' }],
    signedBy: null,
  };
}

/** Returns the parameters that seal version 1 of the record to the patient. */
export function sealParams(metadata: Metadata): SealParams {
  return {
    context: CONTEXT,
    record: RECORD,
    version: 1,
    patient: PATIENT,
    patientKey: PATIENT_KEY.publicKey,
    patientKeyEpoch: KEY_EPOCH,
    metadata,
  };
}
