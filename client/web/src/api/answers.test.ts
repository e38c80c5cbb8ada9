import { expect, test } from 'vitest';
import { parseChallenge, parseServerInfo, parseSessionToken } from './answers.ts';

const challenge = {
  chain_id: 31337,
  domain: 'medlock.example',
  nonce: 'abcdefgh',
  nonce_expires_at: 1_795_000_300,
  server_time: 1_795_000_000,
  session_seconds_max: 3600,
  uri: 'https://medlock.example',
};
const info = { anchor_seconds_max: 60, deployment: {}, envelope_bytes_max: 1 << 30, version: '0.1.0' };
const token = { address: '0xaa', expires_at: 1_795_003_600, token: 'opaque' };
const refused = expect.objectContaining({ code: 'invalid_answer' });

test('answers of the described form are taken', () => {
  expect(parseChallenge(challenge)).toEqual(challenge);
  expect(parseServerInfo(info)).toEqual(info);
  expect(parseSessionToken(token)).toEqual(token);
});

test.each(['1795000000', 1.5, -1, NaN, 2 ** 50, null, undefined, [1]])('%j is no number of a challenge', (value) => {
  for (const name of ['server_time', 'session_seconds_max', 'chain_id']) {
    expect(() => parseChallenge({ ...challenge, [name]: value })).toThrow(refused);
  }
  expect(() => parseServerInfo({ ...info, envelope_bytes_max: value })).toThrow(refused);
  expect(() => parseSessionToken({ ...token, expires_at: value })).toThrow(refused);
});

test.each([null, 'text', 7, []])('%j is no answer', (value) => {
  expect(() => parseChallenge(value)).toThrow(refused);
  expect(() => parseServerInfo(value)).toThrow(refused);
});
