/** What a doctor writes down. */
export interface Note {
  readonly kind: 'diagnosis' | 'treatment';
  /** Name of the diagnosis, or the title of the note. */
  readonly title: string;
  /** ICD-10, where given. */
  readonly code: string;
  readonly certainty: 'confirmed' | 'provisional' | 'refuted';
  readonly severity: 'none' | 'mild' | 'moderate' | 'severe';
  /** A day, `2026-05-03`, or empty. */
  readonly since: string;
  readonly text: string;
  readonly medication: string;
  readonly dosage: string;
  /** A day or empty. */
  readonly followUp: string;
}

/** Who wrote it for whom, and when. */
interface NoteContext {
  readonly author: string;
  readonly patient: string;
  /** Unix seconds. */
  readonly written: number;
  /** A UUID for each entry of the bundle. */
  readonly ids: readonly [string, string];
  /** The words of the writer's language for parts that FHIR keeps as text. */
  readonly followUpText: string;
}

/** SNOMED CT codes of the severities of FHIR's example value set. */
const SEVERITIES = { mild: '255604002', moderate: '6736007', severe: '24484000' } as const;

/**
 * A note as a FHIR R4 document: a collection of a Condition or ClinicalImpression, and a MedicationStatement where a
 * medication is named. Empty parts are left out.
 */
export function noteDocument(note: Note, { author, patient, written, ids, followUpText }: NoteContext): Blob {
  const moment = new Date(written * 1_000).toISOString();
  const subject = { display: patient };
  const texts = [note.text.trim(), note.followUp === '' ? '' : followUpText].filter((text) => text !== '');
  const notes = texts.length > 0 ? { note: texts.map((text) => ({ text })) } : {};
  const main =
    note.kind === 'diagnosis'
      ? {
          resourceType: 'Condition',
          clinicalStatus: coding('http://terminology.hl7.org/CodeSystem/condition-clinical', 'active'),
          verificationStatus: coding('http://terminology.hl7.org/CodeSystem/condition-ver-status', note.certainty),
          ...(note.severity === 'none'
            ? {}
            : { severity: { ...coding('http://snomed.info/sct', SEVERITIES[note.severity]), text: note.severity } }),
          code: {
            ...(note.code.trim() === '' ? {} : coding('http://hl7.org/fhir/sid/icd-10', note.code.trim())),
            text: note.title.trim(),
          },
          subject,
          ...(note.since === '' ? {} : { onsetDateTime: note.since }),
          recordedDate: moment,
          recorder: { display: author },
          ...notes,
        }
      : {
          resourceType: 'ClinicalImpression',
          status: 'completed',
          code: { text: note.title.trim() },
          subject,
          date: moment,
          assessor: { display: author },
          summary: note.text.trim(),
          ...(note.followUp === '' ? {} : { note: [{ text: followUpText }] }),
        };
  const medication = {
    resourceType: 'MedicationStatement',
    status: 'active',
    medicationCodeableConcept: { text: note.medication.trim() },
    subject,
    dateAsserted: moment,
    informationSource: { display: author },
    ...(note.dosage.trim() === '' ? {} : { dosage: [{ text: note.dosage.trim() }] }),
  };
  const resources = note.medication.trim() === '' ? [main] : [main, medication];
  const bundle = {
    resourceType: 'Bundle',
    type: 'collection',
    timestamp: moment,
    entry: resources.map((resource, index) => ({ fullUrl: `urn:uuid:${ids[index] ?? ids[0]}`, resource })),
  };
  return new Blob([JSON.stringify(bundle, null, 2)], { type: 'application/fhir+json' });
}

function coding(system: string, code: string): { coding: readonly [{ system: string; code: string }] } {
  return { coding: [{ system, code }] };
}
