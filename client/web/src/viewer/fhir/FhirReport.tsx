import { useEffect, useState } from 'react';
import { useI18n } from '../../i18n/I18n.tsx';
import { fhirReport } from '../../parsers/fhir.ts';
import { Badge } from '../../ui/Badge.tsx';
import { Details, Fact, Facts } from '../../ui/Details.tsx';
import { Loading } from '../../ui/Loading.tsx';
import { TextView } from '../TextView.tsx';
import type { FhirEntry, Fact as FhirFact, Flag, ResultRow } from '../../parsers/fhir-report.ts';

const TONES: Readonly<Record<Flag, 'good' | 'caution' | 'danger'>> = {
  normal: 'good',
  low: 'caution',
  high: 'caution',
  abnormal: 'caution',
  critical: 'danger',
};

/** Shows a FHIR document as a readable report, parsed in a worker, with the original data below it. */
export function FhirReport({ source }: { readonly source: string }) {
  const { t } = useI18n();
  const [report, setReport] = useState<{ readonly entries: readonly FhirEntry[] | null } | null>(null);
  useEffect(() => {
    let gone = false;
    const show = (entries: readonly FhirEntry[] | null): void => {
      if (!gone) setReport({ entries });
    };
    setReport(null);
    // If the document cannot be parsed, its original text is shown.
    fhirReport(source).then(show, () => show(null));
    return () => {
      gone = true;
    };
  }, [source]);
  if (report === null) return <Loading />;
  const { entries } = report;
  if (entries === null) return <TextView text={source} />;
  return (
    <div className="space-y-6">
      {entries.map((entry, index) => (
        <EntryView key={index} entry={entry} />
      ))}
      <Details summary={t('viewer.fhir.asIs')}>
        <TextView text={source} />
      </Details>
    </div>
  );
}

function EntryView({ entry }: { readonly entry: FhirEntry }) {
  const { t } = useI18n();
  return (
    <article className="space-y-4 not-first:border-t not-first:border-line not-first:pt-6">
      <header>
        <p className="text-sm font-medium text-accent">{t(`viewer.fhir.${entry.kind}`)}</p>
        <h3 className="text-xl font-semibold" dir="auto">
          {entry.title}
        </h3>
      </header>
      {entry.facts.length > 0 && (
        <Facts>
          {entry.facts.map((fact, index) => (
            <Fact key={index} name={t(`viewer.fhir.${fact.name}`)}>
              <FactValue fact={fact} />
            </Fact>
          ))}
        </Facts>
      )}
      {entry.results.length > 0 && <Results rows={entry.results} />}
      {entry.paragraphs.map((paragraph, index) => (
        <p key={index} dir="auto" className="max-w-prose whitespace-pre-line">
          {paragraph}
        </p>
      ))}
    </article>
  );
}

function FactValue({ fact: { value } }: { readonly fact: FhirFact }) {
  const { format } = useI18n();
  if ('text' in value) return <bdi>{value.text}</bdi>;
  const seconds = Date.parse(value.date) / 1_000;
  // A date with only a year or a month is shown as it was written: adding a day would be wrong.
  if (Number.isNaN(seconds) || !/^\d{4}-\d{2}-\d{2}/.test(value.date)) return <bdi>{value.date}</bdi>;
  return <time dateTime={value.date}>{value.date.includes('T') ? format.moment(seconds) : format.day(seconds)}</time>;
}

/** A table on wide screens. Below 640 px, each row becomes a small box. */
function Results({ rows }: { readonly rows: readonly ResultRow[] }) {
  const { t } = useI18n();
  const isAnyFlagged = rows.some((row) => row.flag !== null);
  return (
    <table className="block w-full sm:table">
      <thead className="sr-only sm:not-sr-only">
        <tr className="text-start text-sm text-muted">
          <th scope="col" className="py-2 pe-4 text-start font-medium">
            {t('viewer.fhir.result')}
          </th>
          <th scope="col" className="py-2 pe-4 text-start font-medium">
            {t('viewer.fhir.value')}
          </th>
          <th scope="col" className="py-2 pe-4 text-start font-medium">
            {t('viewer.fhir.range')}
          </th>
          {isAnyFlagged && (
            <th scope="col" className="py-2 text-start font-medium">
              {t('viewer.fhir.flag')}
            </th>
          )}
        </tr>
      </thead>
      <tbody className="block sm:table-row-group">
        {rows.map((row, index) => (
          <tr key={index} className="grid grid-cols-2 gap-x-4 border-t border-line py-2 sm:table-row sm:py-0">
            <th scope="row" className="col-span-2 py-1 pe-4 text-start font-medium sm:py-2.5" dir="auto">
              {row.name}
            </th>
            <td className="py-1 pe-4 sm:py-2.5">
              <bdi>{row.value}</bdi>
            </td>
            <td className="py-1 pe-4 text-muted sm:py-2.5">
              <bdi>{row.range}</bdi>
            </td>
            {isAnyFlagged && (
              <td className="py-1 sm:py-2.5">{row.flag && <Badge tone={TONES[row.flag]}>{t(`viewer.fhir.${row.flag}`)}</Badge>}</td>
            )}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
