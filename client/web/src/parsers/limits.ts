/** The maximum size of an untrusted document that is shown, and the maximum time for it. A larger document can be downloaded. */

/** Maximum length of a PDF in bytes. */
export const PDF_BYTES_MAX = 100 << 20;
/** Maximum number of pages of a PDF that are shown. */
export const PDF_PAGES_MAX = 2_000;
/** Maximum number of characters of one page that are given to screen readers. */
export const PAGE_TEXT_MAX = 100_000;
/** Maximum length of a picture in bytes. */
export const PICTURE_BYTES_MAX = 64 << 20;
/**
 * Maximum number of pixels of a picture in its file, and of pictures inside a PDF. A small file can contain a picture that fills the
 * memory.
 */
export const SOURCE_PIXELS_MAX = 64_000_000;
/** Maximum number of pixels that are given to the page: of a picture, or of one page of a PDF. */
export const SHOWN_PIXELS_MAX = 16_000_000;
/** Maximum time in milliseconds for opening a document, and for each of its pages. After that its worker is ended. */
export const PARSE_MS_MAX = 15_000;
