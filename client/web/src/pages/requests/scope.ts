import { useRecord, useRecords } from '../../data/records.ts';
import type { RequestItem, Scope, Sentence } from '../../data/types.ts';
import { useI18n } from '../../i18n/I18n.tsx';
import { short } from '../people/names.ts';

/** What a request is about, in a few words. */
export function useScopeText(scope: Scope): string {
  const { t } = useI18n();
  const record = useRecord(scope.kind === 'record' ? scope.record : '0x');
  if (scope.kind === 'all') return t('requests.scope.all');
  if (scope.kind === 'category') return t('requests.scope.category', { category: t(`category.${scope.category}`) });
  const name = record.data ? `${t(`category.${record.data.category}`)} ${short(scope.record)}` : short(scope.record);
  return t('requests.scope.record', { record: name });
}

/** What an approval signs. A request over a category or everything is answered with the records that are there now. */
export function useApprovalSentence(request: RequestItem): Sentence {
  const records = useRecords({ patient: request.patient });
  const { scope, requester: grantee, purposes, until } = request;
  if (request.right === 'write') {
    const categories = scope.kind === 'category' ? [scope.category] : ('all' as const);
    return { key: 'sign.grant_write', values: { grantee, categories, purposes: [...purposes], until } };
  }
  const inScope = (records.data ?? []).filter(
    (record) => record.status !== 'tombstoned' && (scope.kind !== 'category' || record.category === scope.category),
  );
  const count = scope.kind === 'record' ? 1 : inScope.length;
  return { key: 'sign.grant_read', values: { grantee, records: count, purposes: [...purposes], until } };
}
