import type { ReactNode } from 'react';
import { classes } from './classes.ts';

/** A box around one item. */
export function Card({ children, className }: { readonly children: ReactNode; readonly className?: string }) {
  return <div className={classes('rounded-2xl border border-line bg-surface p-5 sm:p-6', className)}>{children}</div>;
}

/** A part of a page with its own heading. */
export function Section({
  title,
  intro,
  actions,
  children,
}: {
  readonly title: string;
  readonly intro?: ReactNode;
  readonly actions?: ReactNode;
  readonly children: ReactNode;
}) {
  return (
    <section className="space-y-4">
      <div className="flex flex-wrap items-center justify-between gap-x-6 gap-y-2">
        <div className="max-w-prose">
          <h2 className="text-xl font-semibold">{title}</h2>
          {intro && <p className="mt-1 text-muted">{intro}</p>}
        </div>
        {actions}
      </div>
      {children}
    </section>
  );
}

/** Boxes below each other that screen readers announce as a list. */
export function CardList({ label, children }: { readonly label: string; readonly children: ReactNode }) {
  return (
    <ul aria-label={label} className="space-y-3">
      {children}
    </ul>
  );
}

/** One entry of a `CardList`. */
export function CardItem({ children, className }: { readonly children: ReactNode; readonly className?: string }) {
  return <li className={classes('rounded-2xl border border-line bg-surface p-4 sm:p-5', className)}>{children}</li>;
}
