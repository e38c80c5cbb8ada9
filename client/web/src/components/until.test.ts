import { expect, test } from 'vitest';
import { AUTHORITY_SECONDS_MAX } from '../protocol/ends.ts';
import { dayText, endOfDay, endOfDayText, endProblem } from './UntilField.tsx';

test('a day lasts until its last second on this device', () => {
  const end = endOfDayText('2026-05-03');
  expect(end).not.toBeNull();
  const date = new Date((end ?? 0) * 1_000);
  expect([date.getFullYear(), date.getMonth() + 1, date.getDate(), date.getHours(), date.getMinutes(), date.getSeconds()]).toEqual([
    2026, 5, 3, 23, 59, 59,
  ]);
});

test('an empty or half date is none', () => {
  expect(endOfDayText('')).toBeNull();
  expect(endOfDayText('2026-05')).toBeNull();
});

test('a date field gets the day back', () => {
  expect(dayText(endOfDayText('2026-12-31') ?? 0)).toBe('2026-12-31');
});

test('seven days from now is the end of that day', () => {
  const wanted = new Date();
  wanted.setDate(wanted.getDate() + 7);
  expect(dayText(endOfDay(7))).toBe(dayText(wanted.getTime() / 1_000));
});

test('an end lies ahead, and within twenty years', () => {
  const now = 1_000;
  expect(endProblem(now, now)).toBe('share.until.past');
  expect(endProblem(now + 1, now)).toBeNull();
  expect(endProblem(now + AUTHORITY_SECONDS_MAX, now)).toBeNull();
  expect(endProblem(now + AUTHORITY_SECONDS_MAX + 1, now)).toBe('share.until.far');
});
