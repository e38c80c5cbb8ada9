import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { SENTENCE_KEYS } from '../types/signing.ts';
import { en } from './en.ts';

const SOURCE = fileURLToPath(new URL('..', import.meta.url));

/** The source of all files except dictionaries and tests. */
const sources = readdirSync(SOURCE, { recursive: true, encoding: 'utf8' })
  .filter((name) => /\.tsx?$/.test(name) && !name.startsWith('i18n') && !name.includes('.test.'))
  .map((name) => readFileSync(join(SOURCE, name), 'utf8'))
  .join('\n');

/** The first parts of keys whose end is known only at run time: t(`category.${name}`). */
const beginnings = [...sources.matchAll(/\bt\(`([\w.]+\.)\$\{/g)].map((match) => match[1] ?? '');

test('every text is used somewhere', () => {
  const sentences: readonly string[] = SENTENCE_KEYS;
  const unused = Object.keys(en).filter(
    (key) => !sources.includes(`'${key}'`) && !sentences.includes(key) && !beginnings.some((beginning) => key.startsWith(beginning)),
  );
  expect(unused).toEqual([]);
});
