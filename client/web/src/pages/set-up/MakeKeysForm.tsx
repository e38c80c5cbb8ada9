import { useState, type ReactNode } from 'react';
import { PASSPHRASE_CHARS_MIN, type SetUp } from '../../types/set-up.ts';
import { useI18n } from '../../i18n/I18n.tsx';
import { ActionStatus } from '../../ui/ActionStatus.tsx';
import { Button } from '../../ui/Button.tsx';
import { Check } from '../../ui/Field.tsx';
import { NewPassphrase, useNewPassphrase } from '../../components/keys/NewPassphrase.tsx';

/** Makes the seed and its keyring. `anew`: a key is published already, and it does not belong to this person. */
export function MakeKeysForm({
  setUp: { makeKeys },
  anew = false,
  children,
}: {
  readonly setUp: SetUp;
  readonly anew?: boolean;
  readonly children?: ReactNode;
}) {
  const { t } = useI18n();
  const passphrase = useNewPassphrase(PASSPHRASE_CHARS_MIN);
  const [withWallet, setWithWallet] = useState(true);
  return (
    <form
      className="space-y-5"
      onSubmit={(event) => {
        event.preventDefault();
        if (passphrase.check()) makeKeys.start({ passphrase: passphrase.value, skipWallet: !withWallet, anew });
      }}
    >
      <h2 className="text-xl font-semibold">{t('setup.unlock.title')}</h2>
      <p className="text-muted">{t('setup.start.text')}</p>
      <p className="text-muted">{t('setup.unlock.text')}</p>
      <NewPassphrase passphrase={passphrase} />
      <Check
        label={t('setup.unlock.wallet')}
        hint={t('setup.unlock.wallet.hint')}
        checked={withWallet}
        onChange={(event) => setWithWallet(event.target.checked)}
      />
      <div className="flex flex-wrap gap-3">
        <Button type="submit" tone="primary" busy={makeKeys.isBusy}>
          {t('setup.start.button')}
        </Button>
        {children}
      </div>
      <ActionStatus act={makeKeys} />
    </form>
  );
}
