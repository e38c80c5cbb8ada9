import type { LucideIcon } from 'lucide-react';
import type { ComponentProps, ReactNode } from 'react';
import { Link } from 'react-router';
import { classes } from './classes.ts';
import { Spinner } from './Spinner.tsx';

type Tone = 'primary' | 'secondary' | 'quiet' | 'danger';

const TONES: Readonly<Record<Tone, string>> = {
  primary: 'bg-accent text-on-accent hover:bg-accent-strong',
  secondary: 'border border-control bg-surface text-ink hover:bg-raised',
  quiet: 'text-accent hover:bg-accent-soft',
  danger: 'bg-danger text-on-danger hover:bg-danger-strong',
};
const SHAPE =
  'inline-flex min-h-11 items-center justify-center gap-2 rounded-lg px-4 py-2 text-center font-semibold no-underline transition-colors';

interface Look {
  readonly tone?: Tone | undefined;
  readonly icon?: LucideIcon | undefined;
  readonly children: ReactNode;
}

interface ButtonProps extends Look, Omit<ComponentProps<'button'>, 'children'> {
  /**
   * True while the button's action runs. The button keeps the focus and says that it is busy, and a second press has no effect. A disabled
   * button would lose the keyboard's focus.
   */
  readonly busy?: boolean | undefined;
}

/** A button. Use one primary button for each page. */
export function Button({ tone = 'secondary', icon: Icon, busy = false, children, className, onClick, ...rest }: ButtonProps) {
  return (
    <button
      type="button"
      {...rest}
      aria-busy={busy || undefined}
      aria-disabled={busy || rest.disabled || undefined}
      onClick={(event) => {
        if (busy) event.preventDefault();
        else onClick?.(event);
      }}
      className={classes(SHAPE, TONES[tone], 'disabled:cursor-not-allowed disabled:opacity-55', busy && 'cursor-progress', className)}
    >
      {busy ? <Spinner /> : Icon && <Icon aria-hidden size={20} className="shrink-0" />}
      {children}
    </button>
  );
}

/** A link to another page that looks like a button. */
export function ButtonLink({
  tone = 'secondary',
  icon: Icon,
  children,
  to,
  className,
}: Look & { readonly to: string; readonly className?: string }) {
  return (
    <Link to={to} className={classes(SHAPE, TONES[tone], className)}>
      {Icon && <Icon aria-hidden size={20} className="shrink-0" />}
      {children}
    </Link>
  );
}

/** A button that shows only an icon. Its name is read aloud and shown on hover. */
export function IconButton({
  icon: Icon,
  label,
  className,
  ...rest
}: Omit<ComponentProps<'button'>, 'children'> & { readonly icon: LucideIcon; readonly label: string }) {
  return (
    <button
      type="button"
      {...rest}
      aria-label={label}
      title={label}
      className={classes('inline-flex size-11 shrink-0 items-center justify-center rounded-lg text-ink hover:bg-raised', className)}
    >
      <Icon aria-hidden size={22} />
    </button>
  );
}
