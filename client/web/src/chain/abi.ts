/** The parts of the contracts' ABI that this app reads. A test checks that each is in `contracts/abi/*.json`. */
import { parseAbi } from 'viem';

export const accreditationAbi = parseAbi([
  'function owner() view returns (address)',
  'function isAccreditor(address accreditor) view returns (bool)',
  'function accreditorEpochOf(address accreditor) view returns (uint32)',
  'struct Practitioner { address accreditor; uint40 validFrom; uint40 validUntil; uint8 roles; bool suspended; uint32 epoch; uint32 accreditorEpoch; uint32 controllerEpoch; }',
  'function practitionerOf(address practitioner) view returns (Practitioner)',
  'function isAccredited(address practitioner, uint8 roles, uint40 time) view returns (bool accredited, uint40 validFrom, uint40 validUntil)',
  'event Accredited(address indexed accreditor, address indexed practitioner, uint8 roles, uint40 validFrom, uint40 validUntil, uint32 epoch, uint32 accreditorEpoch)',
]);

export const keyRegistryAbi = parseAbi([
  'struct Key { bytes32 hash; uint32 epoch; uint40 since; uint16 kem; }',
  'function keyOf(address owner, uint8 slot) view returns (Key)',
  'event KeyRegistered(address indexed owner, bytes32 indexed keyHash, uint8 slot, uint32 epoch, uint16 kem, bytes key)',
]);

export const recordRegistryAbi = parseAbi([
  'struct Record { address patient; uint40 created; uint16 category; uint16 version; uint8 status; uint8 codec; uint16 retracted; }',
  'function recordOf(bytes32 record) view returns (Record)',
  'struct Tombstone { uint32 epoch; uint40 liftableUntil; }',
  'function tombstoneOf(bytes32 record) view returns (Tombstone)',
  'function LIFT_PERIOD() view returns (uint40)',
  'event RecordRegistered(bytes32 indexed id, address indexed patient, uint16 indexed category, address uploader, uint16 version, uint8 codec, bytes32 digest)',
]);

export const grantRegistryAbi = parseAbi([
  'function termsOf(address patient, bytes32 tag, uint8 kind, bytes32 id) view returns (uint256)',
  'function patientEpochOf(address patient) view returns (uint32)',
  'event Granted(address indexed patient, bytes32 indexed tag, bytes32 indexed scopeId, uint256 terms, bytes32 bundleHash)',
]);

export const accessLogAbi = parseAbi([
  'function headOf(address operator) view returns (bytes32 head)',
  'event Accessed(address indexed operator, bytes32 indexed record, bytes32 indexed tag, uint16 purposes, bytes32 leaf)',
  'event Checkpoint(address indexed operator, uint64 size, bytes32 root, bytes32 head)',
]);

// All events that decide past permissions; `permission.ts` uses them.

export const recordHistoryAbi = parseAbi([
  'event RecordRegistered(bytes32 indexed id, address indexed patient, uint16 indexed category, address uploader, uint16 version, uint8 codec, bytes32 digest)',
  'event RecordStatusChanged(bytes32 indexed id, address indexed patient, uint8 status, uint32 epoch, uint40 liftableUntil)',
]);
export const grantHistoryAbi = parseAbi([
  'event Granted(address indexed patient, bytes32 indexed tag, bytes32 indexed scopeId, uint256 terms, bytes32 bundleHash)',
  'event Revoked(address indexed patient, bytes32 indexed tag, bytes32 indexed scopeId, uint8 kind, uint32 epoch)',
  'event AllRevoked(address indexed patient, uint32 patientEpoch)',
]);
export const accreditationHistoryAbi = parseAbi([
  'event Accredited(address indexed accreditor, address indexed practitioner, uint8 roles, uint40 validFrom, uint40 validUntil, uint32 epoch, uint32 accreditorEpoch)',
  'event AccreditationChanged(address indexed accreditor, address indexed practitioner, bool suspended, uint32 epoch)',
  'event AccreditorSet(address indexed accreditor, bool active, uint32 epoch)',
]);

/** Inherited by every contract. */
export const signedActionsAbi = parseAbi(['function isNonceUsed(address signer, uint256 nonce) view returns (bool)']);

/** ERC-1271. The whole word is compared, as in the contracts. */
export const contractSignatureAbi = parseAbi(['function isValidSignature(bytes32 hash, bytes signature) view returns (bytes32)']);
