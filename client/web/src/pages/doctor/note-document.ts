/** The content of a doctor's note. */
export interface Note {
  readonly kind: 'diagnosis' | 'treatment';
  /** The name of the diagnosis, or the title of the note. */
  readonly title: string;
  /** An ICD-10 code, or empty. */
  readonly code: string;
  readonly certainty: 'confirmed' | 'provisional' | 'refuted';
  readonly severity: 'none' | 'mild' | 'moderate' | 'severe';
  /** A day such as `2026-05-03`, or empty. */
  readonly since: string;
  readonly text: string;
  readonly medication: string;
  readonly dosage: string;
  /** A day, or empty. */
  readonly followUp: string;
}

/** Author, patient and time of a note. */
interface NoteContext {
  readonly author: string;
  readonly patient: string;
  /** Unix seconds. */
  readonly written: number;
  /** A UUID for each entry of the bundle. */
  readonly ids: readonly [string, string];
  /** The text for the next appointment in the writer's language: FHIR stores that part as text. */
  readonly followUpText: string;
}

/** SNOMED CT codes of the severities in FHIR's example value set. */
const SEVERITIES = { mild: '255604002', moderate: '6736007', severe: '24484000' } as const;

/**
 * Returns a note as a FHIR R4 document: a collection with a Condition or ClinicalImpression, and a MedicationStatement if a medication is
 * named. Empty fields are left out.
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
