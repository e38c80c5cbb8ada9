import { useState } from 'react';
import { useI18n } from '../../i18n/I18n.tsx';
import { Check, TextField } from '../../ui/Field.tsx';

/** A passphrase field whose text can be shown: long passphrases are easily mistyped if they cannot be seen. */
export function PassphraseField({
  label,
  hint,
  error,
  value,
  onChange,
  autoComplete,
}: {
  readonly label: string;
  readonly hint?: string;
  readonly error?: string | undefined;
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly autoComplete: 'current-password' | 'new-password';
}) {
  const { t } = useI18n();
  const [shown, setShown] = useState(false);
  return (
    <div>
      <TextField
        label={label}
        hint={hint}
        error={error}
        type={shown ? 'text' : 'password'}
        autoComplete={autoComplete}
        spellCheck={false}
        autoCapitalize="off"
        value={value}
        onChange={(event) => onChange(event.target.value)}
      />
      <Check label={t('setup.unlock.show')} checked={shown} onChange={(event) => setShown(event.target.checked)} />
    </div>
  );
}
