import { ScrollText } from 'lucide-react';
import { useState } from 'react';
import { OnlyViewNotice } from '../../components/OnlyViewNotice.tsx';
import { paths } from '../../paths.ts';
import { useActivity } from '../../data/activity.ts';
import { useRecord } from '../../data/records.ts';
import { useSession } from '../../data/session.ts';
import type { ActivityItem } from '../../types/log.ts';
import type { RecordItem } from '../../types/records.ts';
import { useI18n } from '../../i18n/I18n.tsx';
import { Badge } from '../../ui/Badge.tsx';
import { Button, ButtonLink } from '../../ui/Button.tsx';
import { CardItem, CardList } from '../../ui/Card.tsx';
import { Details } from '../../ui/Details.tsx';
import { Empty } from '../../ui/Empty.tsx';
import { Moment } from '../../ui/Moment.tsx';
import { Notice } from '../../ui/Notice.tsx';
import { Page } from '../../ui/Page.tsx';
import { Resource } from '../../ui/Resource.tsx';
import { short, usePersonName } from '../../components/people/person-name.ts';
import { useRecordTitle } from '../../components/records/use-record-title.ts';
import { Proof } from './Proof.tsx';

const PAGE = 50;

/** The list of openings: who opened what, when and why, with the proof behind "Details". */
export function ActivityPage() {
  const { t } = useI18n();
  const activity = useActivity();
  const [shown, setShown] = useState(PAGE);
  return (
    <Page title={t('activity.title')} intro={t('activity.intro')}>
      <Resource of={activity}>
        {(all) =>
          all.length === 0 ? (
            <Empty icon={ScrollText} title={t('activity.empty.title')} action={<ButtonLink to={paths.grant}>{t('nav.share')}</ButtonLink>}>
              {t('activity.empty.text')}
            </Empty>
          ) : (
            <div className="space-y-4">
              <Summary entries={all} />
              <CardList label={t('activity.title')}>
                {all.slice(0, shown).map((entry) => (
                  <Line key={entry.leaf} entry={entry} />
                ))}
              </CardList>
              {all.length > shown && <Button onClick={() => setShown(shown + PAGE)}>{t('ui.more')}</Button>}
            </div>
          )
        }
      </Resource>
      <OnlyViewNotice />
      <Notice>{t('activity.limit')}</Notice>
    </Page>
  );
}

/** Shows above the list how many entries have a problem, so that none of them is overlooked further down. */
function Summary({ entries }: { readonly entries: readonly ActivityItem[] }) {
  const { t } = useI18n();
  const count = entries.filter((entry) => entry.isHidden || (entry.problems?.length ?? 0) > 0).length;
  if (count === 0) return null;
  return (
    <Notice tone="danger" live title={t('activity.problems', { count })}>
      {t('activity.problems.next')}
    </Notice>
  );
}

function Line({ entry }: { readonly entry: ActivityItem }) {
  const { data: record } = useRecord(entry.record);
  return record ? <KnownLine entry={entry} record={record} /> : <Described entry={entry} title={short(entry.record)} record={null} />;
}

function KnownLine({ entry, record }: { readonly entry: ActivityItem; readonly record: RecordItem }) {
  return <Described entry={entry} title={useRecordTitle(record)} record={record} />;
}

function Described({ entry, title, record }: { readonly entry: ActivityItem; readonly title: string; readonly record: RecordItem | null }) {
  const { t } = useI18n();
  const { me } = useSession();
  const named = usePersonName(entry.reader);
  const nobody = usePersonName(null);
  const patient = usePersonName(record?.patient ?? null);
  const problems = entry.problems ?? [];
  const isMine = record?.isMine === true;
  // A name that was found to be wrong must not be shown as the reader.
  const reader = problems.includes('wrong_reader') ? nobody : named;
  const byMe = entry.reader !== null && entry.reader === me?.address;
  const [asked, setAsked] = useState(false);
  const isBad = entry.isHidden || problems.length > 0;
  return (
    <CardItem className="space-y-2">
      <div className="flex flex-wrap items-start justify-between gap-x-4 gap-y-2">
        <p className="min-w-0 font-medium">
          {byMe ? t('activity.line.you', { record: title, patient }) : t('activity.line', { name: reader, record: title })}
        </p>
        <Badge tone={isBad ? 'danger' : entry.isAnchored ? 'good' : 'plain'}>
          {entry.isHidden
            ? t('activity.hidden')
            : isBad
              ? t('activity.bad')
              : entry.isAnchored
                ? t('activity.anchored')
                : t('activity.waiting')}
        </Badge>
      </div>
      <p className="text-sm text-muted">
        <Moment seconds={entry.time} /> · {entry.purpose === null ? '–' : t(`purpose.${entry.purpose}`)}
      </p>
      {problems.length > 0 && (
        <Notice tone="danger">
          <ul className="space-y-1">
            {problems.map((problem) => (
              <li key={problem}>
                {problem === 'wrong_reader' ? t('activity.problem.wrong_reader', { name: named }) : t(`activity.problem.${problem}`)}
              </li>
            ))}
          </ul>
        </Notice>
      )}
      {entry.problems === null && (isMine || byMe) && <p className="text-sm text-muted">{t('activity.unchecked')}</p>}
      <Details onOpen={() => setAsked(true)}>
        <Proof entry={entry} wanted={asked} />
      </Details>
    </CardItem>
  );
}
