import { isOpen } from '../../protocol/grants/terms.ts';
import { useState } from 'react';
import type { Address } from 'viem';
import type { GrantItem } from '../../types/grants.ts';
import { useI18n } from '../../i18n/I18n.tsx';
import { Button } from '../../ui/Button.tsx';
import { CardItem } from '../../ui/Card.tsx';
import { Code, Details, Fact, Facts } from '../../ui/Details.tsx';
import { Notice } from '../../ui/Notice.tsx';
import { usePersonName } from '../people/person-name.ts';
import { AccreditationBadges, PersonName } from '../people/Person.tsx';
import { GrantSentence, ScopeName } from './GrantSentence.tsx';
import { StopDialog } from './StopDialog.tsx';

/** Returns whether a grant counts now or will count later. */
export const isCurrent = (grant: GrantItem): boolean => isOpen(grant.state);

/** Groups grants by person. A grant of an unknown person is a group of its own. */
export function byPerson(grants: readonly GrantItem[]): readonly (readonly [string, readonly GrantItem[]])[] {
  const groups = new Map<string, GrantItem[]>();
  for (const grant of grants) {
    const key = grant.grantee ?? grant.id;
    groups.set(key, [...(groups.get(key) ?? []), grant]);
  }
  return [...groups];
}

/** The permissions of one person, and the button that ends them. */
export function PersonGrants({ grantee, grants }: { readonly grantee: Address | null; readonly grants: readonly GrantItem[] }) {
  const { t, format } = useI18n();
  const name = usePersonName(grantee);
  const [stopping, setStopping] = useState(false);
  return (
    <CardItem className="space-y-3">
      <div className="flex flex-wrap items-start justify-between gap-3">
        <div className="space-y-1.5">
          <h3 className="text-lg font-semibold">
            <PersonName address={grantee} />
          </h3>
          {grantee && <AccreditationBadges address={grantee} />}
        </div>
        <Button tone="danger" aria-label={t('access.stop.for', { name })} onClick={() => setStopping(true)}>
          {t('access.stop')}
        </Button>
      </div>
      {grants.some((grant) => grant.isMisnamed) && <Notice tone="danger" title={t('access.misnamed')} />}
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
