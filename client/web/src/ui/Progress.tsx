import { useI18n } from '../i18n/I18n.tsx';

/** The progress of an operation. Without `fraction`, it only shows that the operation is running. */
export function Progress({ label, fraction }: { readonly label: string; readonly fraction?: number | undefined }) {
  const { format } = useI18n();
  return (
    <div className="space-y-1">
      <div className="flex justify-between gap-4 text-sm text-muted">
        <span>{label}</span>
        {fraction !== undefined && <span>{format.percent(fraction)}</span>}
      </div>
      <progress aria-label={label} max={1} {...(fraction === undefined ? {} : { value: fraction })} />
    </div>
  );
}
