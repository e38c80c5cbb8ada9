import type { ReactNode } from 'react';
import type { Address } from 'viem';
import { useBlocked, useShowAgain, useUnblock, useWaiting } from '../../data/inbox.ts';
import type { GrantItem } from '../../types/grants.ts';
import type { BlockedSender } from '../../types/people.ts';
import { useI18n } from '../../i18n/I18n.tsx';
import { ActionStatus } from '../../ui/ActionStatus.tsx';
import { Button } from '../../ui/Button.tsx';
import { Card } from '../../ui/Card.tsx';
import { useAnnounce } from '../../ui/Live.tsx';
import { Resource } from '../../ui/Resource.tsx';
import { usePersonName } from '../people/person-name.ts';
import { PersonName } from '../people/Person.tsx';

/** The people whom this person has blocked and the permissions that they have hidden, each with a button that undoes it. */
export function BlockedSenders() {
  const { t } = useI18n();
  const blocked = useBlocked();
  const hidden = useWaiting('hidden');
  return (
    <Card className="space-y-4">
      <h2 className="text-xl font-semibold">{t('blocks.title')}</h2>
      <p className="max-w-prose text-muted">{t('blocks.intro')}</p>
      <Resource of={blocked}>
        {(all) =>
          all.length === 0 ? (
            <p>{t('blocks.none')}</p>
          ) : (
            <ul aria-label={t('blocks.title')} className="space-y-2">
              {all.map((one) => (
                <Blocked key={one.address} blocked={one} />
              ))}
            </ul>
          )
        }
      </Resource>
      <Resource of={hidden}>
        {({ items }) =>
          items.length > 0 && (
            <div className="space-y-2">
              <h3 className="font-semibold">{t('hidden.title')}</h3>
              <ul aria-label={t('hidden.title')} className="space-y-2">
                {items.map((grant) => (
                  <Hidden key={grant.id} grant={grant} />
                ))}
              </ul>
            </div>
          )
        }
      </Resource>
    </Card>
  );
}

function Line({ address, since, children }: { readonly address: Address; readonly since?: string; readonly children: ReactNode }) {
  return (
    <li className="flex flex-wrap items-center justify-between gap-3 rounded-lg bg-raised px-4 py-2">
      <span className="min-w-0">
        <PersonName address={address} />
        {since && <span className="block text-sm text-muted">{since}</span>}
      </span>
      {children}
    </li>
  );
}

function Blocked({ blocked: { address, since } }: { readonly blocked: BlockedSender }) {
  const { t, format } = useI18n();
  const announce = useAnnounce();
  const name = usePersonName(address);
  const unblock = useUnblock();
  return (
    <Line address={address} since={t('blocks.since', { date: format.day(since) })}>
      <Button
        busy={unblock.isBusy}
        aria-label={t('blocks.unblock.for', { name })}
        onClick={() =>
          void unblock.run(address).then(
            () => announce(t('blocks.unblocked', { name })),
            () => undefined,
          )
        }
      >
        {t('blocks.unblock')}
      </Button>
      <ActionStatus act={unblock} />
    </Line>
  );
}

function Hidden({ grant }: { readonly grant: GrantItem }) {
  const { t } = useI18n();
  const name = usePersonName(grant.patient);
  const show = useShowAgain();
  return (
    <Line address={grant.patient}>
      <Button busy={show.isBusy} aria-label={t('hidden.show.for', { name })} onClick={() => show.start(grant.id)}>
        {t('hidden.show')}
      </Button>
      <ActionStatus act={show} />
    </Line>
  );
}
