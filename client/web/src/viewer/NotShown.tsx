import { useI18n } from '../i18n/I18n.tsx';
import { ParseError, type ParseFault } from '../parsers/parser.ts';
import { Notice } from '../ui/Notice.tsx';

/** Gives the reason why a document is not shown. The page around it offers the download. */
export function NotShown({ fault }: { readonly fault: ParseFault }) {
  const { t } = useI18n();
  if (fault === 'too_large') return <Notice tone="caution" live title={t('viewer.tooLarge')} />;
  if (fault === 'slow') return <Notice tone="caution" live title={t('viewer.slow')} />;
  return (
    <Notice tone="caution" live title={t('viewer.broken.title')}>
      {t('viewer.broken.text')}
    </Notice>
  );
}

/** Returns the fault of a parser's error. Any other error counts as a damaged document. */
export const faultOf = (error: unknown): ParseFault => (error instanceof ParseError ? error.code : 'broken');
