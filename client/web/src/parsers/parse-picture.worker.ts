/** Decodes pictures. */
import { PICTURE_BYTES_MAX, SHOWN_PIXELS_MAX, SOURCE_PIXELS_MAX } from './limits.ts';
import { lockDown } from './lock-down.ts';
import { ParseError, type Failed } from './parser.ts';
import type { PictureAnswer, PictureQuestion } from './picture-messages.ts';
import { pictureSize } from './picture-size.ts';

lockDown();

/** The number of bytes at the start of a file in which its size is searched. */
const HEAD_BYTES = 1 << 20;

async function decode({ blob, mediaType }: PictureQuestion): Promise<ImageBitmap> {
  if (blob.size > PICTURE_BYTES_MAX) throw new ParseError('too_large');
  const size = pictureSize(new Uint8Array(await blob.slice(0, HEAD_BYTES).arrayBuffer()));
  if (size === null) throw new ParseError('broken');
  if (size.width * size.height > SOURCE_PIXELS_MAX) throw new ParseError('too_large');
  const full = await createImageBitmap(new Blob([blob], { type: mediaType }));
  const pixels = full.width * full.height;
  if (pixels > SOURCE_PIXELS_MAX) throw new ParseError('too_large');
  if (pixels <= SHOWN_PIXELS_MAX) return full;
  const scale = Math.sqrt(SHOWN_PIXELS_MAX / pixels);
  const resizeWidth = Math.max(1, Math.floor(full.width * scale));
  const resizeHeight = Math.max(1, Math.floor(full.height * scale));
  const shown = await createImageBitmap(full, { resizeWidth, resizeHeight, resizeQuality: 'high' });
  full.close();
  return shown;
}

self.onmessage = ({ data }: MessageEvent<PictureQuestion>): void => {
  decode(data).then(
    (bitmap) => self.postMessage({ kind: 'picture', bitmap } satisfies PictureAnswer, { transfer: [bitmap] }),
    (error: unknown) => self.postMessage({ kind: 'failed', fault: error instanceof ParseError ? error.code : 'broken' } satisfies Failed),
  );
};
