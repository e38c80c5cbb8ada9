import { expect, test } from 'vitest';
import { checkChallenge } from './login.ts';

const page = { host: 'medlock.example', origin: 'https://medlock.example' };
const good = () => ({
  nonce: 'abcdefgh12345678',
  domain: 'medlock.example',
  uri: 'https://medlock.example',
  chain_id: 31337,
  server_time: Math.floor(Date.now() / 1000),
  nonce_expires_at: 0,
  session_seconds_max: 3600,
});

test('a challenge of this page is signed', () => {
  expect(() => checkChallenge(good(), 31337, page)).not.toThrow();
});

test.each([
  ['another chain', { chain_id: 1 }, 'suspicious_challenge'],
  ['another domain', { domain: 'evil.example' }, 'suspicious_challenge'],
  ['another URI', { uri: 'https://evil.example' }, 'suspicious_challenge'],
  ['a nonce with a line break', { nonce: 'abcdefgh\nResources:' }, 'suspicious_challenge'],
  ['a URI with a line break', { uri: 'https://medlock.example/\nx' }, 'suspicious_challenge'],
  ['an endless session', { session_seconds_max: 1e9 }, 'suspicious_challenge'],
  ['another time', { server_time: 1_000 }, 'clock_skew'],
])('%s is refused', (_, change, code) => {
  expect(() => checkChallenge({ ...good(), ...change }, 31337, page)).toThrow(expect.objectContaining({ code }));
});
