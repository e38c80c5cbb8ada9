import { ChevronLeft, ChevronRight, ZoomIn, ZoomOut } from 'lucide-react';
import type { PDFDocumentProxy, RenderTask } from 'pdfjs-dist';
import { useEffect, useRef, useState } from 'react';
import { useI18n } from '../../i18n/I18n.tsx';
import { IconButton } from '../../ui/Button.tsx';
import { Loading } from '../../ui/Loading.tsx';
import { Notice } from '../../ui/Notice.tsx';
import { openPdf, type OpenPdf } from './document.ts';

const ZOOMS = [1, 1.5, 2, 3] as const;
/** The most pixels of one page, so that a huge page cannot use up the memory. */
const PIXELS_MAX = 16_000_000;
/** More characters than anybody has read out from one page. */
const TEXT_MAX = 100_000;

/** A PDF, page by page. The text of each page is there for screen readers, beside its picture. */
export function PdfView({ blob }: { readonly blob: Blob }) {
  const { t } = useI18n();
  const [document, setDocument] = useState<PDFDocumentProxy | null>(null);
  const [broken, setBroken] = useState(false);
  const [page, setPage] = useState(1);
  const [zoom, setZoom] = useState(0);

  useEffect(() => {
    let open: OpenPdf | null = null;
    let gone = false;
    openPdf(blob).then(
      (made) => {
        if (gone) made.close();
        else {
          open = made;
          setDocument(made.document);
        }
      },
      () => setBroken(true),
    );
    return () => {
      gone = true;
      setDocument(null);
      open?.close();
    };
  }, [blob]);

  if (broken) {
    return (
      <Notice tone="caution" title={t('viewer.broken.title')}>
        {t('viewer.broken.text')}
      </Notice>
    );
  }
  if (document === null) return <Loading />;
  return (
    <div className="space-y-3">
      <div role="group" aria-label={t('viewer.pages')} className="flex flex-wrap items-center justify-between gap-2">
        <div className="flex items-center">
          <IconButton icon={ChevronLeft} className="rtl:rotate-180" label={t('viewer.previous')} disabled={page === 1} onClick={() => setPage(page - 1)} />
          <p aria-live="polite">{t('viewer.page', { number: page, total: document.numPages })}</p>
          <IconButton icon={ChevronRight} className="rtl:rotate-180" label={t('viewer.next')} disabled={page === document.numPages} onClick={() => setPage(page + 1)} />
        </div>
        <div className="flex">
          <IconButton icon={ZoomOut} label={t('viewer.zoomOut')} disabled={zoom === 0} onClick={() => setZoom(zoom - 1)} />
          <IconButton icon={ZoomIn} label={t('viewer.zoomIn')} disabled={zoom === ZOOMS.length - 1} onClick={() => setZoom(zoom + 1)} />
        </div>
      </div>
      <PageView document={document} number={page} zoom={ZOOMS[zoom] ?? 1} onBroken={() => setBroken(true)} />
    </div>
  );
}

function PageView({ document, number, zoom, onBroken }: {
  readonly document: PDFDocumentProxy;
  readonly number: number;
  readonly zoom: number;
  readonly onBroken: () => void;
}) {
  const { t } = useI18n();
  const frame = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const [text, setText] = useState('');
  const broken = useRef(onBroken);
  broken.current = onBroken;

  useEffect(() => {
    let task: RenderTask | null = null;
    let gone = false;
    async function draw() {
      const page = await document.getPage(number);
      const content = await page.getTextContent();
      if (gone || canvas.current === null || frame.current === null) return;
      setText(content.items.map((item) => ('str' in item ? item.str : '')).join(' ').slice(0, TEXT_MAX));
      const natural = page.getViewport({ scale: 1 });
      const density = Math.min(2, devicePixelRatio);
      const wished = (frame.current.clientWidth / natural.width) * zoom * density;
      const most = Math.sqrt(PIXELS_MAX / (natural.width * natural.height));
      const viewport = page.getViewport({ scale: Math.min(wished, most) });
      canvas.current.width = Math.floor(viewport.width);
      canvas.current.height = Math.floor(viewport.height);
      canvas.current.style.inlineSize = `${zoom * 100}%`;
      task = page.render({ canvas: canvas.current, viewport });
      await task.promise;
    }
    draw().catch((error: unknown) => {
      if (!gone && !(error instanceof Error && error.name === 'RenderingCancelledException')) broken.current();
    });
    return () => {
      gone = true;
      task?.cancel();
    };
  }, [document, number, zoom]);

  return (
    <div ref={frame} className="max-w-full overflow-auto rounded-xl border border-line bg-white" role="region" aria-label={t('viewer.document')} tabIndex={0}>
      <canvas ref={canvas} aria-hidden className="block max-w-none" />
      <p className="sr-only">{text}</p>
    </div>
  );
}
