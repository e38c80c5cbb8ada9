/** Reads the size of a picture from its first bytes. The decision whether to show it is made before anything is decoded. */

interface Size {
  readonly width: number;
  readonly height: number;
}

const ascii = (bytes: Uint8Array, at: number, text: string): boolean =>
  [...text].every((char, index) => bytes[at + index] === char.charCodeAt(0));

/** Returns the size of a PNG, JPEG, GIF, WebP, BMP or AVIF; `null` if its first bytes do not contain one. Never throws. */
export function pictureSize(bytes: Uint8Array): Size | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  try {
    const size = find(bytes, view);
    return size !== null && size.width > 0 && size.height > 0 ? size : null;
  } catch (error) {
    // The bytes end before the header does.
    if (error instanceof RangeError) return null;
    throw error;
  }
}

function find(bytes: Uint8Array, view: DataView): Size | null {
  if (ascii(bytes, 1, 'PNG') && ascii(bytes, 12, 'IHDR')) return { width: view.getUint32(16), height: view.getUint32(20) };
  if (ascii(bytes, 0, 'GIF8')) return { width: view.getUint16(6, true), height: view.getUint16(8, true) };
  if (ascii(bytes, 0, 'BM')) return { width: Math.abs(view.getInt32(18, true)), height: Math.abs(view.getInt32(22, true)) };
  if (ascii(bytes, 0, 'RIFF') && ascii(bytes, 8, 'WEBP')) return webp(bytes, view);
  if (bytes[0] === 0xff && bytes[1] === 0xd8) return jpeg(view);
  if (ascii(bytes, 4, 'ftyp')) return avif(bytes, view);
  return null;
}

function webp(bytes: Uint8Array, view: DataView): Size | null {
  if (ascii(bytes, 12, 'VP8X')) {
    const u24 = (at: number): number => view.getUint16(at, true) | (view.getUint8(at + 2) << 16);
    return { width: u24(24) + 1, height: u24(27) + 1 };
  }
  if (ascii(bytes, 12, 'VP8L')) {
    const bits = view.getUint32(21, true);
    return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 };
  }
  if (ascii(bytes, 12, 'VP8 ')) return { width: view.getUint16(26, true) & 0x3fff, height: view.getUint16(28, true) & 0x3fff };
  return null;
}

/** Reads the first frame header. */
function jpeg(view: DataView): Size | null {
  for (let at = 2; at + 9 < view.byteLength; ) {
    if (view.getUint8(at) !== 0xff) return null;
    const marker = view.getUint8(at + 1);
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (isFrame) return { width: view.getUint16(at + 7), height: view.getUint16(at + 5) };
    // Skips fill bytes and markers without a length.
    if (marker === 0xff) at += 1;
    else if (marker === 0x01 || (marker >= 0xd0 && marker <= 0xd9)) at += 2;
    else at += 2 + view.getUint16(at + 2);
  }
  return null;
}

/** Returns the largest size in the file, because the picture may consist of tiles. */
function avif(bytes: Uint8Array, view: DataView): Size | null {
  let found: Size | null = null;
  for (let at = 8; at + 16 <= bytes.length; at += 1) {
    if (!ascii(bytes, at, 'ispe')) continue;
    const size = { width: view.getUint32(at + 8), height: view.getUint32(at + 12) };
    if (found === null || size.width * size.height > found.width * found.height) found = size;
  }
  return found;
}
