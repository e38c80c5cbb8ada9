import { expect, test } from 'vitest';
import { Refused } from '../chain/rpc.ts';
import { Failure } from '../failure.ts';
import { badItems, mapEach, shortName } from './each.ts';

test('one bad item is told and the others are done, in order', async () => {
  const { done, bad } = await mapEach(
    [1, 2, 3, 4, 5],
    async (item) => {
      if (item === 2) throw new Failure('invalid_envelope');
      if (item === 4) throw new TypeError('malformed');
      return item * 10;
    },
    2,
  );
  expect(done).toEqual([10, 30, 50]);
  expect(badItems(bad, String)).toEqual([
    { name: '2', code: 'invalid_envelope' },
    { name: '4', code: 'unknown' },
  ]);
});

test('a node that refuses one question has answered; one that is gone has not', async () => {
  const refuse = async (item: number): Promise<number> => {
    if (item === 1) throw new Refused(new Error('execution reverted'), null);
    return item;
  };
  expect(await mapEach([1, 2], refuse)).toMatchObject({ done: [2], bad: [{ item: 1 }] });
  await expect(mapEach([1, 2], async () => Promise.reject(new Failure('rpc')))).rejects.toMatchObject({ code: 'rpc' });
});

test.each(['unreachable', 'not_signed_in', 'locked', 'cancelled', 'rate_limited'] as const)(
  '%s is of the moment and ends all',
  async (code) => {
    await expect(mapEach([1, 2, 3], async () => Promise.reject(new Failure(code)))).rejects.toMatchObject({ code });
  },
);

test('a name of what a server sent never throws', () => {
  expect([shortName(undefined), shortName({}), shortName('0x'), shortName(`0x${'ab'.repeat(32)}`)]).toEqual(['–', '–', '–', '0xabab…abab']);
});
