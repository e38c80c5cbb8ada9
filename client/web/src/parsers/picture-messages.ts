/** Pictures: the messages between the page and the parser. */

export interface PictureQuestion {
  readonly blob: Blob;
  /** The media type found in the bytes, not the one that the file claims. */
  readonly mediaType: string;
}

export interface PictureAnswer {
  readonly kind: 'picture';
  /** The first frame, reduced to the limit for shown pixels. */
  readonly bitmap: ImageBitmap;
}
