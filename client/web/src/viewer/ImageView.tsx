import { useEffect, useMemo, useState } from 'react';
import { useI18n } from '../i18n/I18n.tsx';
import type { ParseFault } from '../parsers/parser.ts';
import { decodePicture } from '../parsers/picture.ts';
import { Loading } from '../ui/Loading.tsx';
import { BitmapView } from './BitmapView.tsx';
import { useBlobUrl } from './blob-url.ts';
import { faultOf, NotShown } from './NotShown.tsx';

/** Shows a picture that was decoded in a worker, so that the page gets only pixels. */
export function ImageView({ blob, mediaType, fileName }: { readonly blob: Blob; readonly mediaType: string; readonly fileName: string }) {
  const { t } = useI18n();
  const [bitmap, setBitmap] = useState<ImageBitmap | null>(null);
  const [fault, setFault] = useState<ParseFault | null>(null);
  useEffect(() => {
    let gone = false;
    decodePicture({ blob, mediaType }).then(
      (decoded) => {
        if (gone) decoded.close();
        else setBitmap(decoded);
      },
      (error: unknown) => {
        if (!gone) setFault(faultOf(error));
      },
    );
    return () => {
      gone = true;
    };
  }, [blob, mediaType]);
  if (fault !== null) return <NotShown fault={fault} />;
  if (bitmap === null) return <Loading />;
  return <BitmapView bitmap={bitmap} label={t('viewer.image', { name: fileName })} className="mx-auto max-w-full rounded-lg bg-white" />;
}

/** Shows an SVG drawing in an `<img>`, where none of its scripts run and nothing is fetched. */
export function SvgView({ blob, fileName }: { readonly blob: Blob; readonly fileName: string }) {
  const { t } = useI18n();
  const [isBroken, setBroken] = useState(false);
  const typed = useMemo(() => new Blob([blob], { type: 'image/svg+xml' }), [blob]);
  const url = useBlobUrl(typed);
  if (isBroken) return <NotShown fault="broken" />;
  return (
    url && (
      <img
        src={url}
        alt={t('viewer.image', { name: fileName })}
        onError={() => setBroken(true)}
        className="mx-auto max-w-full rounded-lg bg-white"
      />
    )
  );
}
