/** Actions on the chain without this app, by people and by attackers. */
import { createPublicClient, createWalletClient, defineChain, http, keccak256, parseAbi, type Abi, type Address, type Hex } from 'viem';
import { identityKey } from '../../src/protocol/identity.ts';
import { Seed } from '../../src/protocol/secret.ts';
import type { Role, World } from './world.ts';

const AUTHORIZATION = 'struct Authorization { uint256 nonce; uint256 deadline; bytes signature; }';
const keyRegistryAbi = parseAbi([
  AUTHORIZATION,
  'struct Key { bytes32 hash; uint32 epoch; uint40 since; uint16 kem; }',
  'function keyOf(address owner, uint8 slot) view returns (Key)',
  'function registerKeyBySig(address owner, uint8 slot, uint32 epoch, uint16 kem, bytes key, Authorization auth)',
]);
const recordRegistryAbi = parseAbi([
  'struct NewVersion { bytes32 record; uint16 version; uint8 codec; bytes32 digest; bytes32 salt; bytes32 writeSalt; }',
  'function registerVersion(NewVersion version)',
]);
const grantRegistryAbi = parseAbi([
  AUTHORIZATION,
  'struct Scope { uint8 kind; bytes32 id; uint32 epoch; bytes32 bundleHash; }',
  'struct NewGrant { bytes32 tag; uint8 rights; uint16 purposes; uint40 notBefore; uint40 notAfter; uint32 patientEpoch; Scope[] scopes; }',
  'function grantBySig(address patient, NewGrant newGrant, Authorization auth)',
]);

const accessLogAbi = parseAbi([
  'struct Head { bytes32 previous; uint64 size; bytes32 root; }',
  'struct Access { bytes32 record; bytes32 tag; uint16 purposes; bytes32 leaf; }',
  'function checkpoint(Head current, bytes32 root, Access[] accesses)',
]);

const ZERO: Hex = `0x${'00'.repeat(32)}`;
const KEM = 0x647a;
/** A key that belongs to nobody in these tests. */
export const foreignKey = (epoch: number): Hex => identityKey(new Seed(new Uint8Array(32).fill(0xee)), epoch).publicKey.hex;

function chainOf(world: World) {
  const { chain_id: id } = world.deployment();
  return defineChain({
    id,
    name: 'local',
    nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 },
    rpcUrls: { default: { http: [world.rpcUrl] } },
  });
}
const contract = (world: World, name: string): Address => world.deployment().contracts[name]?.address as Address;

/** Sends a transaction and waits until it is mined. @throws the refusal of the contract. */
async function send(world: World, role: Role, address: Address, abi: Abi, functionName: string, args: readonly unknown[]): Promise<void> {
  const [chain, transport] = [chainOf(world), http(world.rpcUrl)];
  const hash = await createWalletClient({ account: world.account(role), chain, transport }).writeContract({
    address,
    abi,
    functionName,
    args,
  } as never);
  const receipt = await createPublicClient({ chain, transport }).waitForTransactionReceipt({ hash });
  if (receipt.status !== 'success') throw new Error(`${functionName} failed`);
}

/** Returns the newest key epoch of an account; 0 if it has no key. */
export async function keyEpochOf(world: World, role: Role): Promise<number> {
  const client = createPublicClient({ chain: chainOf(world), transport: http(world.rpcUrl) });
  const key = await client.readContract({
    address: contract(world, 'key_registry'),
    abi: keyRegistryAbi,
    functionName: 'keyOf',
    args: [world.address(role), 0],
  });
  return key.epoch;
}

/** An attacker tricks a person into one signature, and publishes a key in their name with it. */
export async function phishKey(world: World, victim: Role): Promise<void> {
  const epoch = await keyEpochOf(world, victim);
  const key = foreignKey(epoch + 1);
  const message = {
    owner: world.address(victim),
    slot: 0,
    epoch,
    kem: KEM,
    keyHash: keccak256(key),
    nonce: BigInt(Date.now()),
    deadline: BigInt(Math.floor(Date.now() / 1000) + 3600),
  };
  const types = {
    RegisterKey: [
      { name: 'owner', type: 'address' },
      { name: 'slot', type: 'uint8' },
      { name: 'epoch', type: 'uint32' },
      { name: 'kem', type: 'uint16' },
      { name: 'keyHash', type: 'bytes32' },
      { name: 'nonce', type: 'uint256' },
      { name: 'deadline', type: 'uint256' },
    ],
  } as const;
  const verifyingContract = contract(world, 'key_registry');
  const domain = { name: 'medlock', version: '1', chainId: world.deployment().chain_id, verifyingContract };
  const signature = await world.account(victim).signTypedData({ domain, types, primaryType: 'RegisterKey', message });
  const auth = { nonce: message.nonce, deadline: message.deadline, signature };
  await send(world, 'second_doctor', verifyingContract, keyRegistryAbi as Abi, 'registerKeyBySig', [
    message.owner,
    0,
    epoch,
    KEM,
    key,
    auth,
  ]);
}

/** Registers a version whose envelope was never uploaded, from the patient's own account. */
export async function registerNothing(world: World, role: Role, record: Hex, replaces: number): Promise<void> {
  const version = { record, version: replaces, codec: 0x55, digest: `0x${'ab'.repeat(32)}`, salt: ZERO, writeSalt: ZERO };
  await send(world, role, contract(world, 'record_registry'), recordRegistryAbi as Abi, 'registerVersion', [version]);
}

/** A signed grant, as the page sent it to the server. */
export interface HeldGrant {
  readonly action: { readonly message: Readonly<Record<string, unknown>>; readonly type?: string };
  readonly signature: Hex;
}

/** Submits a signed grant that was held back. @throws the refusal of the contract. */
export async function submitGrant(world: World, { action, signature }: HeldGrant): Promise<void> {
  const { patient, nonce, deadline, ...grant } = action.message;
  await send(world, 'second_doctor', contract(world, 'grant_registry'), grantRegistryAbi as Abi, 'grantBySig', [
    patient,
    grant,
    { nonce: BigInt(nonce as string), deadline: BigInt(deadline as string), signature },
  ]);
}

/** Anchors a log of another operator, whose events name records of others. Anybody can do this. */
export async function foreignCheckpoint(world: World, operator: Role, record: Hex): Promise<void> {
  const accesses = [1, 2, 3].map((byte) => ({
    record,
    tag: `0x${'0d'.repeat(32)}`,
    purposes: 1,
    leaf: `0x${String(byte).padStart(64, '0')}`,
  }));
  const empty = { previous: ZERO, size: 0n, root: ZERO };
  await send(world, operator, contract(world, 'access_log'), accessLogAbi as Abi, 'checkpoint', [empty, `0x${'0e'.repeat(32)}`, accesses]);
}
