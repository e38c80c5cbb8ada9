import { useMemo } from 'react';
import { useI18n } from '../i18n/I18n.tsx';
import { useBlobUrl } from './blob-url.ts';
import { harmlessHtml } from './html.ts';

/** Shows sanitized HTML in a frame without any permission: no scripts, no forms, no pop-ups, an origin of its own. */
export function HtmlView({ source }: { readonly source: string }) {
  const { t } = useI18n();
  const blob = useMemo(() => new Blob([harmlessHtml(source)], { type: 'text/html' }), [source]);
  const url = useBlobUrl(blob);
  return (
    <div className="space-y-2">
      <p className="text-sm text-muted">{t('viewer.html')}</p>
      {url && (
        <iframe sandbox="" src={url} title={t('viewer.document')} className="h-[70dvh] w-full rounded-xl border border-line bg-white" />
      )}
    </div>
  );
}
