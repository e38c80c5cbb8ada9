import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { SERVER_CODES } from '../failure.ts';
import openapi from '../../../../api/openapi.json' with { type: 'json' };

const cwd = fileURLToPath(new URL('../..', import.meta.url));

test('the types are those of api/openapi.json', () => {
  expect(() => execFileSync('node', ['schema.mjs', '--check'], { stdio: 'pipe', cwd })).not.toThrow();
}, 60_000);

test('every code of the server has a name here, and no other', () => {
  expect([...SERVER_CODES].sort()).toEqual([...openapi.components.schemas.ErrorCode.enum].sort());
});
