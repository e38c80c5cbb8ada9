/**
 * Parses the answers on which a signature or a limit depends, field by field: the type of an answer does not prove what the JSON contains.
 */
import { Failure } from '../failure.ts';
import { isUint } from '../protocol/json-form.ts';
import type { components } from './schema.d.ts';

type Schemas = components['schemas'];

/** The maximum for times and limits, 2^40 seconds or bytes. Larger numbers are rejected. */
const NUMBER_MAX = 2 ** 40;

type Fields = Readonly<Record<string, unknown>>;

function fieldsOf(answer: unknown): Fields {
  if (typeof answer !== 'object' || answer === null || Array.isArray(answer)) throw new Failure('invalid_answer');
  return answer as Fields;
}

function text(fields: Fields, name: string): string {
  const value = fields[name];
  if (typeof value !== 'string') throw new Failure('invalid_answer', { values: { field: name } });
  return value;
}

function uint(fields: Fields, name: string): number {
  const value = fields[name];
  if (!isUint(value, NUMBER_MAX)) throw new Failure('invalid_answer', { values: { field: name } });
  return value;
}

/** Parses a login challenge. @throws Failure `invalid_answer`. */
export function parseChallenge(answer: unknown): Schemas['Challenge'] {
  const fields = fieldsOf(answer);
  return {
    chain_id: uint(fields, 'chain_id'),
    domain: text(fields, 'domain'),
    nonce: text(fields, 'nonce'),
    nonce_expires_at: uint(fields, 'nonce_expires_at'),
    server_time: uint(fields, 'server_time'),
    session_seconds_max: uint(fields, 'session_seconds_max'),
    uri: text(fields, 'uri'),
  };
}

/** Parses the answer to a login. @throws Failure `invalid_answer`. */
export function parseSessionToken(answer: unknown): Schemas['SessionToken'] {
  const fields = fieldsOf(answer);
  return { address: text(fields, 'address'), expires_at: uint(fields, 'expires_at'), token: text(fields, 'token') };
}

/** Parses the server's description of itself. `parseDeployment` parses the deployment in it. @throws Failure `invalid_answer`. */
export function parseServerInfo(answer: unknown): Omit<Schemas['ServerInfo'], 'deployment'> & { readonly deployment: unknown } {
  const fields = fieldsOf(answer);
  return {
    anchor_seconds_max: uint(fields, 'anchor_seconds_max'),
    deployment: fields['deployment'],
    envelope_bytes_max: uint(fields, 'envelope_bytes_max'),
    version: text(fields, 'version'),
  };
}
