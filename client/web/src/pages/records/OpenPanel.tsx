import { Download, FileSearch } from 'lucide-react';
import { useState } from 'react';
import { useGrants } from '../../data/grants.ts';
import { canSaveWithoutOpening } from '../../data/open-record.ts';
import { useRecordName } from '../../data/records.ts';
import { PURPOSES, type Purpose } from '../../protocol/codes.ts';
import type { OpenRecord, RecordItem, SaveRecord } from '../../types/records.ts';
import { useI18n } from '../../i18n/I18n.tsx';
import { Button } from '../../ui/Button.tsx';
import { FailureNotice } from '../../ui/FailureNotice.tsx';
import { Select } from '../../ui/Field.tsx';
import { Notice } from '../../ui/Notice.tsx';
import { Progress } from '../../ui/Progress.tsx';
import { usePersonName } from '../../components/people/person-name.ts';
import { AuthorSentence, ForgedAuthor } from './AuthorSentence.tsx';

/**
 * Opens a record, or saves a large one without opening it. For a record of somebody else, it first asks for the reason and says that the
 * opening is logged.
 */
export function OpenPanel({
  record,
  version,
  open,
  save,
}: {
  readonly record: RecordItem;
  readonly version: number | null;
  readonly open: OpenRecord;
  readonly save: SaveRecord;
}) {
  const { t } = useI18n();
  const patient = usePersonName(record.patient);
  // `isMine` comes from the chain. The uploader that the server names is not used here: a false name must not hide that the opening is
  // logged.
  const isOwn = record.isMine;
  const purposes = useAllowedPurposes(record);
  const [wished, setPurpose] = useState<Purpose>('TREAT');
  const purpose = purposes.includes(wished) ? wished : purposes[0];
  const input = { record: record.id, ...(version === null ? {} : { version }), ...(isOwn || !purpose ? {} : { purpose }) };
  const { data: name } = useRecordName(record);
  const wanted = record.versions.find((one) => one.version === version) ?? record.versions.at(-1);
  const isSavable = canSaveWithoutOpening(wanted?.size ?? 0);
  const startOpening = () => {
    save.reset();
    open.start(input);
  };
  const startSaving = () => {
    open.reset();
    save.start({ ...input, suggestedName: name?.fileName || 'document' });
  };
  const isBusy = open.isBusy || save.isBusy;
  const running = save.isBusy ? save : open;

  if (open.data) return null;
  return (
    <div className="space-y-4">
      {!isOwn && (
        <>
          <p>{t('record.open.logged', { patient })}</p>
          {purposes.length > 1 && purpose && !isBusy && (
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
      <FailureNotice failure={open.error} onRetry={startOpening} />
      <FailureNotice failure={save.error} onRetry={startSaving} />
      {save.data && (
        <Notice tone="good" live title={t('record.saved', { file: save.data.fileName })}>
          <AuthorSentence author={save.data.author} />
        </Notice>
      )}
      {save.data?.author.forged && <ForgedAuthor />}
      {mayStart(open) && mayStart(save) && (
        // The button stays in its place while it works, so that a second click does not hit the button that cancels.
        <div className="flex flex-wrap gap-3">
          <Button tone="primary" icon={FileSearch} busy={open.isBusy} disabled={save.isBusy} onClick={startOpening}>
            {t('record.open')}
          </Button>
          {isSavable && (
            <Button icon={Download} busy={save.isBusy} disabled={open.isBusy} onClick={startSaving}>
              {t('record.save')}
            </Button>
          )}
          {isBusy && <Button onClick={running.cancel}>{t('ui.cancel')}</Button>}
        </div>
      )}
      {isSavable && <p className="text-sm text-muted">{t('record.download.warning')}</p>}
      {isBusy && (
        <div role="status">
          <Progress
            label={t(running.progress?.step === 'fetching' ? 'record.opening.fetching' : 'record.opening.asking')}
            fraction={running.progress?.done}
          />
        </div>
      )}
    </div>
  );
}

/** Returns whether the buttons are shown. After a failure, the notice offers to try again instead. */
const mayStart = ({ error }: OpenRecord | SaveRecord): boolean => error === null || error.code === 'cancelled';

/** The purposes for which the patient allowed this record to be opened. */
function useAllowedPurposes(record: RecordItem): readonly Purpose[] {
  const { data } = useGrants('received', record.id);
  const allowed = new Set(
    (data ?? []).filter((grant) => grant.state === 'active' && grant.right === 'read').flatMap((grant) => grant.purposes),
  );
  return PURPOSES.all.filter((purpose) => allowed.has(purpose));
}
