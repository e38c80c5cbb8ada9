import { useRecord, useRecords } from '../../data/records.ts';
import type { Hex } from 'viem';
import type { Scope } from '../../types/grants.ts';
import type { RecordItem } from '../../types/records.ts';
import type { RequestItem } from '../../types/requests.ts';
import type { Sentence } from '../../types/signing.ts';
import { useI18n } from '../../i18n/I18n.tsx';
import { MAX_SCOPES } from '../../protocol/codes.ts';
import { short } from '../people/person-name.ts';

/** Returns the scope of a request in a few words. */
export function useScopeText(scope: Scope): string {
  const { t } = useI18n();
  const record = useRecord(scope.kind === 'record' ? scope.record : null);
  if (scope.kind === 'all') return t('requests.scope.all');
  if (scope.kind === 'category') return t('requests.scope.category', { category: t(`category.${scope.category}`) });
  const name = record.data ? `${t(`category.${record.data.category}`)} ${short(scope.record)}` : short(scope.record);
  return t('requests.scope.record', { record: name });
}

/**
 * The content of an approval to be signed: its sentence, and the records that it names. There are no records if the request is to add some.
 */
interface ApprovalTerms {
  readonly sentence: Sentence;
  readonly records?: readonly Hex[];
}

/**
 * Returns the content of an approval to be signed; `null` while it is not known yet. A request over a category or everything is answered
 * with the records that exist now, and exactly those that the sentence counts are signed.
 */
export function useApprovalTerms(request: RequestItem): ApprovalTerms | null {
  const records = useRecords({ patient: request.patient });
  return approvalTerms(request, records.data ?? null);
}

/** Returns the content of an approval from the patient's records, newest first. `null` means that the records are not loaded yet. */
export function approvalTerms(request: RequestItem, records: readonly RecordItem[] | null): ApprovalTerms | null {
  const { scope, requester: grantee, purposes, until } = request;
  if (request.right === 'write') {
    const categories = scope.kind === 'category' ? [scope.category] : ('all' as const);
    return { sentence: { key: 'sign.grant_write', values: { grantee, categories, purposes: [...purposes], until } } };
  }
  if (scope.kind !== 'record' && records === null) return null;
  const ids =
    scope.kind === 'record'
      ? [scope.record]
      : (records ?? [])
          .filter((record) => record.isMine && record.status !== 'tombstoned')
          .filter((record) => scope.kind === 'all' || record.category === scope.category)
          .map((record) => record.id)
          .slice(0, MAX_SCOPES);
  return { sentence: { key: 'sign.grant_read', values: { grantee, records: ids.length, purposes: [...purposes], until } }, records: ids };
}
