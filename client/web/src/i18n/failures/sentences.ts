import type { FailureCode } from '../../failure.ts';

/** For each code what went wrong, and what to do now. */
export type FailureSentences = Readonly<Record<FailureCode, readonly [what: string, next: string]>>;
