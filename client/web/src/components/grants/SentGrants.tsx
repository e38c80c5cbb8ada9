import { useState } from 'react';
import type { SentGrantItem } from '../../types/grants.ts';
import { useI18n } from '../../i18n/I18n.tsx';
import { Button } from '../../ui/Button.tsx';
import { CardItem, CardList, Section } from '../../ui/Card.tsx';
import { usePersonName } from '../people/person-name.ts';
import { PersonName } from '../people/Person.tsx';
import { ScopeName } from './GrantSentence.tsx';
import { StopSentDialog } from './StopDialog.tsx';

/** Permissions that were signed and are not on the chain yet. They can be ended before they begin. */
export function SentGrants({ sent }: { readonly sent: readonly SentGrantItem[] }) {
  const { t } = useI18n();
  if (sent.length === 0) return null;
  return (
    <Section title={t('access.sent')} intro={t('access.sent.intro')}>
      <CardList label={t('access.sent')}>
        {sent.map((one) => (
          <SentGrant key={one.grants.join()} sent={one} />
        ))}
      </CardList>
    </Section>
  );
}

function SentGrant({ sent }: { readonly sent: SentGrantItem }) {
  const { t, format } = useI18n();
  const name = usePersonName(sent.grantee);
  const [stopping, setStopping] = useState(false);
  return (
    <CardItem className="space-y-2">
      <div className="flex flex-wrap items-start justify-between gap-3">
        <h3 className="text-lg font-semibold">
          <PersonName address={sent.grantee} />
        </h3>
        <Button tone="danger" aria-label={t('access.stop.for', { name })} onClick={() => setStopping(true)}>
          {t('access.stop')}
        </Button>
      </div>
      <ul>
        {sent.scopes.map((scope, index) => (
          <li key={index}>
            <ScopeName grant={{ scope }} />
          </li>
        ))}
      </ul>
      <p className="text-sm text-muted">{t('access.sent.until', { time: format.moment(sent.deadline) })}</p>
      {stopping && <StopSentDialog sent={sent} onClose={() => setStopping(false)} />}
    </CardItem>
  );
}
