/** FHIR documents, parsed in a worker that returns plain data. */
import { spawnFhirParser } from '../workers/spawn.ts';
import type { Entry } from './fhir-report.ts';
import { parseOnce } from './parser.ts';

export type FhirQuestion = { readonly kind: 'report'; readonly text: string } | { readonly kind: 'type'; readonly text: string };
export type FhirAnswer =
  /** `null`: it is no FHIR document. */
  { readonly kind: 'report'; readonly entries: readonly Entry[] | null } | { readonly kind: 'type'; readonly type: string | null };

/** A document as people read it; `null` if it is none. @throws ParseError. */
export async function fhirReport(text: string): Promise<readonly Entry[] | null> {
  const answer = await parseOnce<FhirQuestion, FhirAnswer>(spawnFhirParser(), { kind: 'report', text });
  return answer.kind === 'report' ? answer.entries : null;
}

/** The `resourceType` of a resource; `null` for anything else. @throws ParseError. */
export async function fhirResourceType(text: string): Promise<string | null> {
  const answer = await parseOnce<FhirQuestion, FhirAnswer>(spawnFhirParser(), { kind: 'type', text });
  return answer.kind === 'type' ? answer.type : null;
}
