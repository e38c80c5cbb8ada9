/**
 * Changes the status of a whole record. Its patient withdraws it (a tombstone) and can put it back for some time. Its uploader retracts the
 * uploaded versions. Mirrors `client/src/record_status.rs`.
 */
import type { Hex } from 'viem';
import type { ChainRecord } from '../chain/chain.ts';
import type { Client } from '../device/client.ts';
import type { Errand } from '../device/errand.ts';
import { Failure } from '../failure.ts';
import { RECORD_STATUSES } from '../protocol/codes.ts';
import { carryOut, newDeadline, newNonce } from './act.ts';
import { findWriteSalt, ownSalt } from './authority.ts';

const TOMBSTONED = RECORD_STATUSES.code('tombstoned');

/**
 * Withdraws a record: nobody can read it from the moment that the server has the message. Only its patient may do it.
 *
 * @throws Failure `record_tombstoned` if it is withdrawn already; nothing is signed twice.
 */
export async function withdraw(client: Client, id: Hex, errand: Errand): Promise<void> {
  errand.phase('preparing');
  const known = await ownRecord(client, id);
  if (known.status === TOMBSTONED) throw new Failure('record_tombstoned');
  const [{ epoch }, period, now] = await Promise.all([client.chain.tombstone(id), client.chain.liftPeriod(), client.chain.now()]);
  const message = { patient: client.address, record: id, epoch, nonce: newNonce(), deadline: await newDeadline(client.chain, 'tombstone') };
  const sentence = { key: 'sign.tombstone', values: { record: id, until: now + period } } as const;
  await carryOut(client, { type: 'tombstone', message }, sentence, errand);
}

/**
 * Puts a withdrawn record back. Its valid grants count again. Only its patient may do it, while it is still possible.
 *
 * @throws Failure `lift_period_over`, `stale_state` if it is not withdrawn.
 */
export async function putBack(client: Client, id: Hex, errand: Errand): Promise<void> {
  errand.phase('preparing');
  const known = await ownRecord(client, id);
  if (known.status !== TOMBSTONED) throw new Failure('stale_state');
  const [{ epoch, liftableUntil }, now] = await Promise.all([client.chain.tombstone(id), client.chain.now()]);
  if (liftableUntil <= now) throw new Failure('lift_period_over');
  const message = {
    patient: client.address,
    record: id,
    epoch,
    nonce: newNonce(),
    deadline: await newDeadline(client.chain, 'lift_tombstone'),
  };
  await carryOut(client, { type: 'lift_tombstone', message }, { key: 'sign.lift', values: { record: id } }, errand);
}

/**
 * Warns people not to rely on the versions that this uploader has uploaded. Nothing is deleted. Only the first uploader may do it, in the
 * browser that made the record, while they may still upload.
 */
export async function retract(client: Client, id: Hex, errand: Errand): Promise<void> {
  errand.phase('preparing');
  const known = await client.chain.record(id);
  if (known.patient === client.address) throw new Failure('not_allowed');
  const salt = await ownSalt(client, id);
  if (known.status === TOMBSTONED) throw new Failure('record_tombstoned');
  if (known.retracted >= known.version) return;
  const writeSalt = await findWriteSalt(client, known.patient, known.category);
  const message = {
    uploader: client.address,
    record: id,
    version: known.version,
    salt,
    writeSalt,
    nonce: newNonce(),
    deadline: await newDeadline(client.chain, 'retract'),
  };
  await carryOut(client, { type: 'retract', message }, { key: 'sign.retract', values: { record: id } }, errand);
}

async function ownRecord(client: Client, id: Hex): Promise<ChainRecord> {
  const known = await client.chain.record(id);
  if (known.patient !== client.address) throw new Failure('not_allowed');
  return known;
}
