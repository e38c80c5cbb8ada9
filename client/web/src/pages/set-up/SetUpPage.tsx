import { Check } from 'lucide-react';
import { useState } from 'react';
import { useSetUp } from '../../data/set-up.ts';
import type { SetUp } from '../../types/set-up.ts';
import { useI18n } from '../../i18n/I18n.tsx';
import { ActionStatus } from '../../ui/ActionStatus.tsx';
import { Button } from '../../ui/Button.tsx';
import { Card } from '../../ui/Card.tsx';
import { classes } from '../../ui/classes.ts';
import { Page } from '../../ui/Page.tsx';
import { KitStep } from './KitStep.tsx';
import { MakeKeysForm } from './MakeKeysForm.tsx';
import { RecoverForm } from '../../components/keys/RecoverForm.tsx';

const STEPS = ['keys', 'kit', 'publish'] as const;

/** Prepares a signed-in account for storing records: keys and unlockers, recovery kit, public key. */
export function SetUpPage() {
  const { t } = useI18n();
  const setUp = useSetUp();
  return (
    <Page title={t('setup.title')} intro={t('setup.intro')}>
      <Steps at={setUp.step === 'done' ? STEPS.length : STEPS.indexOf(setUp.step)} />
      <Card>
        {setUp.step === 'keys' && <KeysStep setUp={setUp} />}
        {setUp.step === 'kit' && <KitStep setUp={setUp} />}
        {setUp.step === 'publish' && <PublishStep setUp={setUp} />}
      </Card>
    </Page>
  );
}

function Steps({ at }: { readonly at: number }) {
  const { t } = useI18n();
  const names = [t('setup.unlock.title'), t('setup.kit.title'), t('setup.publish.title')];
  return (
    <ol aria-label={t('setup.steps')} className="grid gap-2 sm:grid-cols-3">
      {names.map((name, index) => (
        <li
          key={name}
          aria-current={index === at ? 'step' : undefined}
          className={classes('flex items-center gap-3 border-t-4 pt-2', index <= at ? 'border-accent' : 'border-line')}
        >
          <span className="text-sm">
            <span className="block text-muted">{t('setup.step', { number: index + 1, total: names.length })}</span>
            <span className={classes('font-medium', index !== at && 'text-muted')}>{name}</span>
          </span>
          {index < at && <Check aria-hidden size={20} className="ms-auto shrink-0 text-good" />}
        </li>
      ))}
    </ol>
  );
}

function KeysStep({ setUp }: { readonly setUp: SetUp }) {
  const { t } = useI18n();
  const [restores, setRestores] = useState(false);
  if (restores) {
    return (
      <div className="space-y-5">
        <h2 className="text-xl font-semibold">{t('restore.title')}</h2>
        <p className="text-muted">{t('restore.text')}</p>
        <RecoverForm />
        <Button tone="quiet" onClick={() => setRestores(false)}>
          {t('ui.back')}
        </Button>
      </div>
    );
  }
  return (
    <MakeKeysForm setUp={setUp}>
      <Button tone="quiet" onClick={() => setRestores(true)}>
        {t('setup.start.restore')}
      </Button>
    </MakeKeysForm>
  );
}

function PublishStep({ setUp: { publishKey } }: { readonly setUp: SetUp }) {
  const { t } = useI18n();
  return (
    <div className="space-y-5">
      <h2 className="text-xl font-semibold">{t('setup.publish.title')}</h2>
      <p className="text-muted">{t('setup.publish.text')}</p>
      <Button tone="primary" busy={publishKey.isBusy} onClick={() => publishKey.start()}>
        {t('setup.publish.button')}
      </Button>
      <ActionStatus act={publishKey} onRetry={() => publishKey.start()} />
    </div>
  );
}
