/** Formats dates, numbers and sizes in a language. All times in this app are in Unix seconds. */
export interface Format {
  /** "3 May 2026". */
  readonly day: (seconds: number) => string;
  /** "3 May 2026, 14:05". */
  readonly moment: (seconds: number) => string;
  /** "May 2026", the heading of a group. */
  readonly month: (seconds: number) => string;
  /** "in 6 days", "2 hours ago". */
  readonly relative: (seconds: number, now?: number) => string;
  /** "12,345". */
  readonly number: (value: number) => string;
  /** "45 %". */
  readonly percent: (fraction: number) => string;
  /** "3.4 MB". */
  readonly size: (bytes: number) => string;
  /** "A, B and C". */
  readonly list: (items: readonly string[]) => string;
}

const UNITS: readonly (readonly [Intl.RelativeTimeFormatUnit, number])[] = [
  ['year', 31_557_600],
  ['month', 2_629_800],
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
];
const SIZES = ['byte', 'kilobyte', 'megabyte', 'gigabyte'] as const;

/** Makes the formatters of a language. Call it once for each language, because `Intl` objects are expensive. */
export function makeFormat(language: string): Format {
  const day = new Intl.DateTimeFormat(language, { dateStyle: 'long' });
  const moment = new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'short' });
  const month = new Intl.DateTimeFormat(language, { month: 'long', year: 'numeric' });
  const relative = new Intl.RelativeTimeFormat(language, { numeric: 'auto' });
  const number = new Intl.NumberFormat(language);
  const percent = new Intl.NumberFormat(language, { style: 'percent' });
  const list = new Intl.ListFormat(language, { type: 'conjunction' });
  const sizes = SIZES.map(
    (unit) => new Intl.NumberFormat(language, { style: 'unit', unit, unitDisplay: 'short', maximumFractionDigits: 1 }),
  );
  const date = (seconds: number) => new Date(seconds * 1_000);
  return {
    day: (seconds) => day.format(date(seconds)),
    moment: (seconds) => moment.format(date(seconds)),
    month: (seconds) => month.format(date(seconds)),
    relative(seconds, now = Date.now() / 1_000) {
      const away = seconds - now;
      const [unit, length] = UNITS.find(([, length]) => Math.abs(away) >= length) ?? (['minute', 60] as const);
      return relative.format(Math.trunc(away / length), unit);
    },
    number: (value) => number.format(value),
    percent: (fraction) => percent.format(Math.min(1, Math.max(0, fraction))),
    size(bytes) {
      const power = Math.min(SIZES.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(1, bytes)) / 3)));
      return sizes[power]?.format(bytes / 1_000 ** power) ?? String(bytes);
    },
    list: (items) => list.format(items),
  };
}
