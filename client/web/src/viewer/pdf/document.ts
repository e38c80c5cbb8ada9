import { getDocument, PDFWorker, type PDFDocumentProxy } from 'pdfjs-dist';
import Worker from 'pdfjs-dist/build/pdf.worker.min.mjs?worker';
import { STANDARD_FONTS } from './standard-fonts.ts';

/** Fetches the fonts of a PDF from our own origin; nothing else is ever fetched for a document. */
class OwnOrigin {
  async fetch({ kind, filename }: { readonly kind: string; readonly filename: string }): Promise<Uint8Array> {
    const url = kind === 'standardFontDataUrl' && Object.hasOwn(STANDARD_FONTS, filename) ? STANDARD_FONTS[filename] : undefined;
    if (url === undefined) throw new Error('not kept here');
    return new Uint8Array(await (await fetch(url)).arrayBuffer());
  }
}

/** An open PDF and the way to let go of it and of its worker. */
export interface OpenPdf {
  readonly document: PDFDocumentProxy;
  close(): void;
}

/**
 * Opens a PDF in a worker of its own.
 *
 * This library evaluates no text of a document (versions before 5 had `isEvalSupported`). Its fonts are drawn as
 * outlines, so that no font of a stranger reaches the browser's own font code; forms, scripts and WebAssembly are off.
 */
export async function openPdf(blob: Blob): Promise<OpenPdf> {
  const port = new Worker();
  const worker = PDFWorker.create({ port });
  const task = getDocument({
    data: new Uint8Array(await blob.arrayBuffer()),
    worker,
    BinaryDataFactory: OwnOrigin,
    standardFontDataUrl: '/',
    useWorkerFetch: false,
    disableFontFace: true,
    // Pixels: a small file can hold a picture that fills the memory.
    maxImageSize: 64_000_000,
    enableXfa: false,
    useWasm: false,
    isOffscreenCanvasSupported: false,
  });
  const close = () => {
    void task.destroy().finally(() => {
      worker.destroy();
      port.terminate();
    });
  };
  try {
    return { document: await task.promise, close };
  } catch (error) {
    close();
    throw error;
  }
}
