/**
 * The EIP-712 messages that people sign, one for each action of the contracts. Anyone may submit a signed message and gets no right by
 * that. Field names are the Solidity names, because they are part of the signed type.
 */

import { keccak256 } from 'viem/utils';
import { type ContractName, type Deployment, domainOf } from './deployment.ts';
import type { Address, Hex } from './hex.ts';
import type { ActionId } from './ids.ts';
import { verifySignature } from './signature.ts';
import { messageToJson, signingHash, type TypedData, type Types, typedData } from './typed-data.ts';

/** The fields of every message. A signer may use each nonce once. The message is valid while block time (seconds) is below the deadline. */
interface Unordered {
  readonly nonce: bigint;
  readonly deadline: bigint;
}

/** The owner adds an accreditor; `epoch` is the accreditor's epoch that it replaces (0 for the first time). */
interface AddAccreditor extends Unordered {
  readonly owner: Address;
  readonly accreditor: Address;
  readonly epoch: number;
}

/** The owner removes an accreditor. The message names no state and always works. */
interface RemoveAccreditor extends Unordered {
  readonly owner: Address;
  readonly accreditor: Address;
}

/**
 * An accreditor accredits a practitioner, which also ends a suspension. `epoch` is the practitioner's epoch that it replaces (0 for the
 * first time). `accreditorEpoch` is the accreditor's own epoch; the accreditation counts only in that epoch. Times are Unix seconds.
 */
interface Accredit extends Unordered {
  readonly accreditor: Address;
  readonly practitioner: Address;
  readonly roles: number;
  readonly validFrom: number;
  readonly validUntil: number;
  readonly epoch: number;
  readonly accreditorEpoch: number;
}

/** An accreditor suspends its practitioner. The message names no state and always works. */
interface Suspend extends Unordered {
  readonly accreditor: Address;
  readonly practitioner: Address;
}

/** A person publishes an encryption key; `epoch` is the epoch that it replaces. The person signs the hash of the key ({@link KEY_SIGNED}). */
interface RegisterKey extends Unordered {
  readonly owner: Address;
  readonly slot: number;
  readonly epoch: number;
  readonly kem: number;
  readonly key: Hex;
}

/** An uploader registers the first version of a record. */
interface RegisterRecord extends Unordered {
  readonly uploader: Address;
  readonly patient: Address;
  readonly salt: Hex;
  readonly category: number;
  readonly codec: number;
  readonly digest: Hex;
  readonly writeSalt: Hex;
}

/** An uploader registers a further version; `version` is the one that it replaces. */
interface RegisterVersion extends Unordered {
  readonly uploader: Address;
  readonly record: Hex;
  readonly version: number;
  readonly codec: number;
  readonly digest: Hex;
  readonly salt: Hex;
  readonly writeSalt: Hex;
}

/** A patient marks a record as replaced by a newer one; `version` is the newest version of the marked record. */
interface Supersede extends Unordered {
  readonly patient: Address;
  readonly record: Hex;
  readonly version: number;
}

/**
 * A patient withdraws a record. `epoch` is the record's current tombstone epoch. So a message that was held back cannot withdraw the record
 * again after the patient has withdrawn it and put it back.
 */
interface Tombstone extends Unordered {
  readonly patient: Address;
  readonly record: Hex;
  readonly epoch: number;
}

/** A patient puts a withdrawn record back, within the lift period; `epoch` names the tombstone that is lifted. */
interface LiftTombstone extends Unordered {
  readonly patient: Address;
  readonly record: Hex;
  readonly epoch: number;
}

/** The first uploader warns not to rely on its versions up to `version`. Nothing is deleted. */
interface Retract extends Unordered {
  readonly uploader: Address;
  readonly record: Hex;
  readonly version: number;
  readonly salt: Hex;
  readonly writeSalt: Hex;
}

/** One scope of a grant; `epoch` is the grant epoch that it replaces. */
interface Scope {
  readonly kind: number;
  readonly id: Hex;
  readonly epoch: number;
  readonly bundleHash: Hex;
}

/** A patient permits one right to one tag over one or several scopes. Times are Unix seconds. */
interface Grant extends Unordered {
  readonly patient: Address;
  readonly tag: Hex;
  readonly rights: number;
  readonly purposes: number;
  readonly notBefore: number;
  readonly notAfter: number;
  readonly patientEpoch: number;
  readonly scopes: readonly Scope[];
}

/** Names one grant of a patient. */
export interface GrantRef {
  readonly tag: Hex;
  readonly kind: number;
  readonly id: Hex;
}

/** A patient revokes grants. */
interface Revoke extends Unordered {
  readonly patient: Address;
  readonly grants: readonly GrantRef[];
}

/** A patient revokes every grant at once. */
interface RevokeAll extends Unordered {
  readonly patient: Address;
}

/** One action of the contracts, unsigned. (Checkpoints are signed by the operator, who uses no browser.) */
export type Action =
  | { readonly type: 'add_accreditor'; readonly message: AddAccreditor }
  | { readonly type: 'remove_accreditor'; readonly message: RemoveAccreditor }
  | { readonly type: 'accredit'; readonly message: Accredit }
  | { readonly type: 'suspend'; readonly message: Suspend }
  | { readonly type: 'register_key'; readonly message: RegisterKey }
  | { readonly type: 'register_record'; readonly message: RegisterRecord }
  | { readonly type: 'register_version'; readonly message: RegisterVersion }
  | { readonly type: 'supersede'; readonly message: Supersede }
  | { readonly type: 'tombstone'; readonly message: Tombstone }
  | { readonly type: 'lift_tombstone'; readonly message: LiftTombstone }
  | { readonly type: 'retract'; readonly message: Retract }
  | { readonly type: 'grant'; readonly message: Grant }
  | { readonly type: 'revoke'; readonly message: Revoke }
  | { readonly type: 'revoke_all'; readonly message: RevokeAll };
/** The name of a kind of action in the API. */
export type ActionType = Action['type'];

/** An action with its signature, ready for anyone to submit. */
export interface SignedAction {
  readonly action: Action;
  /** 65 bytes r ‖ s ‖ v, or a value that the signer's contract accepts (ERC-1271). */
  readonly signature: Hex;
}

interface Kind {
  readonly contract: ContractName;
  readonly primaryType: string;
  /** The name of the field that has the address of the signer. */
  readonly signer: string;
  readonly types: Types;
}

const UNORDERED = 'uint256 nonce,uint256 deadline';

const KINDS: Readonly<Record<ActionType, Kind>> = {
  add_accreditor: kind('accreditation', 'owner', 'AddAccreditor', {
    AddAccreditor: `address owner,address accreditor,uint32 epoch,${UNORDERED}`,
  }),
  remove_accreditor: kind('accreditation', 'owner', 'RemoveAccreditor', {
    RemoveAccreditor: `address owner,address accreditor,${UNORDERED}`,
  }),
  accredit: kind('accreditation', 'accreditor', 'Accredit', {
    Accredit: `address accreditor,address practitioner,uint8 roles,uint40 validFrom,uint40 validUntil,uint32 epoch,uint32 accreditorEpoch,${UNORDERED}`,
  }),
  suspend: kind('accreditation', 'accreditor', 'Suspend', {
    Suspend: `address accreditor,address practitioner,${UNORDERED}`,
  }),
  register_key: kind('key_registry', 'owner', 'RegisterKey', {
    RegisterKey: `address owner,uint8 slot,uint32 epoch,uint16 kem,bytes key,${UNORDERED}`,
  }),
  register_record: kind('record_registry', 'uploader', 'RegisterRecord', {
    RegisterRecord: `address uploader,address patient,bytes32 salt,uint16 category,uint8 codec,bytes32 digest,bytes32 writeSalt,${UNORDERED}`,
  }),
  register_version: kind('record_registry', 'uploader', 'RegisterVersion', {
    RegisterVersion: `address uploader,bytes32 record,uint16 version,uint8 codec,bytes32 digest,bytes32 salt,bytes32 writeSalt,${UNORDERED}`,
  }),
  supersede: kind('record_registry', 'patient', 'Supersede', {
    Supersede: `address patient,bytes32 record,uint16 version,${UNORDERED}`,
  }),
  tombstone: kind('record_registry', 'patient', 'Tombstone', {
    Tombstone: `address patient,bytes32 record,uint32 epoch,${UNORDERED}`,
  }),
  lift_tombstone: kind('record_registry', 'patient', 'LiftTombstone', {
    LiftTombstone: `address patient,bytes32 record,uint32 epoch,${UNORDERED}`,
  }),
  retract: kind('record_registry', 'uploader', 'Retract', {
    Retract: `address uploader,bytes32 record,uint16 version,bytes32 salt,bytes32 writeSalt,${UNORDERED}`,
  }),
  grant: kind('grant_registry', 'patient', 'Grant', {
    Grant: `address patient,bytes32 tag,uint8 rights,uint16 purposes,uint40 notBefore,uint40 notAfter,uint32 patientEpoch,Scope[] scopes,${UNORDERED}`,
    Scope: 'uint8 kind,bytes32 id,uint32 epoch,bytes32 bundleHash',
  }),
  revoke: kind('grant_registry', 'patient', 'Revoke', {
    Revoke: `address patient,GrantRef[] grants,${UNORDERED}`,
    GrantRef: 'bytes32 tag,uint8 kind,bytes32 id',
  }),
  revoke_all: kind('grant_registry', 'patient', 'RevokeAll', { RevokeAll: `address patient,${UNORDERED}` }),
};

/**
 * The signed form of `RegisterKey`, the only message whose form for the API and the contract's call is another one: the wallet shows the
 * keccak256 of the key, which the contract computes from the call.
 */
const KEY_SIGNED = kind('key_registry', 'owner', 'RegisterKey', {
  RegisterKey: `address owner,uint8 slot,uint32 epoch,uint16 kem,bytes32 keyHash,${UNORDERED}`,
});

/** Returns the name of the contract that carries out an action. */
export function contractOf(action: Action): ContractName {
  return KINDS[action.type].contract;
}

/** Returns the address that has to sign an action. */
export function signerOf(action: Action): Address {
  return (action.message as unknown as Record<string, Address>)[KINDS[action.type].signer] as Address;
}

/** Returns the message that the signer's wallet shows and signs. */
export function actionTypedData(action: Action, deployment: Deployment): TypedData {
  const { contract, types, primaryType } = action.type === 'register_key' ? KEY_SIGNED : KINDS[action.type];
  return typedData(domainOf(deployment, contract), types, primaryType, signedForm(action));
}

/** Returns the EIP-712 hash of an action. It identifies the action while it is relayed. */
export function actionId(action: Action, deployment: Deployment): ActionId {
  return signingHash(actionTypedData(action, deployment));
}

/** Returns the JSON of a signed action, as the API accepts it. */
export function signedActionToJson(signed: SignedAction): {
  action: { type: ActionType; message: Record<string, unknown> };
  signature: Hex;
} {
  const { type, message } = signed.action;
  const { types, primaryType } = KINDS[type];
  return { action: { type, message: messageToJson(types, primaryType, message) }, signature: signed.signature };
}

/**
 * Checks an externally owned account's signature as the contracts do; contract accounts need ERC-1271 instead.
 *
 * @throws SignatureError
 */
export function verifyAction(signed: SignedAction, deployment: Deployment): void {
  verifySignature(actionId(signed.action, deployment), signerOf(signed.action), signed.signature);
}

function signedForm({ type, message }: Action): object {
  if (type !== 'register_key') return message;
  const { key, ...rest } = message;
  return { ...rest, keyHash: keccak256(key) };
}

function kind(contract: ContractName, signer: string, primaryType: string, structs: Readonly<Record<string, string>>): Kind {
  const types = Object.entries(structs).map(([name, fields]) => [name, fieldsOf(fields)]);
  return { contract, primaryType, signer, types: Object.fromEntries(types) as Types };
}

function fieldsOf(text: string): { name: string; type: string }[] {
  return text.split(',').map((field) => {
    const [type = '', name = ''] = field.split(' ');
    return { name, type };
  });
}
