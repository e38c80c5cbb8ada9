/** Opens and draws PDF documents in a worker, which returns a bitmap and the text of each page. */
import { spawnPdfParser } from './spawn.ts';
import { PDF_BYTES_MAX } from './limits.ts';
import { ParseError, Parser } from './parser.ts';
import type { PdfAnswer, PdfPage, PdfQuestion } from './pdf-messages.ts';
import { STANDARD_FONTS } from './standard-fonts.ts';

/** An open PDF. */
export class PdfDocument {
  readonly #parser: Parser<PdfQuestion, PdfAnswer>;
  readonly pages: number;

  private constructor(parser: Parser<PdfQuestion, PdfAnswer>, pages: number) {
    this.#parser = parser;
    this.pages = pages;
  }

  /** Opens a PDF. @throws ParseError. */
  static async open(blob: Blob): Promise<PdfDocument> {
    if (blob.size > PDF_BYTES_MAX) throw new ParseError('too_large');
    const data = await blob.arrayBuffer();
    const parser = new Parser<PdfQuestion, PdfAnswer>(spawnPdfParser(), giveFont);
    try {
      const answer = await parser.ask({ kind: 'open', data }, [data]);
      if (answer.kind !== 'opened') throw new ParseError('broken');
      return new PdfDocument(parser, answer.pages);
    } catch (error) {
      parser.close();
      throw error;
    }
  }

  /**
   * Draws a page with this width in pixels, or with a smaller one if the page would exceed the limit for shown pixels. @throws ParseError.
   */
  async page(number: number, width: number): Promise<PdfPage> {
    const answer = await this.#parser.ask({ kind: 'page', number, width });
    if (answer.kind !== 'page') throw new ParseError('broken');
    return answer;
  }

  /** Ends the worker of this document. */
  close(): void {
    this.#parser.close();
  }
}

/** Answers the worker's request for a font. The worker may not fetch; the page does it, and only for these files of its own origin. */
function giveFont(said: PdfAnswer, post: (message: PdfQuestion, transfer?: Transferable[]) => void): boolean {
  if (said.kind !== 'font') return false;
  const { name } = said;
  const url = Object.hasOwn(STANDARD_FONTS, name) ? STANDARD_FONTS[name] : undefined;
  const fetched =
    url === undefined
      ? Promise.resolve(null)
      : fetch(url).then(
          (response) => (response.ok ? response.arrayBuffer() : null),
          () => null,
        );
  void fetched.then((data) => post({ kind: 'font', name, data }, data === null ? [] : [data]));
  return true;
}
