import { get, items, number, text, type Json } from './fhir-json.ts';

/** The relation of a measured value to its reference range. It comes from the sender's own coding and is never computed here. */
export type Flag = 'low' | 'high' | 'normal' | 'abnormal' | 'critical';

/** The label of a fact; `viewer.fhir.<name>` is its text in the reader's language. */
type FactName =
  | 'patient'
  | 'performer'
  | 'taken'
  | 'issued'
  | 'status'
  | 'onset'
  | 'dosage'
  | 'born'
  | 'note'
  | 'medication'
  | 'code'
  | 'severity';

/** A value with a label: text, or a FHIR date (`2026`, `2026-05`, `2026-05-04`, or with a time). */
export interface Fact {
  readonly name: FactName;
  readonly value: { readonly text: string } | { readonly date: string };
}

/** One line of a laboratory report. */
export interface ResultRow {
  readonly name: string;
  readonly value: string;
  readonly range: string | null;
  readonly flag: Flag | null;
}

/** The kind of an entry; `viewer.fhir.<kind>` is its text. */
type FhirEntryKind =
  | 'report'
  | 'result'
  | 'diagnosis'
  | 'medication'
  | 'allergy'
  | 'immunization'
  | 'procedure'
  | 'note'
  | 'patient'
  | 'other';

/** One resource in the form that is shown to people. */
export interface FhirEntry {
  readonly kind: FhirEntryKind;
  readonly title: string;
  readonly facts: readonly Fact[];
  readonly results: readonly ResultRow[];
  readonly paragraphs: readonly string[];
}

/** The maximum number of entries that are shown. Further entries are only in the original data. */
const ENTRIES_MAX = 200;
/** The maximum number of lines, of one report and of all reports in a document together. */
const ROWS_MAX = 1_000;
/** Returns the text of a coded concept: its own text, else the display of its first coding, else the code. */
const concept = (value: Json): string | null =>
  text(value, 'text') ?? text(value, 'coding', 0, 'display') ?? text(value, 'coding', 0, 'code');

/**
 * Reads a FHIR R4 resource or bundle as a report. The results that a report refers to are shown inside it.
 *
 * The input is hostile: unknown parts are skipped, nothing throws, and every text is shown as plain text.
 */
export function readFhir(root: Json): readonly FhirEntry[] {
  const isBundle = text(root, 'resourceType') === 'Bundle';
  const entries = isBundle ? items(root, 'entry').slice(0, ENTRIES_MAX) : [{ resource: root }];
  const byReference = new Map<string, Json>();
  for (const entry of entries) {
    const resource = get(entry, 'resource');
    const url = text(entry, 'fullUrl');
    const [type, id] = [text(resource, 'resourceType'), text(resource, 'id')];
    if (url) byReference.set(url, resource);
    if (type && id) byReference.set(`${type}/${id}`, resource);
  }
  for (const contained of items(root, 'contained').slice(0, ROWS_MAX)) {
    const id = text(contained, 'id');
    if (id) byReference.set(`#${id}`, contained);
  }

  const inside = new Set<Json>();
  const reports: FhirEntry[] = [];
  const rest: FhirEntry[] = [];
  for (const entry of entries) {
    const resource = get(entry, 'resource');
    if (text(resource, 'resourceType') !== 'DiagnosticReport') continue;
    // An observation that is referred to many times is shown only once.
    const references = new Set(
      items(resource, 'result')
        .slice(0, ROWS_MAX)
        .map((reference) => text(reference, 'reference') ?? ''),
    );
    const observations = [...new Set([...references].map((reference) => byReference.get(reference) ?? null))].filter(
      (observation) => text(observation, 'resourceType') === 'Observation',
    );
    for (const observation of observations) inside.add(observation);
    reports.push(diagnosticReport(resource, observations));
  }
  for (const entry of entries) {
    const resource = get(entry, 'resource');
    const type = text(resource, 'resourceType');
    if (resource !== null && type !== null && type !== 'DiagnosticReport' && !inside.has(resource)) {
      rest.push(single(type, resource));
    }
  }
  return capped([...reports, ...rest]);
}

/** Returns the entries with at most `ROWS_MAX` lines in all, because many reports may refer to the same observations. */
function capped(entries: readonly FhirEntry[]): readonly FhirEntry[] {
  let left = ROWS_MAX;
  return entries.map((one) => {
    const results = one.results.slice(0, left);
    left -= results.length;
    return { ...one, results };
  });
}

function entry(kind: FhirEntryKind, title: string | null, resource: Json, parts: Partial<FhirEntry>): FhirEntry {
  return { kind, title: title ?? text(resource, 'resourceType') ?? '', facts: [], results: [], paragraphs: [], ...parts };
}

function textFact(name: FactName, value: string | null): readonly Fact[] {
  return value === null ? [] : [{ name, value: { text: value } }];
}

function dateFact(name: FactName, value: string | null): readonly Fact[] {
  return value === null ? [] : [{ name, value: { date: value } }];
}

/** Returns the name that the resource displays for a reference. */
const display = (value: Json, ...path: readonly (string | number)[]): string | null =>
  text(value, ...path, 'display') ?? text(value, ...path, 0, 'display') ?? text(value, ...path, 0, 'actor', 'display');

function commonFacts(resource: Json): readonly Fact[] {
  return [
    ...textFact('patient', display(resource, 'subject') ?? display(resource, 'patient')),
    ...textFact(
      'performer',
      display(resource, 'performer') ?? display(resource, 'recorder') ?? display(resource, 'asserter') ?? display(resource, 'author'),
    ),
    ...dateFact(
      'taken',
      text(resource, 'effectiveDateTime') ??
        text(resource, 'occurrenceDateTime') ??
        text(resource, 'performedDateTime') ??
        text(resource, 'recordedDate') ??
        text(resource, 'authoredOn') ??
        text(resource, 'date'),
    ),
    ...dateFact('issued', text(resource, 'issued')),
    ...dateFact('onset', text(resource, 'onsetDateTime')),
    ...textFact(
      'status',
      concept(get(resource, 'verificationStatus')) ?? concept(get(resource, 'clinicalStatus')) ?? text(resource, 'status'),
    ),
  ];
}

const notes = (resource: Json): readonly string[] =>
  items(resource, 'note')
    .slice(0, ENTRIES_MAX)
    .map((note) => text(note, 'text'))
    .filter((note) => note !== null);

function diagnosticReport(report: Json, observations: readonly Json[]): FhirEntry {
  const conclusion = text(report, 'conclusion');
  return entry('report', concept(get(report, 'code')), report, {
    facts: commonFacts(report),
    results: rowsOf(observations),
    paragraphs: conclusion === null ? [] : [conclusion],
  });
}

function single(type: string, resource: Json): FhirEntry {
  const facts = commonFacts(resource);
  const paragraphs = notes(resource);
  switch (type) {
    case 'Observation':
      return entry('result', concept(get(resource, 'code')), resource, { facts, results: resultRows(resource), paragraphs });
    case 'Condition': {
      const title = concept(get(resource, 'code'));
      const code = text(resource, 'code', 'coding', 0, 'code');
      const coded = textFact('code', code === title ? null : code);
      const severity = textFact('severity', concept(get(resource, 'severity')));
      return entry('diagnosis', title, resource, { facts: [...coded, ...severity, ...facts], paragraphs });
    }
    case 'MedicationRequest':
    case 'MedicationStatement': {
      const dosage = text(resource, 'dosageInstruction', 0, 'text') ?? text(resource, 'dosage', 0, 'text');
      const name = concept(get(resource, 'medicationCodeableConcept')) ?? display(resource, 'medicationReference');
      return entry('medication', name, resource, { facts: [...textFact('dosage', dosage), ...facts], paragraphs });
    }
    case 'AllergyIntolerance':
      return entry('allergy', concept(get(resource, 'code')), resource, { facts, paragraphs });
    case 'Immunization':
      return entry('immunization', concept(get(resource, 'vaccineCode')), resource, { facts, paragraphs });
    case 'Procedure':
      return entry('procedure', concept(get(resource, 'code')), resource, { facts, paragraphs });
    case 'Patient': {
      const given = items(resource, 'name', 0, 'given').filter((part) => typeof part === 'string');
      const name = text(resource, 'name', 0, 'text') ?? ([...given, text(resource, 'name', 0, 'family')].filter(Boolean).join(' ') || null);
      return entry('patient', name, resource, { facts: dateFact('born', text(resource, 'birthDate')) });
    }
    case 'ClinicalImpression':
    case 'Composition': {
      const sections = items(resource, 'section')
        .slice(0, ENTRIES_MAX)
        .map((section) => text(section, 'title'))
        .filter((title) => title !== null);
      const summary = text(resource, 'summary') ?? text(resource, 'description');
      return entry('note', text(resource, 'title') ?? concept(get(resource, 'code')) ?? concept(get(resource, 'type')), resource, {
        facts,
        paragraphs: [...(summary === null ? [] : [summary]), ...sections, ...paragraphs],
      });
    }
    default:
      return entry('other', concept(get(resource, 'code')) ?? text(resource, 'title') ?? text(resource, 'description'), resource, {
        facts,
        paragraphs,
      });
  }
}

/** Returns the lines of observations, up to the maximum. */
function rowsOf(observations: readonly Json[]): readonly ResultRow[] {
  const rows: ResultRow[] = [];
  for (const observation of observations) {
    if (rows.length >= ROWS_MAX) break;
    rows.push(...resultRows(observation));
  }
  return rows.slice(0, ROWS_MAX);
}

/** Returns one line for an observation, or one for each of its components. */
function resultRows(observation: Json): readonly ResultRow[] {
  const rows = [observation, ...items(observation, 'component').slice(0, ROWS_MAX)].map((part) => ({
    name: concept(get(part, 'code')) ?? '',
    value: value(part),
    range: range(get(part, 'referenceRange', 0)),
    flag: flag(part),
  }));
  return rows.flatMap((row) => (row.value === null ? [] : [{ ...row, value: row.value }]));
}

function quantity(value: Json): string | null {
  const amount = number(value, 'value');
  if (amount === null) return null;
  const unit = text(value, 'unit') ?? text(value, 'code');
  return [text(value, 'comparator'), String(amount), unit].filter(Boolean).join(' ');
}

function value(part: Json): string | null {
  const yes = get(part, 'valueBoolean');
  return (
    quantity(get(part, 'valueQuantity')) ??
    text(part, 'valueString') ??
    concept(get(part, 'valueCodeableConcept')) ??
    text(part, 'valueDateTime') ??
    number(part, 'valueInteger')?.toString() ??
    (typeof yes === 'boolean' ? (yes ? '+' : '−') : null) ??
    concept(get(part, 'dataAbsentReason'))
  );
}

function range(found: Json): string | null {
  const said = text(found, 'text');
  if (said !== null) return said;
  const [low, high] = [number(found, 'low', 'value'), number(found, 'high', 'value')];
  const unit = text(found, 'low', 'unit') ?? text(found, 'high', 'unit');
  const numbers = low !== null && high !== null ? `${low} – ${high}` : low !== null ? `≥ ${low}` : high !== null ? `≤ ${high}` : null;
  return numbers === null ? null : unit === null ? numbers : `${numbers} ${unit}`;
}

/** Codes of HL7 v3 ObservationInterpretation. */
const FLAGS: Readonly<Record<string, Flag>> = {
  L: 'low',
  H: 'high',
  N: 'normal',
  A: 'abnormal',
  LL: 'critical',
  HH: 'critical',
  AA: 'critical',
};

function flag(part: Json): Flag | null {
  const code = text(part, 'interpretation', 0, 'coding', 0, 'code');
  return code !== null && Object.hasOwn(FLAGS, code) ? (FLAGS[code] ?? null) : null;
}
