import type { GrantItem } from '../../types/grants.ts';
import type { RecordItem } from '../../types/records.ts';
import { useRecord } from '../../data/records.ts';
import { useI18n } from '../../i18n/I18n.tsx';
import { usePersonName } from '../people/person-name.ts';
import { useRecordTitle } from '../records/use-record-title.ts';

/** Describes what a grant allows, in one plain sentence: "Dr. Ada can open this until 3 May". */
export function GrantSentence({ grant }: { readonly grant: GrantItem }) {
  const { t, format } = useI18n();
  const name = usePersonName(grant.grantee);
  const date = format.day(grant.notAfter);
  const { scope } = grant;
  if (grant.right === 'write') {
    return scope.kind === 'category'
      ? t('access.line.addCategory', { name, date, category: t(`category.${scope.category}`) })
      : t('access.line.addAll', { name, date });
  }
  if (scope.kind === 'category') {
    return t('access.line.category', { name, date, category: t(`category.${scope.category}`) });
  }
  return scope.kind === 'all' ? t('access.line.all', { name, date }) : t('access.line.record', { name, date });
}

/** Names the scope of a grant in a few words. */
export function ScopeName({ grant }: { readonly grant: Pick<GrantItem, 'scope'> }) {
  const { t } = useI18n();
  const { scope } = grant;
  if (scope.kind === 'all') return t('share.what.all');
  if (scope.kind === 'category') return t(`category.${scope.category}`);
  return <RecordById id={scope.record} />;
}

function RecordById({ id }: { readonly id: RecordItem['id'] }) {
  const { t } = useI18n();
  const { data } = useRecord(id);
  return data ? <Title record={data} /> : t('records.unnamed');
}

function Title({ record }: { readonly record: RecordItem }) {
  return <bdi>{useRecordTitle(record)}</bdi>;
}
