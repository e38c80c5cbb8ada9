import type { LucideIcon } from 'lucide-react';
import type { ReactNode } from 'react';

/** The message for an empty list: why it is empty, and what to do. */
export function Empty({
  icon: Icon,
  title,
  children,
  action,
}: {
  readonly icon: LucideIcon;
  readonly title: string;
  readonly children: ReactNode;
  readonly action?: ReactNode;
}) {
  return (
    <div className="flex flex-col items-center rounded-2xl border border-dashed border-control px-5 py-10 text-center">
      <span className="mb-4 flex size-14 items-center justify-center rounded-full bg-accent-soft text-accent">
        <Icon aria-hidden size={28} />
      </span>
      <p className="text-lg font-semibold">{title}</p>
      <div className="mt-1 max-w-md text-muted">{children}</div>
      {action && <div className="mt-5 flex flex-wrap justify-center gap-3">{action}</div>}
    </div>
  );
}
