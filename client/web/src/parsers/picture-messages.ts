/** Pictures: the messages between the page and the parser. */

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
