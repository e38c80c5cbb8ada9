/** Parses FHIR documents. */
import { readFhir } from './fhir-report.ts';
import type { Json } from './fhir-json.ts';
import type { FhirAnswer, FhirQuestion } from './fhir-messages.ts';
import { lockDown } from './lock-down.ts';
import type { Failed } from './parser.ts';

lockDown();

function parsed(text: string): Json | null {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return null;
  }
}

function answer({ kind, text }: FhirQuestion): FhirAnswer {
  const root = parsed(text);
  if (kind === 'type') {
    const type: unknown = (root as { resourceType?: unknown } | null)?.resourceType;
    return { kind, type: typeof type === 'string' && /^[A-Za-z0-9]{1,64}$/.test(type) ? type : null };
  }
  const entries = root === null ? [] : readFhir(root);
  return { kind, entries: entries.length === 0 ? null : entries };
}

self.onmessage = ({ data }: MessageEvent<FhirQuestion>): void => {
  try {
    self.postMessage(answer(data));
  } catch {
    self.postMessage({ kind: 'failed', fault: 'broken' } satisfies Failed);
  }
};
