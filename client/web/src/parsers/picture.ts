/** Decodes pictures in a worker that returns a bitmap. */
import type { PictureAnswer, PictureQuestion } from './picture-messages.ts';
import { spawnPictureParser } from './spawn.ts';
import { parseOnce } from './parser.ts';

/** Decodes a picture. @throws ParseError. */
export async function decodePicture(question: PictureQuestion): Promise<ImageBitmap> {
  return (await parseOnce<PictureQuestion, PictureAnswer>(spawnPictureParser(), question)).bitmap;
}
