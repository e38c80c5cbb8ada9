// Writes every event into the rows of our mirror, as Ponder's documentation recommends. Where there was a choice, the one
// that is better for Ponder was taken: no indexes but the primary keys, and the accesses of a checkpoint are inserted in
// one call.
import { ponder } from "ponder:registry";
import {
  accesses,
  accreditors,
  checkpoints,
  events,
  grants,
  keys,
  patients,
  practitioners,
  records,
  versions,
} from "ponder:schema";
import { concatHex, type Hex, hexToBytes, keccak256, pad, toHex } from "viem";

type Emitted = {
  block: { number: bigint; hash: Hex; timestamp: bigint };
  transaction: { hash: Hex };
  log: { address: Hex; data: Hex; logIndex: number; topics: readonly (Hex | null)[] };
};
type Store = { insert: (table: typeof events) => { values: (row: typeof events.$inferInsert) => Promise<unknown> } };

const placeOf = ({ block, transaction, log }: Emitted) => ({
  block_number: Number(block.number),
  block_hash: block.hash,
  block_time: Number(block.timestamp),
  tx_hash: transaction.hash,
  log_index: log.logIndex,
});

const lower = (hex: Hex) => hex.toLowerCase() as Hex;

/** Stores the event itself, with each of its subjects once. */
async function keep(db: Store, event: Emitted, name: string, subjects: Hex[]) {
  const about = [...new Set(subjects.map(lower))].filter((subject) => !/^0x0*$/.test(subject));
  await db.insert(events).values({
    id: `${event.block.hash}:${event.log.logIndex}`,
    contract: event.log.address,
    name,
    topics: event.log.topics.filter((topic): topic is Hex => topic !== null),
    data: event.log.data,
    about,
    ...placeOf(event),
  });
}

const BASE32 = "abcdefghijklmnopqrstuvwxyz234567";

/** Returns the CIDv1 of a SHA-256 digest, in base32. */
function cidOf(codec: number, digest: Hex): string {
  const bytes = [0x01, codec, 0x12, 0x20, ...hexToBytes(digest)];
  let [text, bits, held] = ["b", 0, 0];
  for (const byte of bytes) {
    held = ((held << 8) | byte) & 0xfff;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += BASE32[(held >> bits) & 31];
    }
  }
  return bits > 0 ? text + BASE32[(held << (5 - bits)) & 31] : text;
}

ponder.on("RecordRegistry:RecordRegistered", async ({ event, context: { db } }) => {
  const { id, patient, category, uploader, version, codec, digest } = event.args;
  const place = placeOf(event);
  await keep(db, event, "RecordRegistered", [id, patient, uploader]);
  await db.insert(versions).values({
    id: `${id}:${String(version).padStart(5, "0")}`,
    record: id,
    version,
    patient,
    uploader,
    codec,
    digest,
    cid: cidOf(codec, digest),
    ...place,
  });
  if (version === 1) {
    const created = place.block_time;
    const fresh = { status: 1, tombstone_epoch: 0, liftable_until: 0, retracted: 0 };
    await db.insert(records).values({ id, patient, uploader, category, ...fresh, version, created, ...place });
  } else {
    await db.update(records, { id }).set({ version, ...place });
  }
});

ponder.on("RecordRegistry:RecordStatusChanged", async ({ event, context: { db } }) => {
  const { id, patient, status, epoch, liftableUntil } = event.args;
  await keep(db, event, "RecordStatusChanged", [id, patient]);
  const row = { status, tombstone_epoch: epoch, liftable_until: liftableUntil };
  await db.update(records, { id }).set({ ...row, ...placeOf(event) });
});

ponder.on("RecordRegistry:RecordRetracted", async ({ event, context: { db } }) => {
  const { id, patient, uploader, version } = event.args;
  await keep(db, event, "RecordRetracted", [id, patient, uploader]);
  await db.update(records, { id }).set({ retracted: version, ...placeOf(event) });
});

const grantId = (patient: Hex, tag: Hex, kind: number, scopeId: Hex) =>
  keccak256(concatHex([pad(patient), tag, pad(toHex(kind)), scopeId]));

ponder.on("GrantRegistry:Granted", async ({ event, context: { db } }) => {
  const { patient, tag, scopeId, terms, bundleHash } = event.args;
  const bits = (from: bigint, width: number) => Number(BigInt.asUintN(width, terms >> from));
  const kind = bits(168n, 8);
  await keep(db, event, "Granted", kind === 0 ? [tag, patient, scopeId] : [tag, patient]);
  const row = {
    rights: bits(160n, 8),
    purposes: bits(144n, 16),
    not_before: bits(0n, 40),
    not_after: bits(40n, 40),
    epoch: bits(80n, 32),
    patient_epoch: bits(112n, 32),
    bundle_hash: bundleHash,
    revoked: false,
    ...placeOf(event),
  };
  await db
    .insert(grants)
    .values({ id: grantId(patient, tag, kind, scopeId), patient, tag, kind, scope_id: scopeId, ...row })
    .onConflictDoUpdate(row);
});

ponder.on("GrantRegistry:Revoked", async ({ event, context: { db } }) => {
  const { patient, tag, scopeId, kind, epoch } = event.args;
  await keep(db, event, "Revoked", kind === 0 ? [tag, patient, scopeId] : [tag, patient]);
  const ended = { rights: 0, epoch, revoked: true, ...placeOf(event) };
  await db
    .insert(grants)
    .values({
      id: grantId(patient, tag, kind, scopeId),
      patient,
      tag,
      kind,
      scope_id: scopeId,
      purposes: 0,
      not_before: 0,
      not_after: 0,
      patient_epoch: 0,
      bundle_hash: pad("0x"),
      ...ended,
    })
    .onConflictDoUpdate(ended);
});

ponder.on("GrantRegistry:AllRevoked", async ({ event, context: { db } }) => {
  const { patient, patientEpoch } = event.args;
  await keep(db, event, "AllRevoked", [patient]);
  const row = { patient_epoch: patientEpoch, ...placeOf(event) };
  await db
    .insert(patients)
    .values({ id: patient, ...row })
    .onConflictDoUpdate(row);
});

ponder.on("KeyRegistry:KeyRegistered", async ({ event, context: { db } }) => {
  const { owner, keyHash, slot, epoch, kem, key } = event.args;
  await keep(db, event, "KeyRegistered", [owner]);
  const id = `${lower(owner)}:${slot}:${String(epoch).padStart(10, "0")}`;
  await db.insert(keys).values({ id, owner, slot, epoch, kem, key_hash: keyHash, key, ...placeOf(event) });
});

ponder.on("Accreditation:AccreditorSet", async ({ event, context: { db } }) => {
  const { accreditor, active, epoch } = event.args;
  await keep(db, event, "AccreditorSet", [accreditor]);
  const row = { active, epoch, ...placeOf(event) };
  await db
    .insert(accreditors)
    .values({ id: accreditor, ...row })
    .onConflictDoUpdate(row);
});

ponder.on("Accreditation:Accredited", async ({ event, context: { db } }) => {
  const { accreditor, practitioner, roles, validFrom, validUntil, epoch, accreditorEpoch } = event.args;
  await keep(db, event, "Accredited", [practitioner, accreditor]);
  const row = {
    accreditor,
    roles,
    valid_from: validFrom,
    valid_until: validUntil,
    suspended: false,
    epoch,
    accreditor_epoch: accreditorEpoch,
    ...placeOf(event),
  };
  await db
    .insert(practitioners)
    .values({ id: practitioner, ...row })
    .onConflictDoUpdate(row);
});

ponder.on("Accreditation:AccreditationChanged", async ({ event, context: { db } }) => {
  const { accreditor, practitioner, suspended, epoch } = event.args;
  await keep(db, event, "AccreditationChanged", [practitioner, accreditor]);
  await db.update(practitioners, { id: practitioner }).set({ suspended, epoch, ...placeOf(event) });
});

ponder.on("Accreditation:OwnershipTransferred", async ({ event, context: { db } }) => {
  const { owner, successor } = event.args;
  await keep(db, event, "OwnershipTransferred", [owner, successor]);
});

/** Accesses whose checkpoint, which is in the same transaction, was not processed yet. */
let open: Omit<typeof accesses.$inferInsert, "id" | "index">[] = [];

ponder.on("AccessLog:Accessed", async ({ event, context: { db } }) => {
  const { operator, record, tag, purposes, leaf } = event.args;
  await keep(db, event, "Accessed", [operator, record, tag]);
  open.push({ operator, record, tag, purposes, leaf, ...placeOf(event) });
});

ponder.on("AccessLog:Checkpoint", async ({ event, context: { db } }) => {
  const { operator, size, root, head } = event.args;
  await keep(db, event, "Checkpoint", [operator]);
  const numbered = (index: number) => `${lower(operator)}:${String(index).padStart(10, "0")}`;
  const first = Number(size) - open.length;
  await db.insert(accesses).values(open.map((row, at) => ({ id: numbered(first + at), index: first + at, ...row })));
  open = [];
  await db
    .insert(checkpoints)
    .values({ id: numbered(Number(size)), operator, size: Number(size), root, head, ...placeOf(event) });
});
