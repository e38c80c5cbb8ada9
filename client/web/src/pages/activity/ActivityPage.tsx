import { ScrollText } from 'lucide-react';
import { useState } from 'react';
import { paths } from '../../app/paths.ts';
import { useActivity } from '../../data/activity.ts';
import { useRecord } from '../../data/records.ts';
import { useSession } from '../../data/session.ts';
import type { ActivityItem } from '../../data/types/log.ts';
import type { RecordItem } from '../../data/types/records.ts';
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
import { short, useCalled } from '../people/names.ts';
import { useRecordTitle } from '../records/RecordName.tsx';
import { Proof } from './Proof.tsx';

const PAGE = 50;

/** Who opened what, when and why, with the proof behind "Details". */
export function ActivityPage() {
  const { t } = useI18n();
  const activity = useActivity();
  const [shown, setShown] = useState(PAGE);
  return (
    <Page title={t('activity.title')} intro={t('activity.intro')}>
      <Resource of={activity}>
        {(all) =>
          all.length === 0 ? (
            <Empty
              icon={ScrollText}
              title={t('activity.empty.title')}
              action={<ButtonLink to={paths.share}>{t('nav.share')}</ButtonLink>}
            >
              {t('activity.empty.text')}
            </Empty>
          ) : (
            <div className="space-y-4">
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
      <Notice>{t('activity.limit')}</Notice>
    </Page>
  );
}

function Line({ entry }: { readonly entry: ActivityItem }) {
  const { data: record } = useRecord(entry.record);
  return record ? <KnownLine entry={entry} record={record} /> : <Described entry={entry} title={short(entry.record)} record={null} />;
}

function KnownLine({ entry, record }: { readonly entry: ActivityItem; readonly record: RecordItem }) {
  return <Described entry={entry} title={useRecordTitle(record)} record={record} />;
}

function Described({ entry, title, record }: {
  readonly entry: ActivityItem;
  readonly title: string;
  readonly record: RecordItem | null;
}) {
  const { t } = useI18n();
  const { me } = useSession();
  const reader = useCalled(entry.reader);
  const patient = useCalled(record?.patient ?? null);
  const byMe = entry.reader !== null && entry.reader === me?.address;
  const [asked, setAsked] = useState(false);
  return (
    <CardItem className="space-y-2">
      <div className="flex flex-wrap items-start justify-between gap-x-4 gap-y-2">
        <p className="min-w-0 font-medium">
          {byMe ? t('activity.line.you', { record: title, patient }) : t('activity.line', { name: reader, record: title })}
        </p>
        <Badge tone={entry.isHidden ? 'danger' : entry.isAnchored ? 'good' : 'plain'}>
          {entry.isHidden ? t('activity.hidden') : entry.isAnchored ? t('activity.anchored') : t('activity.waiting')}
        </Badge>
      </div>
      <p className="text-sm text-muted">
        <Moment seconds={entry.time} /> · {entry.purpose === null ? '–' : t(`purpose.${entry.purpose}`)}
      </p>
      <Details onOpen={() => setAsked(true)}>
        <Proof entry={entry} wanted={asked} />
      </Details>
    </CardItem>
  );
}
