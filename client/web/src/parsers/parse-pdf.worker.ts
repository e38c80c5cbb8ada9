/**
 * Opens one PDF and draws its pages. Parsing and drawing both happen here, so that only pixels and text of a document reach the page.
 *
 * This library evaluates no text of a document as code (versions before 5 had `isEvalSupported`). Its fonts are drawn as outlines, so that
 * an untrusted font never reaches the browser's own font code. Forms, scripts and WebAssembly are off.
 */
import './pdf-globals.ts';
import { WorkerMessageHandler } from 'pdfjs-dist/build/pdf.worker.min.mjs';
import './pdf-globals-end.ts';
import { getDocument, type PDFDocumentProxy } from 'pdfjs-dist';
import { PAGE_TEXT_MAX, PDF_PAGES_MAX, SHOWN_PIXELS_MAX, SOURCE_PIXELS_MAX } from './limits.ts';
import { lockDown } from './lock-down.ts';
import type { Failed } from './parser.ts';
import type { PdfAnswer, PdfQuestion } from './pdf-messages.ts';

lockDown();
// The library looks here for its parsing part before it would start a worker for it.
(globalThis as { pdfjsWorker?: unknown }).pdfjsWorker = { WorkerMessageHandler };

/** Fonts that were requested from the page, by name. */
const wishes = new Map<string, (data: ArrayBuffer | null) => void>();

/** Gives the library the files that a PDF needs and does not contain. Only the standard fonts are available. */
class FromThePage {
  fetch({ kind, filename }: { readonly kind: string; readonly filename: string }): Promise<Uint8Array> {
    if (kind !== 'standardFontDataUrl') return Promise.reject(new Error('not kept here'));
    return new Promise((resolve, reject) => {
      wishes.set(filename, (data) => (data === null ? reject(new Error('not kept here')) : resolve(new Uint8Array(data))));
      say({ kind: 'font', name: filename });
    });
  }
}

interface CanvasEntry {
  canvas: OffscreenCanvas | null;
  context: OffscreenCanvasRenderingContext2D | null;
}

/** Makes canvases that belong to no HTML document. */
class Canvases {
  create(width: number, height: number): CanvasEntry {
    if (!(width > 0 && height > 0 && width * height <= SOURCE_PIXELS_MAX)) throw new Error('no size for a canvas');
    const canvas = new OffscreenCanvas(width, height);
    return { canvas, context: canvas.getContext('2d', { willReadFrequently: true }) };
  }

  reset({ canvas }: CanvasEntry, width: number, height: number): void {
    if (canvas === null || !(width > 0 && height > 0 && width * height <= SOURCE_PIXELS_MAX)) throw new Error('no size for a canvas');
    canvas.width = width;
    canvas.height = height;
  }

  destroy(entry: CanvasEntry): void {
    if (entry.canvas !== null) entry.canvas.width = entry.canvas.height = 0;
    entry.canvas = null;
    entry.context = null;
  }
}

/** Replaces SVG filters, which would need an HTML document: the picture is drawn without them. */
class NoFilters {
  addFilter = (): string => 'none';
  addHCMFilter = (): string => 'none';
  addAlphaFilter = (): string => 'none';
  addLuminosityFilter = (): string => 'none';
  addHighlightHCMFilter = (): string => 'none';
  destroy(): void {}
}

let opened: PDFDocumentProxy | null = null;

async function open(data: ArrayBuffer): Promise<PdfAnswer> {
  opened = await getDocument({
    data: new Uint8Array(data),
    BinaryDataFactory: FromThePage,
    CanvasFactory: Canvases,
    FilterFactory: NoFilters,
    standardFontDataUrl: '/',
    useWorkerFetch: false,
    disableFontFace: true,
    useSystemFonts: false,
    maxImageSize: SOURCE_PIXELS_MAX,
    enableXfa: false,
    useWasm: false,
    isOffscreenCanvasSupported: false,
    isImageDecoderSupported: false,
  }).promise;
  return { kind: 'opened', pages: Math.min(opened.numPages, PDF_PAGES_MAX) };
}

async function draw(number: number, width: number): Promise<Extract<PdfAnswer, { kind: 'page' }>> {
  if (opened === null) throw new Error('asked after it was opened');
  const page = await opened.getPage(number);
  const content = await page.getTextContent();
  const text = content.items
    .map((item) => ('str' in item ? item.str : ''))
    .join(' ')
    .slice(0, PAGE_TEXT_MAX);
  const natural = page.getViewport({ scale: 1 });
  const isSized = natural.width > 0 && natural.height > 0 && Number.isFinite(natural.width * natural.height);
  if (!isSized) throw new Error('a page without a size');
  const most = Math.sqrt(SHOWN_PIXELS_MAX / (natural.width * natural.height));
  const viewport = page.getViewport({ scale: Math.min(width / natural.width, most) });
  const canvas = new OffscreenCanvas(Math.max(1, Math.floor(viewport.width)), Math.max(1, Math.floor(viewport.height)));
  // The library's types accept only the canvas element of an HTML document.
  await page.render({ canvas: canvas as unknown as HTMLCanvasElement, viewport }).promise;
  page.cleanup();
  return { kind: 'page', bitmap: canvas.transferToImageBitmap(), text };
}

const say = (answer: PdfAnswer | Failed, transfer: Transferable[] = []): void => self.postMessage(answer, { transfer });

self.onmessage = ({ data }: MessageEvent<PdfQuestion>): void => {
  if (data.kind === 'font') {
    wishes.get(data.name)?.(data.data);
    wishes.delete(data.name);
    return;
  }
  const answered =
    data.kind === 'open'
      ? open(data.data).then((answer) => say(answer))
      : draw(data.number, data.width).then((answer) => say(answer, [answer.bitmap]));
  answered.catch(() => say({ kind: 'failed', fault: 'broken' }));
};
