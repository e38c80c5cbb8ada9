import { useRecordName } from '../../data/records.ts';
import type { RecordItem } from '../../types/records.ts';
import { useI18n } from '../../i18n/I18n.tsx';
import { short } from '../people/person-name.ts';

/** Returns the title of a record: the name inside an own envelope that was checked, else its category, day and number. */
export function useRecordTitle(record: RecordItem): string {
  const { t, format } = useI18n();
  const { data: name } = useRecordName(record);
  if (name) return name.fileName || t('records.unnamed');
  const category = t(`category.${record.category}`);
  return `${t('records.dated', { category, date: format.day(record.created) })} (${short(record.id)})`;
}
