import { PURPOSES, type Purpose } from '../../protocol/codes.ts';
import { useI18n } from '../../i18n/I18n.tsx';
import { Button } from '../../ui/Button.tsx';
import { Select, TextField } from '../../ui/Field.tsx';
import { endOfDayText } from '../../components/UntilField.tsx';

/** The content of the filter's fields. */
export interface FilterState {
  readonly fromText: string;
  readonly untilText: string;
  /** First second of the first day, last second of the last day; `null` if not set. */
  readonly from: number | null;
  readonly until: number | null;
  /** The beginning of a record id, or of the address of its patient. */
  readonly record: string;
  /** The beginning of a reader's pseudonym or address. */
  readonly reader: string;
  readonly purpose: Purpose | 'any';
}

/** The filter that lets every entry through. */
export const NO_FILTER: FilterState = {
  fromText: '',
  untilText: '',
  from: null,
  until: null,
  record: '',
  reader: '',
  purpose: 'any',
};

const DAY_SECONDS = 86_400;

/** Filters the log by time, record, reader and reason. */
export function FilterForm({ state, onChange }: { readonly state: FilterState; readonly onChange: (state: FilterState) => void }) {
  const { t } = useI18n();
  return (
    <div className="grid gap-4 sm:grid-cols-2">
      <TextField
        label={t('audit.filter.from')}
        type="date"
        value={state.fromText}
        onChange={(event) => {
          const end = endOfDayText(event.target.value);
          onChange({ ...state, fromText: event.target.value, from: end === null ? null : end - DAY_SECONDS + 1 });
        }}
      />
      <TextField
        label={t('audit.filter.until')}
        type="date"
        value={state.untilText}
        onChange={(event) => onChange({ ...state, untilText: event.target.value, until: endOfDayText(event.target.value) })}
      />
      <TextField
        label={t('audit.filter.patient')}
        hint={t('audit.filter.tag.hint')}
        dir="ltr"
        spellCheck={false}
        value={state.record}
        onChange={(event) => onChange({ ...state, record: event.target.value })}
      />
      <TextField
        label={t('audit.filter.reader')}
        hint={t('audit.filter.tag.hint')}
        dir="ltr"
        spellCheck={false}
        value={state.reader}
        onChange={(event) => onChange({ ...state, reader: event.target.value })}
      />
      <Select
        label={t('audit.filter.purpose')}
        options={[['any', t('audit.filter.any')], ...PURPOSES.all.map((name) => [name, t(`purpose.${name}`)] as const)]}
        value={state.purpose}
        onChoose={(purpose) => onChange({ ...state, purpose })}
      />
      <div className="flex items-end">
        <Button onClick={() => onChange(NO_FILTER)}>{t('audit.filter.clear')}</Button>
      </div>
    </div>
  );
}
