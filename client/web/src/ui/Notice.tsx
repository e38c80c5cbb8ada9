import { CircleAlert, CircleCheck, Info, TriangleAlert, type LucideIcon } from 'lucide-react';
import type { ReactNode } from 'react';
import { classes } from './classes.ts';

type Tone = 'info' | 'good' | 'caution' | 'danger';

const LOOKS: Readonly<Record<Tone, { icon: LucideIcon; box: string; mark: string }>> = {
  info: { icon: Info, box: 'bg-accent-soft', mark: 'text-accent' },
  good: { icon: CircleCheck, box: 'bg-good-soft', mark: 'text-good' },
  caution: { icon: TriangleAlert, box: 'bg-caution-soft', mark: 'text-caution' },
  danger: { icon: CircleAlert, box: 'bg-danger-soft', mark: 'text-danger' },
};

/** A message beside the content. `live` reads it aloud when it appears: use it for results of an action. */
export function Notice({
  tone = 'info',
  title,
  live = false,
  children,
}: {
  readonly tone?: Tone;
  readonly title?: string | undefined;
  readonly live?: boolean;
  readonly children?: ReactNode;
}) {
  const { icon: Icon, box, mark } = LOOKS[tone];
  const role = live ? (tone === 'danger' ? 'alert' : 'status') : undefined;
  return (
    <div role={role} className={classes('flex gap-3 rounded-xl p-4', box)}>
      <Icon aria-hidden size={22} className={classes('mt-0.5 shrink-0', mark)} />
      <div className="min-w-0 flex-1 space-y-1">
        {title && <p className="font-semibold">{title}</p>}
        {children}
      </div>
    </div>
  );
}
