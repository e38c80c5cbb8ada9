import type { ReactNode } from 'react';
import { classes } from './classes.ts';

const TONES = {
  plain: 'border border-line bg-surface text-ink',
  accent: 'bg-accent-soft text-accent',
  good: 'bg-good-soft text-good',
  caution: 'bg-caution-soft text-caution',
  danger: 'bg-danger-soft text-danger',
} as const;

/** One or two words that name a state. */
export function Badge({ tone = 'plain', children }: { readonly tone?: keyof typeof TONES; readonly children: ReactNode }) {
  return (
    <span className={classes('inline-flex items-center rounded-full px-2.5 py-0.5 text-sm font-medium', TONES[tone])}>{children}</span>
  );
}
