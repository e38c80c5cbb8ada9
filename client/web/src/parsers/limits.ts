/** How much of a stranger's document is looked at, and for how long. What is beyond is offered as a download. */

/** Bytes of a PDF. */
export const PDF_BYTES_MAX = 100 << 20;
/** Pages of a PDF that can be turned to. */
export const PDF_PAGES_MAX = 2_000;
/** Characters of a page for screen readers: more than anybody has listened to. */
export const PAGE_TEXT_MAX = 100_000;
/** Bytes of a picture. */
export const PICTURE_BYTES_MAX = 64 << 20;
/** Pixels of a picture as its file has them, and of pictures inside a PDF: a small file can hold one that fills the memory. */
export const SOURCE_PIXELS_MAX = 64_000_000;
/** Pixels that are handed to the page: of a picture, or of one page of a PDF. */
export const SHOWN_PIXELS_MAX = 16_000_000;
/** Milliseconds for opening a document, and for each of its pages. Then its worker is ended. */
export const PARSE_MS_MAX = 15_000;
