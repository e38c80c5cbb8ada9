import { FilePlus2, FolderHeart, Share2 } from 'lucide-react';
import { useState } from 'react';
import { useSearchParams } from 'react-router';
import { isPractitioner } from '../../types/session.ts';
import { paths } from '../../paths.ts';
import { useRecords } from '../../data/records.ts';
import type { Address, Hex } from 'viem';
import { CATEGORIES, type Category } from '../../protocol/codes.ts';
import type { RecordItem } from '../../types/records.ts';
import type { Me } from '../../types/session.ts';
import { useI18n } from '../../i18n/I18n.tsx';
import { Button, ButtonLink } from '../../ui/Button.tsx';
import { Section } from '../../ui/Card.tsx';
import { Dialog } from '../../ui/Dialog.tsx';
import { Empty } from '../../ui/Empty.tsx';
import { Select } from '../../ui/Field.tsx';
import { Page } from '../../ui/Page.tsx';
import { Resource } from '../../ui/Resource.tsx';
import { usePersonName } from '../../components/people/person-name.ts';
import { AddFiles } from '../../components/uploads/AddFiles.tsx';
import { UnfinishedUploads } from '../../components/uploads/UnfinishedUploads.tsx';
import { UploadQueue } from '../../components/uploads/UploadQueue.tsx';
import { byMonth } from './by-month.ts';
import { Strangers } from '../../components/inbox/Strangers.tsx';
import { RecordLine } from '../../components/records/RecordLine.tsx';

/** The person's own records by month and category. Records can be added here, and chosen to be shared. */
export function RecordsPage({ me }: { readonly me: Me }) {
  const { t } = useI18n();
  const [adding, setAdding] = useState(false);
  const records = useRecords({ patient: me.address });
  const add = (
    <Button tone="primary" icon={FilePlus2} onClick={() => setAdding(true)}>
      {t('records.add')}
    </Button>
  );
  return (
    <Page title={t('records.title')} intro={t('records.intro')} actions={records.data && records.data.length > 0 && add}>
      <UnfinishedUploads />
      <UploadQueue />
      <Resource of={records}>
        {(all) =>
          all.length === 0 ? (
            <Empty icon={FolderHeart} title={t('records.empty.title')} action={add}>
              {t('records.empty.text')}
            </Empty>
          ) : (
            <RecordList records={all} />
          )
        }
      </Resource>
      {/* Practitioners have a page for each patient instead. */}
      {!isPractitioner(me) && <Strangers />}
      {!isPractitioner(me) && <ReceivedFromPeople me={me.address} />}
      {adding && (
        <Dialog title={t('upload.title')} onClose={() => setAdding(false)}>
          <AddFiles patient={me.address} onAdded={() => setAdding(false)} />
        </Dialog>
      )}
    </Page>
  );
}

/** Permissions from family and friends, by person. Shows nothing if there are none. */
function ReceivedFromPeople({ me }: { readonly me: Address }) {
  const { data } = useRecords();
  const others = (data ?? []).filter((record) => record.patient !== me);
  const people = [...new Set(others.map((record) => record.patient))];
  return people.map((person) => (
    <ReceivedFrom key={person} person={person} records={others.filter((record) => record.patient === person)} />
  ));
}

function ReceivedFrom({ person, records }: { readonly person: Address; readonly records: readonly RecordItem[] }) {
  const { t } = useI18n();
  const name = usePersonName(person);
  return (
    <Section title={t('records.sharedBy', { name })}>
      <ul className="space-y-3">
        {records.map((record) => (
          <RecordLine key={record.id} record={record} to={paths.record(record.id)} />
        ))}
      </ul>
    </Section>
  );
}

function RecordList({ records }: { readonly records: readonly RecordItem[] }) {
  const { t, format } = useI18n();
  const [search, setSearch] = useSearchParams();
  const [selected, setSelected] = useState<ReadonlySet<Hex>>(new Set());
  const present = CATEGORIES.all.filter((category) => records.some((record) => record.category === category));
  const category = present.find((name) => name === search.get('category')) ?? 'all';
  const shown = category === 'all' ? records : records.filter((record) => record.category === category);
  const options: readonly (readonly [Category | 'all', string])[] = [
    ['all', t('records.filter.all')],
    ...present.map((name) => [name, t(`category.${name}`)] as const),
  ];
  const select = (id: Hex, isSelected: boolean) => {
    const next = new Set(selected);
    if (isSelected) next.add(id);
    else next.delete(id);
    setSelected(next);
  };

  return (
    <div className="space-y-6">
      <div className="flex flex-wrap items-end justify-between gap-4">
        <div className="w-full sm:w-64">
          <Select
            label={t('records.filter.title')}
            options={options}
            value={category}
            onChoose={(next) => setSearch(next === 'all' ? {} : { category: next }, { replace: true })}
          />
        </div>
        <p role="status" className="text-muted">
          {t('records.count', { count: shown.length })}
        </p>
      </div>
      {byMonth(shown).map((month) => (
        <section key={month.seconds} className="space-y-3">
          <h2 className="text-lg font-semibold">{format.month(month.seconds)}</h2>
          <ul className="space-y-3">
            {month.records.map((record) => (
              <RecordLine
                key={record.id}
                record={record}
                to={paths.record(record.id)}
                selected={selected.has(record.id)}
                onSelect={record.status === 'tombstoned' ? undefined : (isSelected) => select(record.id, isSelected)}
              />
            ))}
          </ul>
        </section>
      ))}
      {selected.size > 0 && (
        <div className="sticky bottom-4 flex flex-wrap items-center justify-between gap-3 rounded-2xl border border-accent bg-surface p-4 shadow-lg">
          <p role="status" className="font-medium">
            {t('records.selected', { count: selected.size })}
          </p>
          <div className="flex flex-wrap gap-3">
            <Button onClick={() => setSelected(new Set())}>{t('records.clear')}</Button>
            <ButtonLink tone="primary" icon={Share2} to={paths.grantRecords([...selected])}>
              {t('records.shareSelected')}
            </ButtonLink>
          </div>
        </div>
      )}
    </div>
  );
}
