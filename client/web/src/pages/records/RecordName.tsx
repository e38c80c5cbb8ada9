import { useRecordName } from '../../data/records.ts';
import type { RecordItem } from '../../data/types.ts';
import { useI18n } from '../../i18n/I18n.tsx';
import { short } from '../people/names.ts';

/** What a record is called: for own records the name inside its envelope, for others its category and number. */
export function useRecordTitle(record: RecordItem): string {
  const { t } = useI18n();
  const { data: name } = useRecordName(record);
  if (name) return name.fileName || t('records.unnamed');
  return `${t(`category.${record.category}`)} ${short(record.id)}`;
}

/** The same as an element. */
export function RecordName({ record }: { readonly record: RecordItem }) {
  return <bdi>{useRecordTitle(record)}</bdi>;
}
