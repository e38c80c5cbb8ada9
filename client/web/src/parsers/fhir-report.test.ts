import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { noteDocument, type Note } from '../pages/doctor/note-document.ts';
import type { Json } from './fhir-json.ts';
import { readFhir } from './fhir-report.ts';

const sample = JSON.parse(readFileSync(new URL('../../../../scripts/samples/lab-report.json', import.meta.url), 'utf8')) as Json;

test('the sample report is one entry with its results inside', () => {
  const [report, ...rest] = readFhir(sample);
  expect(rest).toEqual([]);
  expect(report).toMatchObject({ kind: 'report', title: 'Laboratory report' });
  expect(report?.results).toHaveLength(3);
  expect(report?.results[0]).toEqual({
    name: 'Hemoglobin [Mass/volume] in Blood',
    value: '13.9 g/dL',
    range: '12 – 15.5 g/dL',
    flag: null,
  });
  expect(report?.facts).toContainEqual({ name: 'patient', value: { text: 'Pat Example' } });
  expect(report?.paragraphs[0]).toContain('All values lie within');
});

describe('an observation', () => {
  const observation = (part: Readonly<Record<string, Json>>): Json => ({ resourceType: 'Observation', code: { text: 'X' }, ...part });

  test('with components has a row for each', () => {
    const [entry] = readFhir(
      observation({
        component: [
          { code: { text: 'Systolic' }, valueQuantity: { value: 142, unit: 'mmHg' }, interpretation: [{ coding: [{ code: 'H' }] }] },
          { code: { text: 'Diastolic' }, valueQuantity: { value: 85, unit: 'mmHg' } },
        ],
      }),
    );
    expect(entry?.results).toEqual([
      { name: 'Systolic', value: '142 mmHg', range: null, flag: 'high' },
      { name: 'Diastolic', value: '85 mmHg', range: null, flag: null },
    ]);
  });

  test('with a flag that is no code of the list has none', () => {
    const [entry] = readFhir(observation({ valueString: 'v', interpretation: [{ coding: [{ code: 'constructor' }] }] }));
    expect(entry?.results[0]?.flag).toBeNull();
  });

  test('with half a range says which half', () => {
    const [entry] = readFhir(observation({ valueInteger: 3, referenceRange: [{ high: { value: 5 } }] }));
    expect(entry?.results[0]).toMatchObject({ value: '3', range: '≤ 5' });
  });
});

test('hostile input is read without a throw', () => {
  const hostile: readonly Json[] = [
    null,
    1,
    'x',
    [],
    {},
    { resourceType: 5 },
    { resourceType: 'Bundle', entry: 'x' },
    { resourceType: 'Bundle', entry: [null, { resource: [] }] },
    { resourceType: 'DiagnosticReport', result: [{ reference: '__proto__' }, 7, null] },
    { resourceType: 'Observation', code: { coding: [{ display: { toString: 'x' } }] }, valueQuantity: { value: 'NaN' } },
    { resourceType: 'Patient', name: [{ given: [1, null, 'A'] }], birthDate: {} },
    { resourceType: '__proto__', constructor: { name: 'x' } },
  ];
  for (const json of hostile) expect(() => readFhir(json)).not.toThrow();
});

test('a long bundle ends somewhere', () => {
  const entry = Array.from({ length: 5_000 }, () => ({ resource: { resourceType: 'Condition', code: { text: 'X' } } }));
  expect(readFhir({ resourceType: 'Bundle', entry })).toHaveLength(200);
});

describe("a doctor's note", () => {
  const note: Note = {
    kind: 'diagnosis',
    title: 'Essential hypertension',
    code: 'I10',
    certainty: 'confirmed',
    severity: 'mild',
    since: '2026-05-03',
    text: 'Measured three times.',
    medication: 'Ramipril 5 mg',
    dosage: '1 tablet in the morning',
    followUp: '2026-06-01',
  };
  const context = {
    author: 'Dr. Ada',
    patient: 'Pat',
    written: 1_777_800_000,
    ids: ['a', 'b'],
    followUpText: 'Next appointment: 1 June',
  } as const;

  test('is read back as it was written', async () => {
    const [diagnosis, medication] = readFhir(JSON.parse(await noteDocument(note, context).text()) as Json);
    expect(diagnosis).toMatchObject({
      kind: 'diagnosis',
      title: 'Essential hypertension',
      paragraphs: ['Measured three times.', 'Next appointment: 1 June'],
    });
    for (const fact of [
      { name: 'code', value: { text: 'I10' } },
      { name: 'severity', value: { text: 'mild' } },
      { name: 'onset', value: { date: '2026-05-03' } },
    ]) {
      expect(diagnosis?.facts).toContainEqual(fact);
    }
    expect(medication).toMatchObject({ kind: 'medication', title: 'Ramipril 5 mg' });
    expect(medication?.facts).toContainEqual({ name: 'dosage', value: { text: '1 tablet in the morning' } });
  });

  test('of a treatment is a clinical impression with its text', async () => {
    const blob = noteDocument({ ...note, kind: 'treatment', medication: '', followUp: '' }, { ...context, followUpText: '' });
    const entries = readFhir(JSON.parse(await blob.text()) as Json);
    expect(entries).toHaveLength(1);
    expect(entries[0]).toMatchObject({ kind: 'note', title: 'Essential hypertension', paragraphs: ['Measured three times.'] });
    expect(blob.type).toBe('application/fhir+json');
  });

  test('leaves empty parts out', async () => {
    const empty = { ...note, code: '', severity: 'none', since: '', text: '', medication: '', dosage: '', followUp: '' } as const;
    const text = await noteDocument(empty, context).text();
    for (const absent of [
      'severity',
      'onsetDateTime',
      '"coding": [\n      {\n        "system": "http://hl7.org/fhir/sid/icd-10"',
      'note',
      'MedicationStatement',
    ]) {
      expect(text).not.toContain(absent);
    }
  });
});

describe('a document that grows when it is read', () => {
  const observation = (id: string): Json => ({ resource: { resourceType: 'Observation', id, code: { text: id }, valueInteger: 1 } });
  const report = (references: readonly string[]): Json => ({
    resource: { resourceType: 'DiagnosticReport', result: references.map((id) => ({ reference: `Observation/${id}` })) },
  });
  const lines = (entry: readonly Json[]): number =>
    readFhir({ resourceType: 'Bundle', entry: [...entry] }).reduce((sum, one) => sum + one.results.length, 0);

  test('names one observation ten thousand times and has one line', () => {
    expect(lines([observation('a'), report(new Array<string>(10_000).fill('a'))])).toBe(1);
  });

  test('has at most a thousand lines, however many reports name the same', () => {
    const ids = Array.from({ length: 99 }, (_, index) => `o${index}`);
    const all = [...ids.map(observation), ...Array.from({ length: 100 }, () => report(ids))];
    expect(lines(all)).toBe(1_000);
  });
});
