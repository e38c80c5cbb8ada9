import { EyeOff, OctagonX, UserX } from 'lucide-react';
import { useState } from 'react';
import { paths } from '../../paths.ts';
import { useGrants, useSentGrants } from '../../data/grants.ts';
import type { GrantItem } from '../../types/grants.ts';
import { useI18n } from '../../i18n/I18n.tsx';
import { Badge } from '../../ui/Badge.tsx';
import { Button, ButtonLink } from '../../ui/Button.tsx';
import { CardItem, CardList, Section } from '../../ui/Card.tsx';
import { Empty } from '../../ui/Empty.tsx';
import { Notice } from '../../ui/Notice.tsx';
import { Page } from '../../ui/Page.tsx';
import { Resource } from '../../ui/Resource.tsx';
import { PersonName } from '../../components/people/Person.tsx';
import { ScopeName } from '../../components/grants/GrantSentence.tsx';
import { byPerson, isCurrent, PersonGrants } from '../../components/grants/PersonGrants.tsx';
import { SentGrants } from '../../components/grants/SentGrants.tsx';
import { StopEveryoneDialog } from '../../components/grants/StopDialog.tsx';
import { StopOtherDialog } from './StopOtherDialog.tsx';

/** Everybody who may open or add something. Two clicks end the permissions of each person. */
export function AccessPage() {
  const { t } = useI18n();
  const grants = useGrants('given');
  const { data: sent = [] } = useSentGrants();
  const [stopping, setStopping] = useState(false);
  const [naming, setNaming] = useState(false);
  // The button is also shown if the list could not be loaded, so that it works even if the server does not answer.
  const isAnybody = grants.data === undefined || grants.data.some(isCurrent) || grants.bad.length > 0 || sent.length > 0;
  return (
    <Page
      title={t('access.title')}
      intro={t('access.intro')}
      actions={
        isAnybody && (
          <Button tone="danger" icon={OctagonX} onClick={() => setStopping(true)}>
            {t('access.stopAll')}
          </Button>
        )
      }
    >
      <SentGrants sent={sent} />
      <Resource of={grants}>{(all) => <Lists grants={all} />}</Resource>
      <Button tone="quiet" icon={UserX} className="-ms-4" onClick={() => setNaming(true)}>
        {t('access.other')}
      </Button>
      {isAnybody && <Notice title={t('access.limit')} />}
      {stopping && <StopEveryoneDialog onClose={() => setStopping(false)} />}
      {naming && <StopOtherDialog onClose={() => setNaming(false)} />}
    </Page>
  );
}

function Lists({ grants }: { readonly grants: readonly GrantItem[] }) {
  const { t } = useI18n();
  const current = grants.filter(isCurrent);
  const over = grants.filter((grant) => !isCurrent(grant));
  return (
    <div className="space-y-8">
      {current.length === 0 ? (
        <Empty icon={EyeOff} title={t('access.empty.title')} action={<ButtonLink to={paths.grant}>{t('nav.share')}</ButtonLink>}>
          {t('access.empty.text')}
        </Empty>
      ) : (
        <Section title={t('access.active')}>
          <CardList label={t('access.active')}>
            {byPerson(current).map(([key, group]) => (
              <PersonGrants key={key} grantee={group[0]?.grantee ?? null} grants={group} />
            ))}
          </CardList>
        </Section>
      )}
      {over.length > 0 && (
        <Section title={t('access.past')}>
          <CardList label={t('access.past')}>
            {over.map((grant) => (
              <OverLine key={grant.id} grant={grant} />
            ))}
          </CardList>
        </Section>
      )}
    </div>
  );
}

function OverLine({ grant }: { readonly grant: GrantItem }) {
  const { t, format } = useI18n();
  return (
    <CardItem className="flex flex-wrap items-center justify-between gap-3">
      <p className="min-w-0">
        <span className="font-medium">
          <PersonName address={grant.grantee} />
        </span>
        <span className="block text-sm text-muted">
          <ScopeName grant={grant} />
        </span>
      </p>
      <Badge>{grant.state === 'revoked' ? t('access.over.revoked') : t('access.over.expired', { date: format.day(grant.notAfter) })}</Badge>
    </CardItem>
  );
}
