// The collections of `protocol::mirror` as tables: the same names and columns; the fields of `place` are columns.
import { onchainTable } from "ponder";

export const events = onchainTable("events", (t) => ({
  id: t.text().primaryKey(),
  contract: t.hex().notNull(),
  name: t.text().notNull(),
  topics: t.hex().array().notNull(),
  data: t.hex().notNull(),
  about: t.hex().array().notNull(),
  block_number: t.integer().notNull(),
  block_hash: t.hex().notNull(),
  block_time: t.int8({ mode: "number" }).notNull(),
  tx_hash: t.hex().notNull(),
  log_index: t.integer().notNull(),
}));

export const records = onchainTable("records", (t) => ({
  id: t.hex().primaryKey(),
  patient: t.hex().notNull(),
  uploader: t.hex().notNull(),
  category: t.integer().notNull(),
  status: t.integer().notNull(),
  tombstone_epoch: t.int8({ mode: "number" }).notNull(),
  liftable_until: t.int8({ mode: "number" }).notNull(),
  retracted: t.integer().notNull(),
  version: t.integer().notNull(),
  created: t.int8({ mode: "number" }).notNull(),
  block_number: t.integer().notNull(),
  block_hash: t.hex().notNull(),
  block_time: t.int8({ mode: "number" }).notNull(),
  tx_hash: t.hex().notNull(),
  log_index: t.integer().notNull(),
}));

export const versions = onchainTable("versions", (t) => ({
  id: t.text().primaryKey(),
  record: t.hex().notNull(),
  version: t.integer().notNull(),
  patient: t.hex().notNull(),
  uploader: t.hex().notNull(),
  codec: t.integer().notNull(),
  digest: t.hex().notNull(),
  cid: t.text().notNull(),
  block_number: t.integer().notNull(),
  block_hash: t.hex().notNull(),
  block_time: t.int8({ mode: "number" }).notNull(),
  tx_hash: t.hex().notNull(),
  log_index: t.integer().notNull(),
}));

export const grants = onchainTable("grants", (t) => ({
  id: t.hex().primaryKey(),
  patient: t.hex().notNull(),
  tag: t.hex().notNull(),
  kind: t.integer().notNull(),
  scope_id: t.hex().notNull(),
  rights: t.integer().notNull(),
  purposes: t.integer().notNull(),
  not_before: t.int8({ mode: "number" }).notNull(),
  not_after: t.int8({ mode: "number" }).notNull(),
  epoch: t.int8({ mode: "number" }).notNull(),
  patient_epoch: t.int8({ mode: "number" }).notNull(),
  bundle_hash: t.hex().notNull(),
  revoked: t.boolean().notNull(),
  block_number: t.integer().notNull(),
  block_hash: t.hex().notNull(),
  block_time: t.int8({ mode: "number" }).notNull(),
  tx_hash: t.hex().notNull(),
  log_index: t.integer().notNull(),
}));

export const patients = onchainTable("patients", (t) => ({
  id: t.hex().primaryKey(),
  patient_epoch: t.int8({ mode: "number" }).notNull(),
  block_number: t.integer().notNull(),
  block_hash: t.hex().notNull(),
  block_time: t.int8({ mode: "number" }).notNull(),
  tx_hash: t.hex().notNull(),
  log_index: t.integer().notNull(),
}));

export const keys = onchainTable("keys", (t) => ({
  id: t.text().primaryKey(),
  owner: t.hex().notNull(),
  slot: t.integer().notNull(),
  epoch: t.int8({ mode: "number" }).notNull(),
  kem: t.integer().notNull(),
  key_hash: t.hex().notNull(),
  key: t.hex().notNull(),
  block_number: t.integer().notNull(),
  block_hash: t.hex().notNull(),
  block_time: t.int8({ mode: "number" }).notNull(),
  tx_hash: t.hex().notNull(),
  log_index: t.integer().notNull(),
}));

export const accreditors = onchainTable("accreditors", (t) => ({
  id: t.hex().primaryKey(),
  active: t.boolean().notNull(),
  epoch: t.int8({ mode: "number" }).notNull(),
  block_number: t.integer().notNull(),
  block_hash: t.hex().notNull(),
  block_time: t.int8({ mode: "number" }).notNull(),
  tx_hash: t.hex().notNull(),
  log_index: t.integer().notNull(),
}));

export const practitioners = onchainTable("practitioners", (t) => ({
  id: t.hex().primaryKey(),
  accreditor: t.hex().notNull(),
  roles: t.integer().notNull(),
  valid_from: t.int8({ mode: "number" }).notNull(),
  valid_until: t.int8({ mode: "number" }).notNull(),
  suspended: t.boolean().notNull(),
  epoch: t.int8({ mode: "number" }).notNull(),
  accreditor_epoch: t.int8({ mode: "number" }).notNull(),
  block_number: t.integer().notNull(),
  block_hash: t.hex().notNull(),
  block_time: t.int8({ mode: "number" }).notNull(),
  tx_hash: t.hex().notNull(),
  log_index: t.integer().notNull(),
}));

export const accesses = onchainTable("accesses", (t) => ({
  id: t.text().primaryKey(),
  operator: t.hex().notNull(),
  index: t.int8({ mode: "number" }).notNull(),
  record: t.hex().notNull(),
  tag: t.hex().notNull(),
  purposes: t.integer().notNull(),
  leaf: t.hex().notNull(),
  block_number: t.integer().notNull(),
  block_hash: t.hex().notNull(),
  block_time: t.int8({ mode: "number" }).notNull(),
  tx_hash: t.hex().notNull(),
  log_index: t.integer().notNull(),
}));

export const checkpoints = onchainTable("checkpoints", (t) => ({
  id: t.text().primaryKey(),
  operator: t.hex().notNull(),
  size: t.int8({ mode: "number" }).notNull(),
  root: t.hex().notNull(),
  head: t.hex().notNull(),
  block_number: t.integer().notNull(),
  block_hash: t.hex().notNull(),
  block_time: t.int8({ mode: "number" }).notNull(),
  tx_hash: t.hex().notNull(),
  log_index: t.integer().notNull(),
}));
