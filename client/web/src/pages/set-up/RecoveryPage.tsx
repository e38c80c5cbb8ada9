import { useState } from 'react';
import { useSetUp } from '../../data/set-up.ts';
import { useI18n } from '../../i18n/I18n.tsx';
import { Button } from '../../ui/Button.tsx';
import { Card } from '../../ui/Card.tsx';
import { Check } from '../../ui/Field.tsx';
import { Notice } from '../../ui/Notice.tsx';
import { Page } from '../../ui/Page.tsx';
import { WalletAloneLink } from '../../components/WalletAloneLink.tsx';
import { RecoverForm } from '../../components/keys/RecoverForm.tsx';
import { MakeKeysForm } from './MakeKeysForm.tsx';

/**
 * For an account that has a published key and no keyring: the recovery words restore the keyring. A person who has never set up anything,
 * and in whose name another person published a key, can start the set-up here.
 */
export function RecoveryPage() {
  const { t } = useI18n();
  const setUp = useSetUp();
  const [isNew, setNew] = useState(false);
  const [isSure, setSure] = useState(false);
  if (isNew) {
    return (
      <Page title={t('recovery.new.title')}>
        <Notice tone="danger" title={t('recovery.new.warning')} />
        <Card className="space-y-5">
          <Check label={t('recovery.new.sure')} checked={isSure} onChange={(event) => setSure(event.target.checked)} />
          {isSure && <MakeKeysForm setUp={setUp} anew />}
        </Card>
        <Button tone="quiet" onClick={() => setNew(false)}>
          {t('ui.back')}
        </Button>
      </Page>
    );
  }
  return (
    <Page title={t('recovery.title')} intro={t('recovery.intro')}>
      <Card>
        <RecoverForm />
      </Card>
      <Button tone="quiet" onClick={() => setNew(true)}>
        {t('recovery.new')}
      </Button>
      <WalletAloneLink />
    </Page>
  );
}
