import { useEffect } from 'react';
import type { Act } from '../types/actions.ts';
import { useI18n } from '../i18n/I18n.tsx';
import { FailureNotice } from './FailureNotice.tsx';
import { useAnnounce } from './Live.tsx';

type ActProgress = Pick<Act<never, unknown>, 'phase' | 'isBusy' | 'error'>;

/** Shows the phase of a signed action and announces it to screen readers. After a failure, shows what to do. */
export function ActionStatus({ act, onRetry }: { readonly act: ActProgress; readonly onRetry?: (() => void) | undefined }) {
  const { t } = useI18n();
  const announce = useAnnounce();
  const { phase } = act;
  useEffect(() => {
    if (phase !== 'idle' && phase !== 'failed') announce(t(`action.${phase}`));
  }, [announce, phase, t]);
  if (phase === 'failed') return <FailureNotice failure={act.error} onRetry={onRetry} />;
  if (!act.isBusy || phase === 'idle') return null;
  return <p className="text-sm text-muted">{t(`action.${phase}`)}</p>;
}
