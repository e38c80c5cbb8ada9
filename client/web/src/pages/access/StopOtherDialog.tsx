import { useState } from 'react';
import type { Address, Hex } from 'viem';
import { useRevoke } from '../../data/grants.ts';
import { useRecords } from '../../data/records.ts';
import { useSession } from '../../data/session.ts';
import { CATEGORIES, type Category, type Right } from '../../protocol/codes.ts';
import type { Ending, Scope } from '../../types/grants.ts';
import type { RecordItem } from '../../types/records.ts';
import { useI18n } from '../../i18n/I18n.tsx';
import { ActionStatus } from '../../ui/ActionStatus.tsx';
import { Button } from '../../ui/Button.tsx';
import { Dialog } from '../../ui/Dialog.tsx';
import { Choice, Select } from '../../ui/Field.tsx';
import { useAnnounce } from '../../ui/Live.tsx';
import { SignSentence } from '../../ui/SignSentence.tsx';
import { usePersonName } from '../../components/people/person-name.ts';
import { PersonPicker } from '../../components/people/PersonPicker.tsx';
import { SentenceText } from '../../components/people/SentenceText.tsx';
import { useRecordTitle } from '../../components/records/use-record-title.ts';

/**
 * Ends the permissions of one person over one scope, even if they are not on the list: a permission that was signed on another device may
 * not be on the chain yet, or may be hidden from this device.
 */
export function StopOtherDialog({ onClose }: { readonly onClose: () => void }) {
  const { t } = useI18n();
  const announce = useAnnounce();
  const { me } = useSession();
  const revoke = useRevoke();
  const records = useRecords(me === null ? {} : { patient: me.address });
  const [grantee, setGrantee] = useState<Address | null>(null);
  const [right, setRight] = useState<Right>('read');
  const [record, setRecord] = useState<Hex | ''>('');
  const [category, setCategory] = useState<Category | 'all'>('all');
  const name = usePersonName(grantee);
  if (me === null) return null;
  const scope = scopeOf(right, record, category);
  const stop = () => {
    if (grantee === null || scope === null) return;
    const ending: Ending = { kind: 'person', grantee, scope, confirm: 'page' };
    revoke.run(ending).then(
      () => {
        announce(t('access.stop.done', { name }));
        onClose();
      },
      () => undefined,
    );
  };
  return (
    <Dialog title={t('access.other')} onClose={onClose} locked={revoke.isBusy}>
      <form
        className="space-y-5"
        onSubmit={(event) => {
          event.preventDefault();
          stop();
        }}
      >
        <p className="text-muted">{t('access.other.text')}</p>
        <PersonPicker me={me.address} value={grantee} onChoose={setGrantee} />
        <Choice
          legend={t('share.what')}
          value={right}
          onChoose={setRight}
          options={[
            { value: 'read', label: t('access.other.open') },
            { value: 'write', label: t('access.other.add') },
          ]}
        />
        {right === 'read' ? (
          <RecordSelect records={records.data ?? []} value={record} onChoose={setRecord} />
        ) : (
          <Select
            label={t('upload.category')}
            options={[['all', t('share.what.all')], ...CATEGORIES.all.map((one) => [one, t(`category.${one}`)] as const)]}
            value={category}
            onChoose={setCategory}
          />
        )}
        {grantee !== null && scope !== null && (
          <SignSentence>
            <SentenceText sentence={{ key: 'sign.revoke', values: { grants: 1, grantee } }} />
          </SignSentence>
        )}
        <ActionStatus act={revoke} onRetry={stop} />
        <div className="flex flex-wrap justify-end gap-3">
          <Button onClick={onClose} disabled={revoke.isBusy}>
            {t('ui.cancel')}
          </Button>
          <Button type="submit" tone="danger" busy={revoke.isBusy} disabled={grantee === null || scope === null}>
            {t('access.stop.confirm')}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

function scopeOf(right: Right, record: Hex | '', category: Category | 'all'): Scope | null {
  if (right === 'read') return record === '' ? null : { kind: 'record', record };
  return category === 'all' ? { kind: 'all' } : { kind: 'category', category };
}

function RecordSelect({
  records,
  value,
  onChoose,
}: {
  readonly records: readonly RecordItem[];
  readonly value: Hex | '';
  readonly onChoose: (record: Hex | '') => void;
}) {
  const { t } = useI18n();
  return (
    <fieldset className="space-y-1">
      <legend className="mb-1 font-medium">{t('record.title')}</legend>
      <div className="max-h-60 overflow-y-auto rounded-lg border border-line p-2">
        {records.map((record) => (
          <RecordOption key={record.id} record={record} isChosen={record.id === value} onChoose={() => onChoose(record.id)} />
        ))}
        {records.length === 0 && <p className="text-muted">{t('records.empty.title')}</p>}
      </div>
    </fieldset>
  );
}

function RecordOption({
  record,
  isChosen,
  onChoose,
}: {
  readonly record: RecordItem;
  readonly isChosen: boolean;
  readonly onChoose: () => void;
}) {
  const title = useRecordTitle(record);
  return (
    <label className="flex min-h-11 items-center gap-3 rounded-lg px-2">
      <input type="radio" name="stop-record" checked={isChosen} onChange={onChoose} />
      <bdi>{title}</bdi>
    </label>
  );
}
