import { useState } from 'react';
import { useSession } from '../../data/session.ts';
import { PASSPHRASE_CHARS_MIN } from '../../types/set-up.ts';
import { useI18n } from '../../i18n/I18n.tsx';
import { ActionStatus } from '../../ui/ActionStatus.tsx';
import { Button } from '../../ui/Button.tsx';
import { Check, TextArea } from '../../ui/Field.tsx';
import { NewPassphrase, useNewPassphrase } from './NewPassphrase.tsx';

/** Makes the keyring again from the recovery words, under a new passphrase. */
export function RecoverForm() {
  const { t } = useI18n();
  const { recover } = useSession();
  const [words, setWords] = useState('');
  const [isSure, setSure] = useState(false);
  // Every published key belongs to somebody else. The page says so first, and asks only then whether the person is sure that the words are
  // right.
  const isOther = recover.error?.code === 'wrong_keys' || isSure;
  const passphrase = useNewPassphrase(PASSPHRASE_CHARS_MIN);
  return (
    <form
      className="space-y-5"
      onSubmit={(event) => {
        event.preventDefault();
        if (passphrase.check() && words.trim() !== '') recover.start({ words, passphrase: passphrase.value, anyway: isSure });
      }}
    >
      <TextArea
        label={t('restore.words')}
        value={words}
        onChange={(event) => setWords(event.target.value)}
        rows={5}
        dir="ltr"
        autoComplete="off"
        autoCapitalize="off"
        spellCheck={false}
        required
      />
      <NewPassphrase passphrase={passphrase} />
      {isOther && (
        <Check
          label={t('restore.anyway')}
          hint={t('restore.anyway.hint')}
          checked={isSure}
          onChange={(event) => setSure(event.target.checked)}
        />
      )}
      <Button type="submit" tone="primary" busy={recover.isBusy}>
        {t('restore.button')}
      </Button>
      <ActionStatus act={recover} />
    </form>
  );
}
