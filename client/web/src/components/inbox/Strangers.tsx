import { isOpen } from '../../protocol/grants/terms.ts';
import { Check, EyeOff, UserX } from 'lucide-react';
import { useState } from 'react';
import { Link } from 'react-router';
import type { Address } from 'viem';
import { paths } from '../../paths.ts';
import { useAccept, useHide, useWaiting } from '../../data/inbox.ts';
import type { GrantItem } from '../../types/grants.ts';
import { useI18n } from '../../i18n/I18n.tsx';
import { ActionStatus } from '../../ui/ActionStatus.tsx';
import { Button } from '../../ui/Button.tsx';
import { CardItem, CardList, Section } from '../../ui/Card.tsx';
import { FailureNotice } from '../../ui/FailureNotice.tsx';
import { useAnnounce } from '../../ui/Live.tsx';
import { BadItems } from '../../ui/Resource.tsx';
import { short, usePersonName } from '../people/person-name.ts';
import { PersonName } from '../people/Person.tsx';
import { BlockDialog } from './BlockDialog.tsx';

/**
 * Permissions from people whom this person does not know and nobody accredits. They wait here until they are accepted. Shows nothing if
 * there are none.
 */
export function Strangers({
  linked = false,
}: {
  /** True if each of these people has a page. */
  readonly linked?: boolean;
}) {
  const { t } = useI18n();
  const waiting = useWaiting('strangers');
  const { items = [], bad = [], more = false } = waiting.data ?? {};
  const senders = byPatient(items.filter((grant) => isOpen(grant.state)));
  if (waiting.error) return <FailureNotice failure={waiting.error} onRetry={waiting.refetch} />;
  if (senders.length === 0 && bad.length === 0) return null;
  return (
    <Section title={t('inbox.title')} intro={t('inbox.intro')}>
      <BadItems bad={bad} />
      <CardList label={t('inbox.title')}>
        {senders.map(([patient, grants]) => (
          <Sender key={patient} patient={patient} grants={grants} linked={linked} />
        ))}
      </CardList>
      {more && <p className="text-muted">{t('inbox.more')}</p>}
    </Section>
  );
}

function byPatient(grants: readonly GrantItem[]): readonly (readonly [Address, readonly GrantItem[]])[] {
  const groups = new Map<Address, GrantItem[]>();
  for (const grant of grants) groups.set(grant.patient, [...(groups.get(grant.patient) ?? []), grant]);
  return [...groups];
}

function Sender({
  patient,
  grants,
  linked,
}: {
  readonly patient: Address;
  readonly grants: readonly GrantItem[];
  readonly linked: boolean;
}) {
  const { t } = useI18n();
  const announce = useAnnounce();
  const name = usePersonName(patient);
  const accept = useAccept();
  const hide = useHide();
  const [blocking, setBlocking] = useState(false);
  const reads = grants.filter((grant) => grant.right === 'read').length;
  const isBusy = accept.isBusy || hide.isBusy;
  return (
    <CardItem className="space-y-3">
      <div>
        <h3 className="text-lg font-semibold">
          {linked ? (
            <Link to={paths.patient(patient)} className="text-accent underline">
              <PersonName address={patient} />
            </Link>
          ) : (
            <PersonName address={patient} />
          )}
        </h3>
        <p className="text-sm text-muted">
          <bdi dir="ltr">{short(patient)}</bdi>
          {reads > 0 && ` · ${t('inbox.opens', { count: reads })}`}
          {reads < grants.length && ` · ${t('inbox.adds')}`}
        </p>
      </div>
      <ActionStatus act={accept} />
      <ActionStatus act={hide} />
      <div className="flex flex-wrap gap-3">
        <Button
          tone="primary"
          icon={Check}
          busy={accept.isBusy}
          disabled={isBusy}
          aria-label={t('inbox.accept.for', { name })}
          onClick={() =>
            void accept.run(patient).then(
              () => announce(t('inbox.accepted', { name })),
              () => undefined,
            )
          }
        >
          {t('inbox.accept')}
        </Button>
        <Button
          icon={EyeOff}
          busy={hide.isBusy}
          disabled={isBusy}
          aria-label={t('inbox.hide.for', { name })}
          onClick={() =>
            void hide.run(grants.map((grant) => grant.id)).then(
              () => announce(t('inbox.hidden')),
              () => undefined,
            )
          }
        >
          {t('inbox.hide')}
        </Button>
        <Button tone="quiet" icon={UserX} disabled={isBusy} aria-label={t('inbox.block.for', { name })} onClick={() => setBlocking(true)}>
          {t('inbox.block')}
        </Button>
      </div>
      {blocking && <BlockDialog address={patient} onClose={() => setBlocking(false)} />}
    </CardItem>
  );
}
