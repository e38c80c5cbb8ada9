/** Parses FHIR documents in a worker that returns plain data. */
import type { FhirAnswer, FhirQuestion } from './fhir-messages.ts';
import { spawnFhirParser } from './spawn.ts';
import type { FhirEntry } from './fhir-report.ts';
import { parseOnce } from './parser.ts';

/** Returns a document in the form that is shown to people; `null` if it is not a FHIR document. @throws ParseError. */
export async function fhirReport(text: string): Promise<readonly FhirEntry[] | null> {
  const answer = await parseOnce<FhirQuestion, FhirAnswer>(spawnFhirParser(), { kind: 'report', text });
  return answer.kind === 'report' ? answer.entries : null;
}

/** Returns the `resourceType` of a resource; `null` for anything else. @throws ParseError. */
export async function fhirResourceType(text: string): Promise<string | null> {
  const answer = await parseOnce<FhirQuestion, FhirAnswer>(spawnFhirParser(), { kind: 'type', text });
  return answer.kind === 'type' ? answer.type : null;
}
