import { useI18n } from '../i18n/I18n.tsx';

/** A point in time in readable form, with the machine-readable form in its markup. */
export function Moment({ seconds, as = 'moment' }: { readonly seconds: number; readonly as?: 'day' | 'moment' | 'relative' }) {
  const { format } = useI18n();
  return (
    <time dateTime={new Date(seconds * 1_000).toISOString()} title={as === 'moment' ? undefined : format.moment(seconds)}>
      {format[as](seconds)}
    </time>
  );
}
