import type { RefObject } from 'react';
import { useI18n } from '../i18n/I18n.tsx';

/**
 * A link that skips the navigation; it is the first stop of the Tab key. It is no `#` link, because the router uses the part of the address
 * behind `#`.
 */
export function SkipLink({ to }: { readonly to: RefObject<HTMLElement | null> }) {
  const { t } = useI18n();
  return (
    <button
      type="button"
      onClick={() => to.current?.focus()}
      className="sr-only focus-visible:not-sr-only focus-visible:fixed focus-visible:start-3 focus-visible:top-3 focus-visible:z-20 focus-visible:rounded-lg focus-visible:bg-surface focus-visible:px-4 focus-visible:py-3 focus-visible:font-semibold"
    >
      {t('app.skip')}
    </button>
  );
}
