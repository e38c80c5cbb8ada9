import { useState } from 'react';
import { findAddress } from '../../address.ts';
import { useAccreditation } from '../../data/accreditation.ts';
import type { Address } from 'viem';
import type { Act } from '../../types/actions.ts';
import { useI18n } from '../../i18n/I18n.tsx';
import { ActionStatus } from '../../ui/ActionStatus.tsx';
import { Button } from '../../ui/Button.tsx';
import { Card } from '../../ui/Card.tsx';
import { TextField } from '../../ui/Field.tsx';
import { useAnnounce } from '../../ui/Live.tsx';

/** Lets the owner of the contract add and remove accreditors. */
export function Accreditors() {
  const { t, failure } = useI18n();
  const announce = useAnnounce();
  const { addAccreditor, removeAccreditor } = useAccreditation();
  const [text, setText] = useState('');
  const [missing, setMissing] = useState(false);
  const accreditor = findAddress(text);
  const act = (action: Act<Address, void>) => {
    setMissing(accreditor === null);
    if (accreditor === null) return;
    action.run(accreditor).then(
      () => {
        setText('');
        announce(t('owner.done'));
      },
      () => undefined,
    );
  };
  return (
    <Card className="space-y-5">
      <div>
        <h2 className="text-xl font-semibold">{t('owner.title')}</h2>
        <p className="text-muted">{t('owner.intro')}</p>
      </div>
      <TextField
        label={t('owner.address')}
        dir="ltr"
        spellCheck={false}
        value={text}
        error={missing && accreditor === null ? failure('invalid_address').join(' ') : undefined}
        onChange={(event) => setText(event.target.value)}
      />
      <ActionStatus act={addAccreditor} />
      <ActionStatus act={removeAccreditor} />
      <div className="flex flex-wrap gap-3">
        <Button tone="primary" busy={addAccreditor.isBusy} onClick={() => act(addAccreditor)}>
          {t('owner.add')}
        </Button>
        <Button busy={removeAccreditor.isBusy} onClick={() => act(removeAccreditor)}>
          {t('owner.remove')}
        </Button>
      </div>
    </Card>
  );
}
