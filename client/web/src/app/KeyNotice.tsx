import { KeyRound } from 'lucide-react';
import { useSession } from '../data/session.ts';
import { useKeyState } from '../data/key-state.ts';
import { useI18n } from '../i18n/I18n.tsx';
import { ActionStatus } from '../ui/ActionStatus.tsx';
import { Button } from '../ui/Button.tsx';
import { Notice } from '../ui/Notice.tsx';

/**
 * Warns that somebody else's key is published in this person's name. The app can still be used, and one signature of the wallet publishes
 * the own key again. While the session is locked, this browser compares the published key with the public keys that it has stored.
 */
export function KeyNotice() {
  const { t } = useI18n();
  const { session, registerAgain } = useSession();
  const { data: state } = useKeyState();
  const isReplaced = session.state === 'ready' ? session.me.isKeyReplaced : 'me' in session && state?.whose === 'foreign';
  if (!isReplaced) return null;
  return (
    <Notice tone="danger" live title={t('key.replaced.title')}>
      <p>{t('key.replaced.text')}</p>
      <p>{t('key.replaced.old')}</p>
      <ActionStatus act={registerAgain} onRetry={() => registerAgain.start()} />
      <Button className="mt-2" icon={KeyRound} busy={registerAgain.isBusy} onClick={() => registerAgain.start()}>
        {t('key.register')}
      </Button>
    </Notice>
  );
}
