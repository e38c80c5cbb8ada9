import type { ReactNode } from 'react';
import type { Failure } from '../failure.ts';
import { useI18n } from '../i18n/I18n.tsx';
import { Button } from './Button.tsx';
import { Notice } from './Notice.tsx';

/**
 * Shows the problem and the next step, in two sentences that the failure's code determines. It is read aloud when it appears. If a check
 * failed, it says "stop" and offers no second try. A cancelled action is not shown as a failure.
 */
export function FailureNotice({
  failure,
  onRetry,
  children,
}: {
  readonly failure: Failure | null;
  readonly onRetry?: (() => void) | undefined;
  readonly children?: ReactNode;
}) {
  const { t, failure: sentences } = useI18n();
  if (failure === null || failure.code === 'cancelled') return null;
  const [what, next] = sentences(failure.code);
  return (
    <Notice tone={failure.isVerification ? 'danger' : 'caution'} title={failure.isVerification ? t('ui.stop') : what} live>
      {failure.isVerification && <p>{what}</p>}
      <p>{next}</p>
      {failure.requestId && <p className="text-sm text-muted">{t('ui.requestId', { id: failure.requestId })}</p>}
      {children}
      {onRetry && !failure.isVerification && (
        <Button className="mt-2" onClick={onRetry}>
          {t('ui.retry')}
        </Button>
      )}
    </Notice>
  );
}
