import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { CATEGORIES, PURPOSES, ROLES } from '../protocol/codes.ts';
import { SENTENCE_KEYS } from '../types/signing.ts';
import { FAILURE_CODES, SERVER_CODES } from '../failure.ts';
import { isRightToLeft, LANGUAGES, load, type Dictionary, type Language } from './language.ts';
import type { Message } from './message.ts';

const languages = Object.keys(LANGUAGES) as Language[];
const dictionaries = new Map<Language, Dictionary>();
for (const language of languages) dictionaries.set(language, await load(language));
const english = await load('en');

/** Texts that are the same in another language, or names. */
const SAME: ReadonlySet<string> = new Set(['app.title', 'viewer.fhir.normal', 'note.status.provisional', 'role.auditor']);

const forms = (message: Message): readonly string[] => (typeof message === 'string' ? [message] : Object.values(message));
const places = (text: string): readonly string[] => [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? '').sort();

function of(language: Language): Readonly<Record<string, Message>> {
  return dictionaries.get(language)?.messages as Readonly<Record<string, Message>>;
}

test.each(languages)('%s has every text, none empty', (language) => {
  const messages = of(language);
  expect(Object.keys(messages).sort()).toEqual(Object.keys(english.messages).sort());
  for (const [key, message] of Object.entries(messages)) {
    for (const text of forms(message)) expect(text.trim(), key).not.toBe('');
  }
});

test.each(languages)('%s has the places of the English texts, and no others', (language) => {
  for (const [key, message] of Object.entries(of(language))) {
    const source = forms((english.messages as Readonly<Record<string, Message>>)[key] as Message);
    const expected = [...new Set(source.flatMap(places))];
    const isPlural = typeof message !== 'string';
    for (const text of forms(message)) {
      const found = [...new Set(places(text))];
      expect(expected, `${key}: ${text}`).toEqual(expect.arrayContaining(found));
      // "Encrypt and add" for one file needs no number. All other places of the English text must be there.
      const missing = expected.filter((place) => !found.includes(place) && !(isPlural && place === 'count'));
      expect(missing, `${key}: ${text}`).toEqual([]);
    }
  }
});

test.each(languages)('%s has the plural classes of its language', (language) => {
  const classes = new Intl.PluralRules(language).resolvedOptions().pluralCategories;
  for (const [key, message] of Object.entries(of(language))) {
    if (typeof message === 'string') continue;
    expect(classes, key).toEqual(expect.arrayContaining(Object.keys(message)));
    // If the language does not treat 0 in a special way, `zero` may fall back to `other`. `many` in Spanish is for millions.
    const needed = classes.filter((name) => name !== 'zero' && !(language === 'es' && name === 'many'));
    expect(Object.keys(message), key).toEqual(expect.arrayContaining(needed));
  }
});

test.each(languages.filter((language) => language !== 'en'))('%s is translated, not copied', (language) => {
  const copied = Object.entries(of(language)).filter(
    ([key, message]) =>
      !SAME.has(key) && JSON.stringify(message) === JSON.stringify((english.messages as Readonly<Record<string, Message>>)[key]),
  );
  expect(copied.map(([key]) => key)).toEqual([]);
});

test.each(languages)('%s says for every failure what went wrong and what to do', (language) => {
  const failures: Readonly<Record<string, readonly string[]>> = dictionaries.get(language)?.failures ?? {};
  expect(Object.keys(failures).sort()).toEqual([...FAILURE_CODES].sort());
  for (const [code, sentences] of Object.entries(failures)) {
    expect(sentences, code).toHaveLength(2);
    for (const sentence of sentences) expect(sentence.length, code).toBeGreaterThan(8);
  }
});

test('every code of the API is known', () => {
  const document = JSON.parse(readFileSync(new URL('../../../../api/openapi.json', import.meta.url), 'utf8')) as {
    components: { schemas: { ErrorCode: { enum: readonly string[] } } };
  };
  expect([...SERVER_CODES].sort()).toEqual([...document.components.schemas.ErrorCode.enum].sort());
});

test('every sentence before a signature has words', () => {
  const keys = Object.keys(english.messages);
  for (const key of SENTENCE_KEYS)
    expect(
      keys.some((known) => known === key || known.startsWith(`${key}.`)),
      key,
    ).toBe(true);
});

test('every category, purpose and role has a name', () => {
  const keys = Object.keys(english.messages);
  expect(keys).toEqual(expect.arrayContaining(CATEGORIES.all.map((name) => `category.${name}`)));
  expect(keys).toEqual(expect.arrayContaining(PURPOSES.all.map((name) => `purpose.${name}`)));
  expect(keys).toEqual(expect.arrayContaining(ROLES.all.map((name) => `role.${name}`)));
});

test('Arabic is written from right to left, the others are not', () => {
  expect(languages.filter(isRightToLeft)).toEqual(['ar']);
});
