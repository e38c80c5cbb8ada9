import { useState } from 'react';
import { PASSPHRASE_CHARS_MIN } from '../../types/set-up.ts';
import type { FailureCode } from '../../failure.ts';
import { useI18n } from '../../i18n/I18n.tsx';
import { PassphraseField } from './PassphraseField.tsx';

/** A new passphrase, typed twice. */
interface PassphraseState {
  readonly value: string;
  readonly again: string;
  readonly wrong: FailureCode | null;
  setValue(value: string): void;
  setAgain(value: string): void;
  /** Returns whether the passphrase is acceptable. Otherwise marks the errors in the fields. */
  check(): boolean;
}

/** Keeps both entries and their errors, in memory of this component only. */
export function useNewPassphrase(charsMin: number): PassphraseState {
  const [value, setValue] = useState('');
  const [again, setAgain] = useState('');
  const [wrong, setWrong] = useState<FailureCode | null>(null);
  return {
    value,
    again,
    wrong,
    setValue,
    setAgain,
    check() {
      const found = [...value].length < charsMin ? 'passphrase_too_short' : value !== again ? 'passphrases_differ' : null;
      setWrong(found);
      return found === null;
    },
  };
}

/** The two fields for a new passphrase. */
export function NewPassphrase({ passphrase }: { readonly passphrase: PassphraseState }) {
  const { t, failure } = useI18n();
  const { wrong } = passphrase;
  const sentence = wrong === null ? undefined : failure(wrong).join(' ');
  return (
    <>
      <PassphraseField
        label={t('setup.unlock.passphrase')}
        hint={t('setup.unlock.passphrase.hint', { count: PASSPHRASE_CHARS_MIN })}
        error={wrong === 'passphrase_too_short' ? sentence : undefined}
        value={passphrase.value}
        onChange={passphrase.setValue}
        autoComplete="new-password"
      />
      <PassphraseField
        label={t('setup.unlock.again')}
        error={wrong === 'passphrases_differ' ? sentence : undefined}
        value={passphrase.again}
        onChange={passphrase.setAgain}
        autoComplete="new-password"
      />
    </>
  );
}
