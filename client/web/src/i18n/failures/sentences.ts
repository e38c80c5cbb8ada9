import type { FailureCode } from '../../failure.ts';

/** Two sentences for each code: the problem, and the next step. */
export type FailureSentences = Readonly<Record<FailureCode, readonly [what: string, next: string]>>;
