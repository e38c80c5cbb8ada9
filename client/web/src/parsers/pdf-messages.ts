/** PDF documents: the messages between the page and the parser. */

export type PdfQuestion =
  | { readonly kind: 'open'; readonly data: ArrayBuffer }
  | { readonly kind: 'page'; readonly number: number; readonly width: number }
  /** The answer to the worker's request for one of the fonts that a PDF may use without containing them; `null`: there is none. */
  | { readonly kind: 'font'; readonly name: string; readonly data: ArrayBuffer | null };

export type PdfAnswer =
  | { readonly kind: 'opened'; readonly pages: number }
  | ({ readonly kind: 'page' } & PdfPage)
  | { readonly kind: 'font'; readonly name: string };

/** One page, ready to be shown. */
export interface PdfPage {
  readonly bitmap: ImageBitmap;
  /** The text of the page, for screen readers. */
  readonly text: string;
}
