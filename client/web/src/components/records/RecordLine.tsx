import { Link } from 'react-router';
import { useRecordName } from '../../data/records.ts';
import type { RecordItem } from '../../types/records.ts';
import { useI18n } from '../../i18n/I18n.tsx';
import { Badge } from '../../ui/Badge.tsx';
import { Moment } from '../../ui/Moment.tsx';
import { usePersonName } from '../people/person-name.ts';
import { CATEGORY_ICONS } from './category-icons.ts';
import { useRecordTitle } from './use-record-title.ts';

/** One record in a list: name, category, date, uploader, number of versions. */
export function RecordLine({
  record,
  to,
  selected,
  onSelect,
}: {
  readonly record: RecordItem;
  readonly to: string;
  readonly selected?: boolean;
  /** Makes the line selectable. Called when the person selects or deselects it. */
  readonly onSelect?: ((selected: boolean) => void) | undefined;
}) {
  const { t, failure } = useI18n();
  const title = useRecordTitle(record);
  // If the newest version cannot be opened, the line says so. The other records are listed as usual.
  const { error } = useRecordName(record);
  const uploader = usePersonName(record.uploader);
  const Icon = CATEGORY_ICONS[record.category];
  return (
    <li className="flex items-center gap-1 rounded-2xl border border-line bg-surface pe-3 has-checked:border-accent sm:pe-4">
      {onSelect && (
        <label className="flex min-h-11 items-center self-stretch ps-4">
          <span className="sr-only">
            {t('records.select')} {title}
          </span>
          <input type="checkbox" checked={selected ?? false} onChange={(event) => onSelect(event.target.checked)} />
        </label>
      )}
      <Link to={to} className="flex min-w-0 flex-1 items-center gap-4 rounded-2xl p-3 sm:p-4">
        <span className="hidden size-11 shrink-0 items-center justify-center rounded-xl bg-accent-soft text-accent sm:flex">
          <Icon aria-hidden size={22} />
        </span>
        <span className="min-w-0 flex-1">
          <span className="block font-semibold">
            <bdi>{title}</bdi>
          </span>
          <span className="flex flex-wrap gap-x-3 text-sm text-muted">
            <span>{t(`category.${record.category}`)}</span>
            <Moment seconds={record.created} as="day" />
            {error && !error.isRetryable && <span className="basis-full font-medium text-danger">{failure(error.code)[0]}</span>}
            <span>
              {record.uploader === record.patient ? (record.isMine ? t('records.fromYou') : null) : t('records.from', { name: uploader })}
            </span>
          </span>
        </span>
      </Link>
      <span className="flex flex-col items-end gap-1">
        {record.status === 'superseded' && <Badge tone="caution">{t('records.status.superseded')}</Badge>}
        {record.versions.at(-1)?.retracted === true && <Badge tone="caution">{t('records.retracted')}</Badge>}
        {record.status === 'tombstoned' && <Badge tone="danger">{t('records.status.tombstoned')}</Badge>}
        {record.versions.length > 1 && <Badge>{t('records.versions', { count: record.versions.length })}</Badge>}
      </span>
    </li>
  );
}
