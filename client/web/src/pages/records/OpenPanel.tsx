import { FileSearch } from 'lucide-react';
import { useState } from 'react';
import { useGrants } from '../../data/grants.ts';
import { PURPOSES, type Purpose } from '../../data/types/codes.ts';
import type { OpenRecord, RecordItem } from '../../data/types/records.ts';
import { useI18n } from '../../i18n/I18n.tsx';
import { Button } from '../../ui/Button.tsx';
import { FailureNotice } from '../../ui/FailureNotice.tsx';
import { Select } from '../../ui/Field.tsx';
import { Progress } from '../../ui/Progress.tsx';
import { useCalled } from '../people/names.ts';

/** Opens a record. Somebody else's asks for the reason first and says that the opening is logged. */
export function OpenPanel({ record, version, open }: {
  readonly record: RecordItem;
  readonly version: number | null;
  readonly open: OpenRecord;
}) {
  const { t } = useI18n();
  const patient = useCalled(record.patient);
  // What the chain says. Who uploaded it is the server's word, and must not leave out that the opening is logged.
  const isOwn = record.isMine;
  const purposes = useAllowedPurposes(record);
  const [wished, setPurpose] = useState<Purpose>('TREAT');
  const purpose = purposes.includes(wished) ? wished : purposes[0];
  const start = () =>
    open.start({ record: record.id, ...(version === null ? {} : { version }), ...(isOwn || !purpose ? {} : { purpose }) });

  if (open.data) return null;
  return (
    <div className="space-y-4">
      {!isOwn && (
        <>
          <p>{t('record.open.logged', { patient })}</p>
          {purposes.length > 1 && purpose && !open.isBusy && (
            <div className="max-w-sm">
              <Select
                label={t('record.open.purpose')}
                options={purposes.map((name) => [name, t(`purpose.${name}`)] as const)}
                value={purpose}
                onChoose={setPurpose}
              />
            </div>
          )}
        </>
      )}
      <FailureNotice failure={open.error} onRetry={start} />
      {(open.error === null || open.error.code === 'cancelled') && (
        // The button stays where it is while it works: a second click must not meet the one that cancels.
        <div className="flex flex-wrap gap-3">
          <Button tone="primary" icon={FileSearch} busy={open.isBusy} onClick={start}>
            {t('record.open')}
          </Button>
          {open.isBusy && <Button onClick={open.cancel}>{t('ui.cancel')}</Button>}
        </div>
      )}
      {open.isBusy && (
        <div role="status">
          <Progress
            label={t(open.progress?.step === 'fetching' ? 'record.opening.fetching' : 'record.opening.asking')}
            fraction={open.progress?.done}
          />
        </div>
      )}
    </div>
  );
}

/** The reasons for which the patient allowed this record. */
function useAllowedPurposes(record: RecordItem): readonly Purpose[] {
  const { data } = useGrants('received', record.id);
  const allowed = new Set((data ?? []).filter((grant) => grant.state === 'active' && grant.right === 'read').flatMap((grant) => grant.purposes));
  return PURPOSES.filter((purpose) => allowed.has(purpose));
}
