import { UserPlus } from 'lucide-react';
import { useState } from 'react';
import { findAddress } from '../../address.ts';
import { useInvite } from '../../data/accreditation.ts';
import { useI18n } from '../../i18n/I18n.tsx';
import { ActionStatus } from '../../ui/ActionStatus.tsx';
import { Button } from '../../ui/Button.tsx';
import { Card } from '../../ui/Card.tsx';
import { TextField } from '../../ui/Field.tsx';
import { useAnnounce } from '../../ui/Live.tsx';

/** Invites a new person, on a server that accepts invited accounts only. */
export function Invitation() {
  const { t, failure } = useI18n();
  const announce = useAnnounce();
  const invite = useInvite();
  const [text, setText] = useState('');
  const [missing, setMissing] = useState(false);
  const [done, setDone] = useState(false);
  const address = findAddress(text);
  const submit = () => {
    setMissing(address === null);
    setDone(false);
    if (address === null) return;
    invite.run(address).then(
      () => {
        setText('');
        setDone(true);
        announce(t('invite.done'));
      },
      () => undefined,
    );
  };
  return (
    <Card className="space-y-5">
      <div>
        <h2 className="text-xl font-semibold">{t('invite.title')}</h2>
        <p className="text-muted">{t('invite.intro')}</p>
      </div>
      <form
        className="space-y-5"
        onSubmit={(event) => {
          event.preventDefault();
          submit();
        }}
      >
        <TextField
          label={t('invite.address')}
          dir="ltr"
          spellCheck={false}
          value={text}
          error={missing && address === null ? failure('invalid_address').join(' ') : undefined}
          onChange={(event) => setText(event.target.value)}
        />
        <ActionStatus act={invite} onRetry={submit} />
        {done && <p className="text-sm text-muted">{t('invite.done')}</p>}
        <Button type="submit" tone="primary" icon={UserPlus} busy={invite.isBusy}>
          {t('invite.button')}
        </Button>
      </form>
    </Card>
  );
}
