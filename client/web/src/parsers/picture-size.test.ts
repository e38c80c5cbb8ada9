import { expect, test } from 'vitest';
import { pictureSize } from './picture-size.ts';

const bytes = (...parts: (string | readonly number[])[]): Uint8Array =>
  Uint8Array.from(parts.flatMap((part) => (typeof part === 'string' ? [...part].map((char) => char.charCodeAt(0)) : [...part])));
const zeros = (count: number): number[] => new Array<number>(count).fill(0);

test.each<[string, Uint8Array, { width: number; height: number } | null]>([
  ['PNG', bytes([0x89], 'PNG', [13, 10, 26, 10], [0, 0, 0, 13], 'IHDR', [0, 0, 1, 0], [0, 0, 0, 2]), { width: 256, height: 2 }],
  [
    'PNG of four billion squared',
    bytes([0x89], 'PNG', [13, 10, 26, 10], [0, 0, 0, 13], 'IHDR', [255, 255, 255, 255], [255, 255, 255, 255]),
    { width: 4294967295, height: 4294967295 },
  ],
  ['GIF', bytes('GIF89a', [0, 1], [3, 0]), { width: 256, height: 3 }],
  ['BMP upside down', bytes('BM', zeros(16), [4, 0, 0, 0], [0xfe, 0xff, 0xff, 0xff]), { width: 4, height: 2 }],
  [
    'JPEG behind a long segment',
    bytes([0xff, 0xd8, 0xff, 0xe0, 0, 6], zeros(4), [0xff, 0xff, 0xc2, 0, 17, 8, 0, 5, 0, 7, 3], zeros(4)),
    { width: 7, height: 5 },
  ],
  ['WebP, extended', bytes('RIFF', zeros(4), 'WEBPVP8X', [10, 0, 0, 0], zeros(4), [255, 255, 0], [1, 0, 0]), { width: 65536, height: 2 }],
  ['WebP, lossless', bytes('RIFF', zeros(4), 'WEBPVP8L', zeros(4), [0x2f], [3, 0x40, 0, 0]), { width: 4, height: 2 }],
  ['WebP, lossy', bytes('RIFF', zeros(4), 'WEBPVP8 ', zeros(10), [8, 0], [9, 0]), { width: 8, height: 9 }],
  [
    'AVIF, the largest of two',
    bytes(zeros(4), 'ftypavif', zeros(4), 'ispe', zeros(4), [0, 0, 0, 2], [0, 0, 0, 2], 'ispe', zeros(4), [0, 0, 1, 0], [0, 0, 0, 3]),
    { width: 256, height: 3 },
  ],
  ['PNG without a width', bytes([0x89], 'PNG', [13, 10, 26, 10], [0, 0, 0, 13], 'IHDR', [0, 0, 0, 0], [0, 0, 0, 2]), null],
  ['PNG that is cut off', bytes([0x89], 'PNG', [13, 10, 26, 10], [0, 0, 0, 13], 'IHDR', [0, 0]), null],
  ['JPEG whose segments never end', bytes([0xff, 0xd8], ...Array.from({ length: 50 }, () => [0xff, 0xe0, 0, 2])), null],
  ['JPEG with a segment of no length', bytes([0xff, 0xd8, 0xff, 0xe0, 0, 0], zeros(20)), null],
  ['nothing', new Uint8Array(0), null],
  ['text', bytes('hello'), null],
])('the size of a %s', (_, file, size) => {
  expect(pictureSize(file)).toEqual(size);
});
