import { useRecords } from '../../data/records.ts';
import type { Address, Hex } from 'viem';
import { CATEGORIES, MAX_SCOPES } from '../../protocol/codes.ts';
import type { RecordItem } from '../../types/records.ts';
import { useI18n } from '../../i18n/I18n.tsx';
import { ButtonLink, Button } from '../../ui/Button.tsx';
import { Empty } from '../../ui/Empty.tsx';
import { Resource } from '../../ui/Resource.tsx';
import { FolderHeart } from 'lucide-react';
import { paths } from '../../paths.ts';
import { Moment } from '../../ui/Moment.tsx';
import { useRecordTitle } from '../../components/records/use-record-title.ts';

/** Chooses own records, one by one or a whole category at once. */
export function RecordChoice({
  patient,
  value,
  onChange,
}: {
  readonly patient: Address;
  readonly value: readonly Hex[];
  readonly onChange: (records: readonly Hex[]) => void;
}) {
  const { t } = useI18n();
  const records = useRecords({ patient });
  return (
    <Resource of={records}>
      {(all) => {
        const open = all.filter((record) => record.status !== 'tombstoned');
        return open.length === 0 ? (
          <Empty
            icon={FolderHeart}
            title={t('records.empty.title')}
            action={<ButtonLink to={paths.records}>{t('records.add')}</ButtonLink>}
          >
            {t('records.empty.text')}
          </Empty>
        ) : (
          <Groups records={open} value={value} onChange={onChange} />
        );
      }}
    </Resource>
  );
}

function Groups({
  records,
  value,
  onChange,
}: {
  readonly records: readonly RecordItem[];
  readonly value: readonly Hex[];
  readonly onChange: (records: readonly Hex[]) => void;
}) {
  const { t } = useI18n();
  const chosen = new Set(value);
  const groups = CATEGORIES.all
    .map((category) => ({ category, records: records.filter((record) => record.category === category) }))
    .filter((group) => group.records.length > 0);
  return (
    <div
      className="max-h-112 space-y-4 overflow-y-auto rounded-xl border border-control p-3 sm:p-4"
      role="group"
      aria-label={t('share.what.choose')}
    >
      {groups.map((group) => (
        <div key={group.category}>
          <div className="flex flex-wrap items-center justify-between gap-2">
            <h3 className="font-semibold">{t(`category.${group.category}`)}</h3>
            {group.records.length > 1 && (
              <Button
                tone="quiet"
                onClick={() => onChange([...new Set([...value, ...group.records.map((record) => record.id)])].slice(0, MAX_SCOPES))}
              >
                {t('share.all.category', { category: t(`category.${group.category}`) })}
              </Button>
            )}
          </div>
          <ul>
            {group.records.map((record) => (
              <Line
                key={record.id}
                record={record}
                checked={chosen.has(record.id)}
                onChange={(isChosen) =>
                  onChange(isChosen ? [...value, record.id].slice(0, MAX_SCOPES) : value.filter((id) => id !== record.id))
                }
              />
            ))}
          </ul>
        </div>
      ))}
    </div>
  );
}

function Line({
  record,
  checked,
  onChange,
}: {
  readonly record: RecordItem;
  readonly checked: boolean;
  readonly onChange: (checked: boolean) => void;
}) {
  const title = useRecordTitle(record);
  return (
    <li>
      <label className="flex min-h-11 items-start gap-3 rounded-lg py-2">
        <input type="checkbox" checked={checked} onChange={(event) => onChange(event.target.checked)} />
        <span className="min-w-0">
          <bdi>{title}</bdi>{' '}
          <span className="text-sm text-muted">
            <Moment seconds={record.created} as="day" />
          </span>
        </span>
      </label>
    </li>
  );
}
