import { EyeOff, OctagonX } from 'lucide-react';
import { useState } from 'react';
import { paths } from '../../app/paths.ts';
import { useGrants } from '../../data/grants.ts';
import type { Address } from 'viem';
import type { GrantItem } from '../../data/types/grants.ts';
import { useI18n } from '../../i18n/I18n.tsx';
import { Badge } from '../../ui/Badge.tsx';
import { Button, ButtonLink } from '../../ui/Button.tsx';
import { CardItem, CardList, Section } from '../../ui/Card.tsx';
import { Code, Details, Fact, Facts } from '../../ui/Details.tsx';
import { Empty } from '../../ui/Empty.tsx';
import { Notice } from '../../ui/Notice.tsx';
import { Page } from '../../ui/Page.tsx';
import { Resource } from '../../ui/Resource.tsx';
import { useCalled } from '../people/names.ts';
import { PersonName, Standing } from '../people/Person.tsx';
import { GrantSentence, ScopeName } from './GrantSentence.tsx';
import { StopDialog, StopEveryoneDialog } from './StopDialog.tsx';

/** Everybody who may open or add something, and the way to stop each of them in two clicks. */
export function AccessPage() {
  const { t } = useI18n();
  const grants = useGrants('given');
  const [stopping, setStopping] = useState(false);
  // Also while the list is not there: a server that does not answer must not stand between a person and this button.
  const isAnybody = grants.data === undefined || grants.data.some(isCurrent);
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
      <Resource of={grants}>{(all) => <Lists grants={all} />}</Resource>
      {isAnybody && <Notice title={t('access.limit')} />}
      {stopping && <StopEveryoneDialog onClose={() => setStopping(false)} />}
    </Page>
  );
}

const isCurrent = (grant: GrantItem): boolean => grant.state === 'active' || grant.state === 'future';

/** Grants of one person together; those of unknown persons one by one. */
function byPerson(grants: readonly GrantItem[]): readonly (readonly [string, readonly GrantItem[]])[] {
  const groups = new Map<string, GrantItem[]>();
  for (const grant of grants) {
    const key = grant.grantee ?? grant.id;
    groups.set(key, [...(groups.get(key) ?? []), grant]);
  }
  return [...groups];
}

function Lists({ grants }: { readonly grants: readonly GrantItem[] }) {
  const { t } = useI18n();
  const current = grants.filter(isCurrent);
  const over = grants.filter((grant) => !isCurrent(grant));
  return (
    <div className="space-y-8">
      {current.length === 0 ? (
        <Empty
          icon={EyeOff}
          title={t('access.empty.title')}
          action={<ButtonLink to={paths.share}>{t('nav.share')}</ButtonLink>}
        >
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

function PersonGrants({ grantee, grants }: { readonly grantee: Address | null; readonly grants: readonly GrantItem[] }) {
  const { t, format } = useI18n();
  const name = useCalled(grantee);
  const [stopping, setStopping] = useState(false);
  return (
    <CardItem className="space-y-3">
      <div className="flex flex-wrap items-start justify-between gap-3">
        <div className="space-y-1.5">
          <h3 className="text-lg font-semibold">
            <PersonName address={grantee} />
          </h3>
          {grantee && <Standing address={grantee} />}
        </div>
        <Button tone="danger" aria-label={t('access.stop.for', { name })} onClick={() => setStopping(true)}>
          {t('access.stop')}
        </Button>
      </div>
      <ul className="space-y-2">
        {grants.map((grant) => (
          <li key={grant.id}>
            <GrantSentence grant={grant} />
            <span className="block text-sm text-muted">
              <ScopeName grant={grant} /> · {format.list(grant.purposes.map((purpose) => t(`purpose.${purpose}`)))}
              {grant.state === 'future' && ` · ${t('access.line.future', { date: format.day(grant.notBefore) })}`}
            </span>
          </li>
        ))}
      </ul>
      <Details>
        <Facts>
          {grants.map((grant) => (
            <GrantFacts key={grant.id} grant={grant} />
          ))}
        </Facts>
      </Details>
      {stopping && <StopDialog grantee={grantee} grants={grants} onClose={() => setStopping(false)} />}
    </CardItem>
  );
}

function GrantFacts({ grant }: { readonly grant: GrantItem }) {
  const { t } = useI18n();
  return (
    <>
      <Fact name={t('access.grant')}>
        <Code value={grant.id} />
      </Fact>
      <Fact name={t('access.tag')}>
        <Code value={grant.tag} />
      </Fact>
      <Fact name={t('record.tx')}>
        <Code value={grant.txHash} />
      </Fact>
    </>
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
