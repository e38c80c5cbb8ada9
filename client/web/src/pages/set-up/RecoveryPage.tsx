import { useI18n } from '../../i18n/I18n.tsx';
import { Card } from '../../ui/Card.tsx';
import { Page } from '../../ui/Page.tsx';
import { RecoverForm } from './RecoverForm.tsx';

/** The account has records, but its keyring is nowhere to be found: the words bring it back. */
export function RecoveryPage() {
  const { t } = useI18n();
  return (
    <Page title={t('recovery.title')} intro={t('recovery.intro')}>
      <Card>
        <RecoverForm />
      </Card>
    </Page>
  );
}
