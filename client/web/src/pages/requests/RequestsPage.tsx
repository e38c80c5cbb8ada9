import { Inbox } from 'lucide-react';
import { useState } from 'react';
import { paths } from '../../paths.ts';
import { useRequests } from '../../data/requests.ts';
import type { Granted } from '../../types/grants.ts';
import { useI18n } from '../../i18n/I18n.tsx';
import { ButtonLink } from '../../ui/Button.tsx';
import { CardList, Section } from '../../ui/Card.tsx';
import { Empty } from '../../ui/Empty.tsx';
import { Page } from '../../ui/Page.tsx';
import { Resource } from '../../ui/Resource.tsx';
import { LeftOut } from '../../components/grants/LeftOut.tsx';
import { AnsweredRequest } from '../../components/requests/AnsweredRequest.tsx';
import { OpenRequest } from './OpenRequest.tsx';

/** The access requests of other people. Each can be approved or denied with one click. */
export function RequestsPage() {
  const { t } = useI18n();
  const requests = useRequests();
  // Kept in this component, because the approved request moves to another list.
  const [leftOut, setLeftOut] = useState<Granted['leftOut']>([]);
  return (
    <Page title={t('requests.title')} intro={t('requests.intro')}>
      <LeftOut leftOut={leftOut} />
      <Resource of={requests}>
        {(all) => {
          const mine = all.filter((request) => request.isToMe);
          const open = mine.filter((request) => request.state === 'open');
          const answered = mine.filter((request) => request.state !== 'open');
          return (
            <div className="space-y-8">
              {open.length === 0 ? (
                <Empty
                  icon={Inbox}
                  title={t('requests.empty.title')}
                  action={<ButtonLink to={paths.settings}>{t('requests.empty.action')}</ButtonLink>}
                >
                  {t('requests.empty.text')}
                </Empty>
              ) : (
                <CardList label={t('requests.open')}>
                  {open.map((request) => (
                    <OpenRequest key={request.id} request={request} onLeftOut={setLeftOut} />
                  ))}
                </CardList>
              )}
              {answered.length > 0 && (
                <Section title={t('requests.earlier')}>
                  <CardList label={t('requests.earlier')}>
                    {answered.map((request) => (
                      <AnsweredRequest key={request.id} request={request} person={request.requester} />
                    ))}
                  </CardList>
                </Section>
              )}
            </div>
          );
        }}
      </Resource>
    </Page>
  );
}
