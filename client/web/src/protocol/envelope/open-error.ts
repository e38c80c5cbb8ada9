/** The reasons why an envelope does not open. The codes are the classes of the shared vectors. */

import { ProtocolError } from '../error.ts';

const MESSAGES = {
  header: "the envelope's header is malformed or names another record",
  tag: 'the envelope was changed, or the key is wrong',
  final: 'the envelope is truncated, or has extra bytes at its end',
  length: 'the lengths inside the envelope contradict each other',
  padding: 'the padding of the envelope does not follow the protocol',
  commitment: 'the envelope does not match its key or its content hash',
  'no match': 'the owner capsule is not for this key',
} as const;

/** The class of a failure, as in the shared vectors. */
type OpenErrorClass = keyof typeof MESSAGES;

/**
 * Thrown if an envelope does not open.
 *
 * - `header`: magic, suite, flags, version, owner capsule, FLOE parameters or metadata are malformed, or the header names another record or
 *   version than the requested one.
 * - `tag`: an authentication tag is wrong: wrong key, wrong chain or registry, or changed bytes.
 * - `final`: the file does not end exactly with its final segment.
 * - `length`: lengths inside the envelope contradict each other.
 * - `padding`: the padding is not zero, or has a wrong length.
 * - `commitment`: owner capsule, release share or content hash do not match the key and the content.
 * - `no match`: the owner capsule is not for this key, patient, record, version or epoch.
 */
export class OpenError extends ProtocolError<OpenErrorClass> {
  constructor(code: OpenErrorClass) {
    super(code, MESSAGES[code]);
  }
}
