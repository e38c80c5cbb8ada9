import { lazy, Suspense, useEffect, useState } from 'react';
import { useI18n } from '../i18n/I18n.tsx';
import { Loading } from '../ui/Loading.tsx';
import { Notice } from '../ui/Notice.tsx';
import { ImageView, SvgView } from './ImageView.tsx';
import { findKind, HEAD_BYTES, TEXT_BYTES_MAX, type Finding } from './kind.ts';
import { TextView } from './TextView.tsx';

const PdfView = lazy(async () => ({ default: (await import('./pdf/PdfView.tsx')).PdfView }));
const HtmlView = lazy(async () => ({ default: (await import('./HtmlView.tsx')).HtmlView }));
const FhirReport = lazy(async () => ({ default: (await import('./fhir/FhirReport.tsx')).FhirReport }));

interface Shown {
  readonly finding: Finding;
  /** The decoded text, if the kind of document is text. */
  readonly text: string | null;
  readonly isTooLarge: boolean;
}

async function look(blob: Blob, mediaType: string, fileName: string): Promise<Shown> {
  const head = new Uint8Array(await blob.slice(0, HEAD_BYTES).arrayBuffer());
  const finding = findKind(head, mediaType, fileName);
  const isText = finding.kind === 'text' || finding.kind === 'fhir' || finding.kind === 'html';
  const isTooLarge = isText && blob.size > TEXT_BYTES_MAX;
  return { finding, isTooLarge, text: isText && !isTooLarge ? await blob.text() : null };
}

/**
 * Shows a decrypted document. Its content is hostile, whoever wrote it: {@link findKind} decides how it is shown, and each view describes
 * how it keeps its kind harmless. A document that is not shown can be downloaded from the page around it.
 */
export function Viewer({ blob, mediaType, fileName }: { readonly blob: Blob; readonly mediaType: string; readonly fileName: string }) {
  const { t } = useI18n();
  const [shown, setShown] = useState<Shown | null>(null);
  useEffect(() => {
    let current = true;
    setShown(null);
    void look(blob, mediaType, fileName).then((next) => {
      if (current) setShown(next);
    });
    return () => {
      current = false;
    };
  }, [blob, mediaType, fileName]);

  if (shown === null) return <Loading />;
  const { finding, text, isTooLarge } = shown;
  if (isTooLarge) return <Notice tone="caution" title={t('viewer.tooLarge')} />;
  return (
    <div className="space-y-4">
      {finding.lie && <Notice tone="caution" title={t('viewer.lying', { claimed: finding.lie, found: finding.mediaType })} />}
      <Suspense fallback={<Loading />}>
        {finding.kind === 'image' && <ImageView blob={blob} mediaType={finding.mediaType} fileName={fileName} />}
        {finding.kind === 'svg' && <SvgView blob={blob} fileName={fileName} />}
        {finding.kind === 'pdf' && <PdfView blob={blob} />}
        {finding.kind === 'html' && text !== null && <HtmlView source={text} />}
        {finding.kind === 'fhir' && text !== null && <FhirReport source={text} />}
        {finding.kind === 'text' && text !== null && <TextView text={text} />}
        {finding.kind === 'unknown' && (
          <Notice tone="caution" title={t('viewer.unknown.title')}>
            {t('viewer.unknown.text')}
          </Notice>
        )}
      </Suspense>
    </div>
  );
}
