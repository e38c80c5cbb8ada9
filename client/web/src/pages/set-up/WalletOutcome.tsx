import { useI18n } from '../../i18n/I18n.tsx';
import type { SetUp } from '../../types/set-up.ts';
import { Notice } from '../../ui/Notice.tsx';

/** States whether the wallet became an unlocker. Shown on the step after the choice. */
export function WalletOutcome({ setUp: { makeKeys } }: { readonly setUp: SetUp }) {
  const { t } = useI18n();
  const made = makeKeys.data;
  if (made?.walletUnlocks) return <Notice tone="good" live title={t('set_up.wallet.unlocks')} />;
  return made?.walletRefused ? <Notice live title={t(`set_up.wallet.${made.walletRefused}`)} /> : null;
}
