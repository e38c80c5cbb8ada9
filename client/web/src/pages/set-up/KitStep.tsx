import { useState } from 'react';
import type { SetUp } from '../../types/set-up.ts';
import { useI18n } from '../../i18n/I18n.tsx';
import { Button } from '../../ui/Button.tsx';
import { FailureNotice } from '../../ui/FailureNotice.tsx';
import { TextField } from '../../ui/Field.tsx';
import { Notice } from '../../ui/Notice.tsx';
import { KitSheet } from '../../components/keys/KitSheet.tsx';
import { WalletOutcome } from './WalletOutcome.tsx';

/** Shows the recovery kit, then asks for three of its words, to make sure that the person has kept it. */
export function KitStep({ setUp }: { readonly setUp: SetUp }) {
  const { t } = useI18n();
  const { proveKit, wordNumbers } = setUp;
  const [kept, setKept] = useState(false);
  const [answers, setAnswers] = useState<readonly [string, string, string]>(['', '', '']);
  const kit = setUp.kit();

  if (!kept) {
    return (
      <div className="space-y-5">
        <WalletOutcome setUp={setUp} />
        <h2 className="text-xl font-semibold">{t('setup.kit.title')}</h2>
        <p className="text-muted">{t('setup.kit.text')}</p>
        {kit && <KitSheet kit={kit} />}
        <Button tone="primary" onClick={() => setKept(true)}>
          {t('setup.kit.kept')}
        </Button>
      </div>
    );
  }
  const isWrong = proveKit.error?.code === 'invalid_words';
  return (
    <form
      className="space-y-5"
      onSubmit={(event) => {
        event.preventDefault();
        const [first, second, third] = answers;
        proveKit.start([first.trim().toLowerCase(), second.trim().toLowerCase(), third.trim().toLowerCase()]);
      }}
    >
      <h2 className="text-xl font-semibold">{t('setup.kit.check.title')}</h2>
      <p className="text-muted">{t('setup.kit.check.text')}</p>
      {wordNumbers.map((number, index) => (
        <TextField
          key={number}
          label={t('setup.kit.check.word', { number })}
          dir="ltr"
          autoCapitalize="off"
          spellCheck={false}
          required
          value={answers[index] ?? ''}
          onChange={(event) =>
            setAnswers((before) => [
              index === 0 ? event.target.value : before[0],
              index === 1 ? event.target.value : before[1],
              index === 2 ? event.target.value : before[2],
            ])
          }
        />
      ))}
      {isWrong ? <Notice tone="caution" live title={t('setup.kit.check.wrong')} /> : <FailureNotice failure={proveKit.error} />}
      <div className="flex flex-wrap gap-3">
        <Button type="submit" tone="primary" busy={proveKit.isBusy}>
          {t('setup.kit.check.button')}
        </Button>
        <Button tone="quiet" onClick={() => setKept(false)}>
          {t('setup.kit.check.show')}
        </Button>
      </div>
    </form>
  );
}
