import { useI18n } from '../i18n/I18n.tsx';

/** A placeholder for a list or a document that is being loaded. */
export function Loading({ label }: { readonly label?: string }) {
  const { t } = useI18n();
  return (
    <div role="status" className="space-y-3">
      <span className="sr-only">{label ?? t('ui.loading')}</span>
      <div aria-hidden className="h-20 animate-pulse rounded-2xl bg-raised" />
      <div aria-hidden className="h-20 animate-pulse rounded-2xl bg-raised" />
      <div aria-hidden className="h-20 animate-pulse rounded-2xl bg-raised" />
    </div>
  );
}
