import { useMemo, useState } from 'react';
import { useI18n } from '../i18n/I18n.tsx';
import { Notice } from '../ui/Notice.tsx';
import { useBlobUrl } from './blob-url.ts';

/** A picture, also SVG: inside `<img>` nothing of it runs and nothing is fetched. */
export function ImageView({ blob, mediaType, fileName }: { readonly blob: Blob; readonly mediaType: string; readonly fileName: string }) {
  const { t } = useI18n();
  const [broken, setBroken] = useState(false);
  const typed = useMemo(() => new Blob([blob], { type: mediaType }), [blob, mediaType]);
  const url = useBlobUrl(typed);
  if (broken) {
    return (
      <Notice tone="caution" title={t('viewer.broken.title')}>
        {t('viewer.broken.text')}
      </Notice>
    );
  }
  return url && <img src={url} alt={t('viewer.image', { name: fileName })} onError={() => setBroken(true)} className="mx-auto max-w-full rounded-lg bg-white" />;
}
