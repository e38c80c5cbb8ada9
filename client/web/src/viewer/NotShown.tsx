import { useI18n } from '../i18n/I18n.tsx';
import { ParseError, type ParseFault } from '../parsers/parser.ts';
import { Notice } from '../ui/Notice.tsx';

/** Why a document is not shown; the page around it offers the download. */
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

/** The fault behind an error; what is none of a parser's is damage, too. */
export const faultOf = (error: unknown): ParseFault => (error instanceof ParseError ? error.code : 'broken');
