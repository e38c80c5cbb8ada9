/** Pictures, decoded in a worker that returns a bitmap. */
import { spawnPictureParser } from '../workers/spawn.ts';
import { parseOnce } from './parser.ts';

export interface PictureQuestion {
  readonly blob: Blob;
  /** Found in the bytes, not claimed. */
  readonly mediaType: string;
}

export interface PictureAnswer {
  readonly kind: 'picture';
  /** The first frame, made smaller if it is larger than what is shown. */
  readonly bitmap: ImageBitmap;
}

/** Decodes a picture. @throws ParseError. */
export async function decodePicture(question: PictureQuestion): Promise<ImageBitmap> {
  return (await parseOnce<PictureQuestion, PictureAnswer>(spawnPictureParser(), question)).bitmap;
}
