import { ChevronLeft, ChevronRight, ZoomIn, ZoomOut } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';
import { useI18n } from '../../i18n/I18n.tsx';
import type { ParseFault } from '../../parsers/parser.ts';
import { PdfDocument } from '../../parsers/pdf.ts';
import type { PdfPage } from '../../parsers/pdf-messages.ts';
import { IconButton } from '../../ui/Button.tsx';
import { Loading } from '../../ui/Loading.tsx';
import { BitmapView } from '../BitmapView.tsx';
import { faultOf, NotShown } from '../NotShown.tsx';

const ZOOMS = [1, 1.5, 2, 3] as const;

/** Shows a PDF page by page, drawn in a worker. The text of each page is available to screen readers, beside its picture. */
export function PdfView({ blob }: { readonly blob: Blob }) {
  const { t } = useI18n();
  const [document, setDocument] = useState<PdfDocument | null>(null);
  const [fault, setFault] = useState<ParseFault | null>(null);
  const [page, setPage] = useState(1);
  const [zoom, setZoom] = useState(0);

  useEffect(() => {
    let open: PdfDocument | null = null;
    let gone = false;
    PdfDocument.open(blob).then(
      (made) => {
        if (gone) made.close();
        else {
          open = made;
          setDocument(made);
        }
      },
      (error: unknown) => {
        if (!gone) setFault(faultOf(error));
      },
    );
    return () => {
      gone = true;
      setDocument(null);
      open?.close();
    };
  }, [blob]);

  if (fault !== null) return <NotShown fault={fault} />;
  if (document === null) return <Loading />;
  return (
    <div className="space-y-3">
      <div role="group" aria-label={t('viewer.pages')} className="flex flex-wrap items-center justify-between gap-2">
        <div className="flex items-center">
          <IconButton
            icon={ChevronLeft}
            className="rtl:rotate-180"
            label={t('viewer.previous')}
            disabled={page === 1}
            onClick={() => setPage(page - 1)}
          />
          <p aria-live="polite">{t('viewer.page', { number: page, total: document.pages })}</p>
          <IconButton
            icon={ChevronRight}
            className="rtl:rotate-180"
            label={t('viewer.next')}
            disabled={page === document.pages}
            onClick={() => setPage(page + 1)}
          />
        </div>
        <div className="flex">
          <IconButton icon={ZoomOut} label={t('viewer.zoomOut')} disabled={zoom === 0} onClick={() => setZoom(zoom - 1)} />
          <IconButton icon={ZoomIn} label={t('viewer.zoomIn')} disabled={zoom === ZOOMS.length - 1} onClick={() => setZoom(zoom + 1)} />
        </div>
      </div>
      <PageView document={document} number={page} zoom={ZOOMS[zoom] ?? 1} onFault={setFault} />
    </div>
  );
}

function PageView({
  document,
  number,
  zoom,
  onFault,
}: {
  readonly document: PdfDocument;
  readonly number: number;
  readonly zoom: number;
  readonly onFault: (fault: ParseFault) => void;
}) {
  const { t } = useI18n();
  const frame = useRef<HTMLDivElement>(null);
  const [drawn, setDrawn] = useState<PdfPage | null>(null);
  const tell = useRef(onFault);
  tell.current = onFault;

  useEffect(() => {
    let gone = false;
    const width = (frame.current?.clientWidth ?? 800) * zoom * Math.min(2, devicePixelRatio);
    document.page(number, Math.max(1, width)).then(
      (page) => {
        if (gone) page.bitmap.close();
        else setDrawn(page);
      },
      (error: unknown) => {
        if (!gone) tell.current(faultOf(error));
      },
    );
    return () => {
      gone = true;
    };
  }, [document, number, zoom]);

  return (
    <div
      ref={frame}
      className="max-w-full overflow-auto rounded-xl border border-line bg-white"
      role="region"
      aria-label={t('viewer.document')}
      tabIndex={0}
    >
      {drawn === null ? <Loading /> : <BitmapView bitmap={drawn.bitmap} width={`${zoom * 100}%`} className="block max-w-none" />}
      <p className="sr-only">{drawn?.text}</p>
    </div>
  );
}
