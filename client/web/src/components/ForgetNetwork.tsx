import { useState } from 'react';
import { useWallets } from '../data/wallets.ts';
import { useI18n } from '../i18n/I18n.tsx';
import { ActionStatus } from '../ui/ActionStatus.tsx';
import { Button } from '../ui/Button.tsx';
import { Dialog } from '../ui/Dialog.tsx';

/** Forgets the network that this browser has accepted, after a warning: only its operator can confirm that it has changed. */
export function ForgetNetwork() {
  const { t } = useI18n();
  const { forgetNetwork } = useWallets();
  const [asking, setAsking] = useState(false);
  return (
    <>
      <Button tone="quiet" onClick={() => setAsking(true)}>
        {t('network.forget')}
      </Button>
      {asking && (
        <Dialog title={t('network.forget')} onClose={() => setAsking(false)} locked={forgetNetwork.isBusy}>
          <div className="space-y-5">
            <p>{t('network.forget.warning')}</p>
            <ActionStatus act={forgetNetwork} />
            <div className="flex flex-wrap justify-end gap-3">
              <Button onClick={() => setAsking(false)}>{t('ui.cancel')}</Button>
              <Button tone="danger" busy={forgetNetwork.isBusy} onClick={() => forgetNetwork.start()}>
                {t('network.forget.confirm')}
              </Button>
            </div>
          </div>
        </Dialog>
      )}
    </>
  );
}
