/** Tables with the expected results of the rules for grants and files; the twin of `protocol/examples/vectors/rules_scenario.rs`. */
import { expect } from 'vitest';
import { type Purpose, type Right, SCOPE_KINDS, type ScopeKind } from '../../src/protocol/codes.ts';
import { checkContentLength } from '../../src/protocol/envelope/layout.ts';
import { isFileName } from '../../src/protocol/envelope/metadata.ts';
import { checkGrantForm } from '../../src/protocol/grants/form.ts';
import { covers, scopeFromChain, scopeOnChain } from '../../src/protocol/grants/scope.ts';
import { permits, stands, stateAt, type Verdict, verdict } from '../../src/protocol/grants/terms.ts';
import type { Address, Hex } from '../../src/protocol/hex.ts';

interface TermsCase {
  readonly name: string;
  readonly terms: {
    readonly not_before: number;
    readonly not_after: number;
    readonly epoch: number;
    readonly patient_epoch: number;
    readonly purposes: number;
    readonly rights: number;
  };
  readonly right: Right;
  readonly purpose: Purpose | null;
  readonly patient_epoch: number;
  readonly time: number;
  readonly state: string;
  readonly verdict: Verdict;
}

interface ScopeCase {
  readonly name: string;
  readonly kind: ScopeKind;
  readonly id: Hex;
  readonly record: Hex;
  readonly category: number;
  readonly covers: boolean;
  readonly known: boolean;
}

interface FormCase {
  readonly name: string;
  readonly patient: Address;
  readonly grantee: Address;
  readonly right: Right;
  readonly scopes: readonly (readonly [ScopeKind, Hex])[];
  readonly purposes: number;
  readonly not_before: number;
  readonly not_after: number;
  readonly now: number;
  readonly answer: string;
}

interface LengthCase {
  readonly content: string;
  readonly metadata: number;
  readonly max: string;
  readonly answer: string;
}

/** The fields of each scenario of this file. */
export interface RuleScenarios {
  grant_terms: { cases: readonly TermsCase[] };
  grant_scopes: { cases: readonly ScopeCase[] };
  grant_forms: { cases: readonly FormCase[] };
  content_lengths: { cases: readonly LengthCase[] };
  file_names: { cases: readonly (readonly [string, boolean])[] };
}

export const ruleRunners: { readonly [Kind in keyof RuleScenarios]: (scenario: RuleScenarios[Kind]) => Promise<string> } = {
  async grant_terms({ cases }) {
    for (const { name, terms: t, right, purpose, patient_epoch: patientEpoch, time, state, verdict: expected } of cases) {
      const { purposes, rights, epoch } = t;
      const period = { notBefore: t.not_before, notAfter: t.not_after };
      const terms = { ...period, epoch, patientEpoch: t.patient_epoch, purposes, rights, kind: 0 };
      const asked = { right, purpose, patientEpoch, time };
      expect([stateAt(terms, patientEpoch, time), verdict(terms, asked)], name).toEqual([state, expected]);
      expect(permits(terms, asked), name).toBe(expected === 'permitted');
      expect(stands(terms, patientEpoch), name).toBe(state !== 'revoked');
    }
    return 'ok';
  },

  async grant_scopes({ cases }) {
    for (const { name, kind: word, id, record, category, covers: expected, known } of cases) {
      const kind = SCOPE_KINDS.code(word);
      expect(covers({ kind, id }, record, category), name).toBe(expected);
      const scope = scopeFromChain(kind, id);
      expect(scope !== null, name).toBe(known);
      if (scope !== null) expect(scopeOnChain(scope), name).toEqual({ kind, id });
    }
    return 'ok';
  },

  async grant_forms({ cases }) {
    for (const { name, scopes, not_before: notBefore, not_after: notAfter, now, answer, ...rest } of cases) {
      const onChain = scopes.map(([kind, id]) => ({ kind: SCOPE_KINDS.code(kind), id }));
      expect(checkGrantForm({ ...rest, scopes: onChain, notBefore, notAfter }, now) ?? 'ok', name).toBe(answer);
    }
    return 'ok';
  },

  async content_lengths({ cases }) {
    for (const { content, metadata, max, answer } of cases) {
      expect(checkContentLength(Number(content), metadata, Number(max)) ?? 'ok', `${content} bytes`).toBe(answer);
    }
    return 'ok';
  },

  async file_names({ cases }) {
    for (const [name, isAllowed] of cases) expect(isFileName(name), JSON.stringify(name)).toBe(isAllowed);
    return 'ok';
  },
};
