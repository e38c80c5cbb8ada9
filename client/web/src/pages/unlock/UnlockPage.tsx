import { KeyRound, Wallet } from 'lucide-react';
import { useState } from 'react';
import { useSession } from '../../data/session.ts';
import type { LockReason, Unlocker } from '../../types/session.ts';
import { useI18n } from '../../i18n/I18n.tsx';
import { ActionStatus } from '../../ui/ActionStatus.tsx';
import { Button } from '../../ui/Button.tsx';
import { Card } from '../../ui/Card.tsx';
import { FailureNotice } from '../../ui/FailureNotice.tsx';
import { Notice } from '../../ui/Notice.tsx';
import { Page } from '../../ui/Page.tsx';
import { WalletAloneLink } from '../../components/WalletAloneLink.tsx';
import { RecoverForm } from '../../components/keys/RecoverForm.tsx';
import { PassphraseField } from '../../components/keys/PassphraseField.tsx';

/** Unlocks the keys of a signed-in person with the passphrase, the wallet, or the recovery words. */
export function UnlockPage({ why, unlockers }: { readonly why: LockReason; readonly unlockers: readonly Unlocker[] }) {
  const { t } = useI18n();
  const [lost, setLost] = useState(false);
  if (lost) {
    return (
      <Page title={t('restore.title')} intro={t('restore.text')}>
        <Card>
          <RecoverForm />
        </Card>
        <Button tone="quiet" onClick={() => setLost(false)}>
          {t('ui.back')}
        </Button>
      </Page>
    );
  }
  const [wallet, passphrase] = [unlockers.includes('wallet'), unlockers.includes('passphrase')];
  return (
    <Page title={t('unlock.title')} intro={t('unlock.intro')}>
      {why !== 'first_visit' && why !== 'signed_out' && <Notice live title={t(`session.why.${why}`)} />}
      <Card className="space-y-6">
        {passphrase && <WithPassphrase />}
        {passphrase && wallet && (
          <p className="flex items-center gap-4 text-muted before:h-px before:flex-1 before:bg-line after:h-px after:flex-1 after:bg-line">
            {t('unlock.or')}
          </p>
        )}
        {wallet && <WithWallet />}
      </Card>
      <Button tone="quiet" onClick={() => setLost(true)}>
        {t('unlock.lost')}
      </Button>
      <WalletAloneLink />
    </Page>
  );
}

function WithPassphrase() {
  const { t } = useI18n();
  const { unlockWithPassphrase: unlock } = useSession();
  const [passphrase, setPassphrase] = useState('');
  return (
    <form
      className="space-y-4"
      onSubmit={(event) => {
        event.preventDefault();
        if (passphrase !== '') unlock.start(passphrase);
      }}
    >
      <PassphraseField label={t('unlock.passphrase')} value={passphrase} onChange={setPassphrase} autoComplete="current-password" />
      <Button type="submit" tone="primary" icon={KeyRound} busy={unlock.isBusy} className="w-full">
        {t('unlock.passphrase.button')}
      </Button>
      {unlock.isBusy && (
        <p role="status" className="text-sm text-muted">
          {t('unlock.passphrase.working')}
        </p>
      )}
      <FailureNotice failure={unlock.error} />
    </form>
  );
}

function WithWallet() {
  const { t } = useI18n();
  const { unlockWithWallet: unlock } = useSession();
  return (
    <div className="space-y-4">
      <Button icon={Wallet} busy={unlock.isBusy} onClick={() => unlock.start()} className="w-full">
        {t('unlock.wallet.button')}
      </Button>
      <ActionStatus act={unlock} />
    </div>
  );
}
