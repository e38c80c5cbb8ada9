import { paths } from '../paths.ts';
import { useI18n } from '../i18n/I18n.tsx';
import { ButtonLink } from '../ui/Button.tsx';

/** Link to the page with the actions that need no unlocking. */
export function WalletAloneLink() {
  const { t } = useI18n();
  return (
    <div className="space-y-2 border-t border-line pt-4">
      <p className="text-muted">{t('walletAlone.link.text')}</p>
      <ButtonLink to={paths.walletAlone}>{t('walletAlone.link')}</ButtonLink>
    </div>
  );
}
