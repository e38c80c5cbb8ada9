import { PenLine } from 'lucide-react';
import type { ReactNode } from 'react';

/** The sentence before a signature. It is set apart, so that people read it. */
export function SignSentence({ id, children }: { readonly id?: string | undefined; readonly children: ReactNode }) {
  return (
    <p id={id} className="flex gap-3 rounded-xl border-s-4 border-accent bg-accent-soft p-4">
      <PenLine aria-hidden size={20} className="mt-1 shrink-0 text-accent" />
      <span className="min-w-0">{children}</span>
    </p>
  );
}
