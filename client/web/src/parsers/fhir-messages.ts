/** FHIR documents: the messages between the page and the parser. */

import type { FhirEntry } from './fhir-report.ts';

export type FhirQuestion = { readonly kind: 'report'; readonly text: string } | { readonly kind: 'type'; readonly text: string };
export type FhirAnswer =
  /** `null`: it is not a FHIR document. */
  { readonly kind: 'report'; readonly entries: readonly FhirEntry[] | null } | { readonly kind: 'type'; readonly type: string | null };
