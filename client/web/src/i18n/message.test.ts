import { expect, test } from 'vitest';
import { render } from './message.ts';

const english = new Intl.PluralRules('en');
const arabic = new Intl.PluralRules('ar');
const number = new Intl.NumberFormat('en');

test('values stand in their places', () => {
  expect(render('{name} can open this until {date}', { name: 'Ada', date: '3 May' }, english, number, false)).toBe(
    'Ada can open this until 3 May',
  );
});

test('numbers are written in the language', () => {
  expect(render('{count} of {total}', { count: 1200, total: 34000 }, english, number, false)).toBe('1,200 of 34,000');
});

test('the plural class of the count decides', () => {
  const message = { one: '{count} record', other: '{count} records' };
  expect(render(message, { count: 1 }, english, number, false)).toBe('1 record');
  expect(render(message, { count: 2 }, english, number, false)).toBe('2 records');
});

test('a class without a form of its own falls back to other', () => {
  expect(render({ other: '{count} وثيقة' }, { count: 3 }, arabic, number, false)).toBe('3 وثيقة');
});

test('a value that holds a place is not filled again', () => {
  expect(render('{name} and {date}', { name: '{date}', date: 'x' }, english, number, false)).toBe('{date} and x');
});

test('inserted text is isolated where the language runs from right to left', () => {
  expect(render('فتح {name}', { name: 'Ada' }, arabic, number, true)).toBe('فتح \u2068Ada\u2069');
});

test('a name that runs from right to left is isolated in every language', () => {
  expect(render('{name}, 3 May', { name: 'סבתא' }, english, number, false)).toBe('\u2068סבתא\u2069, 3 May');
});
