import { useState } from 'react';
import { useI18n } from '../i18n/I18n.tsx';
import { AUTHORITY_SECONDS_MAX, mayEndAt } from '../protocol/ends.ts';
import { Choice, TextField } from '../ui/Field.tsx';

const DAY_SECONDS = 86_400;
type Preset = '1' | '7' | '30' | '90' | 'custom';

/** Returns the last second of the day that is `daysFromNow` days from today, in this device's time zone. */
export function endOfDay(daysFromNow: number): number {
  const end = new Date();
  end.setDate(end.getDate() + daysFromNow);
  end.setHours(23, 59, 59, 0);
  return Math.floor(end.getTime() / 1_000);
}

/** Returns the day in the form that a date field needs, `2026-05-03`, in this device's calendar. */
export function dayText(seconds: number): string {
  const date = new Date(seconds * 1_000);
  const pad = (value: number) => String(value).padStart(2, '0');
  return `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`;
}

/** Returns the last second of the day in a date field; `null` if the field is empty. */
export function endOfDayText(text: string): number | null {
  const [year, month, day] = text.split('-').map(Number);
  if (!year || !month || !day) return null;
  return Math.floor(new Date(year, month - 1, day, 23, 59, 59).getTime() / 1_000);
}

/** Returns the reason why a permission may not end then; `null` if it may. */
export function endProblem(seconds: number, now = Date.now() / 1_000): 'share.until.past' | 'share.until.far' | null {
  if (seconds <= now) return 'share.until.past';
  return mayEndAt(seconds, Math.floor(now)) ? null : 'share.until.far';
}

/** Chooses the end of a permission: one of a few usual periods, or a day. Seven days is the default. */
export function UntilField({ value, onChange }: { readonly value: number; readonly onChange: (seconds: number) => void }) {
  const { t, format } = useI18n();
  const [preset, setPreset] = useState<Preset>(() => presetOf(value));
  const problem = endProblem(value);
  const choose = (next: Preset) => {
    setPreset(next);
    if (next !== 'custom') onChange(endOfDay(Number(next)));
  };
  return (
    <div className="space-y-3">
      <Choice
        legend={t('share.until')}
        columns
        value={preset}
        onChoose={choose}
        options={[
          { value: '1', label: t('share.until.days', { count: 1 }), hint: format.day(endOfDay(1)) },
          { value: '7', label: t('share.until.days', { count: 7 }), hint: format.day(endOfDay(7)) },
          { value: '30', label: t('share.until.days', { count: 30 }), hint: format.day(endOfDay(30)) },
          { value: '90', label: t('share.until.days', { count: 90 }), hint: format.day(endOfDay(90)) },
          { value: 'custom', label: t('share.until.custom') },
        ]}
      />
      {preset === 'custom' && (
        <TextField
          type="date"
          label={t('share.until.day')}
          min={dayText(Date.now() / 1_000 + DAY_SECONDS)}
          value={dayText(value)}
          max={dayText(Date.now() / 1_000 + AUTHORITY_SECONDS_MAX - DAY_SECONDS)}
          error={problem === null ? undefined : t(problem)}
          onChange={(event) => {
            const seconds = endOfDayText(event.target.value);
            if (seconds !== null) onChange(seconds);
          }}
        />
      )}
    </div>
  );
}

function presetOf(value: number): Preset {
  return (['1', '7', '30', '90'] as const).find((days) => endOfDay(Number(days)) === value) ?? 'custom';
}
