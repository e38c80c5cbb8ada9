import { useId, type ComponentProps, type ReactNode } from 'react';
import { useI18n } from '../i18n/I18n.tsx';
import { classes } from './classes.ts';

interface Described {
  readonly label: string;
  readonly hint?: ReactNode;
  /** The error in the field. It is read aloud and the field is marked. */
  readonly error?: string | undefined;
  readonly optional?: boolean | undefined;
}

const BOX = 'w-full min-w-0 rounded-lg border bg-surface px-3 py-2.5 text-ink placeholder:text-muted min-h-11 disabled:opacity-60';

function useDescription({ hint, error }: Described) {
  const id = useId();
  const ids = [hint ? `${id}-hint` : '', error ? `${id}-error` : ''].filter(Boolean).join(' ');
  return {
    id,
    control: {
      id,
      'aria-describedby': ids || undefined,
      'aria-invalid': error ? true : undefined,
      className: classes(BOX, error ? 'border-danger' : 'border-control'),
    },
  };
}

function Frame({ id, label, hint, error, optional, children }: Described & { readonly id: string; readonly children: ReactNode }) {
  const { t } = useI18n();
  return (
    <div className="space-y-1.5">
      <label htmlFor={id} className="block font-medium">
        {label}
        {optional && <span className="ms-2 font-normal text-muted">{t('ui.optional')}</span>}
      </label>
      {hint && (
        <p id={`${id}-hint`} className="text-sm text-muted">
          {hint}
        </p>
      )}
      {children}
      {error && (
        <p id={`${id}-error`} role="alert" className="text-sm font-medium text-danger">
          {error}
        </p>
      )}
    </div>
  );
}

/** A field for a line of text, a date or a passphrase. */
export function TextField({ label, hint, error, optional, ...rest }: Described & Omit<ComponentProps<'input'>, 'id' | 'className'>) {
  const { id, control } = useDescription({ label, hint, error });
  return (
    <Frame {...{ id, label, hint, error, optional }}>
      <input type="text" autoComplete="off" {...rest} {...control} />
    </Frame>
  );
}

/** A field for several lines of text. */
export function TextArea({ label, hint, error, optional, ...rest }: Described & Omit<ComponentProps<'textarea'>, 'id' | 'className'>) {
  const { id, control } = useDescription({ label, hint, error });
  return (
    <Frame {...{ id, label, hint, error, optional }}>
      <textarea rows={4} {...rest} {...control} />
    </Frame>
  );
}

/** Chooses one value from a list. */
export function Select<V extends string>({
  label,
  hint,
  error,
  optional,
  options,
  value,
  onChoose,
  ...rest
}: Described &
  Omit<ComponentProps<'select'>, 'id' | 'className' | 'onChange' | 'value'> & {
    readonly options: readonly (readonly [value: V, label: string])[];
    readonly value: V;
    readonly onChoose: (value: V) => void;
  }) {
  const { id, control } = useDescription({ label, hint, error });
  return (
    <Frame {...{ id, label, hint, error, optional }}>
      <select
        {...rest}
        {...control}
        value={value}
        onChange={(event) => {
          const chosen = options.find(([option]) => option === event.target.value);
          if (chosen) onChoose(chosen[0]);
        }}
      >
        {options.map(([option, text]) => (
          <option key={option} value={option}>
            {text}
          </option>
        ))}
      </select>
    </Frame>
  );
}

/** A checkbox. Clicking anywhere in its line toggles it. */
export function Check({
  label,
  hint,
  ...rest
}: { readonly label: ReactNode; readonly hint?: ReactNode } & Omit<ComponentProps<'input'>, 'type' | 'id'>) {
  const id = useId();
  return (
    <label htmlFor={id} className="flex min-h-11 items-start gap-3 rounded-lg py-2">
      <input {...rest} id={id} type="checkbox" aria-describedby={hint ? `${id}-hint` : undefined} />
      <span className="min-w-0">
        <span>{label}</span>
        {hint && (
          <span id={`${id}-hint`} className="block text-sm text-muted">
            {hint}
          </span>
        )}
      </span>
    </label>
  );
}

/** Chooses one of a few values, each with a line of explanation. */
export function Choice<V extends string>({
  legend,
  isLegendHidden = false,
  options,
  value,
  onChoose,
  columns = false,
}: {
  readonly legend: string;
  /** True if a heading directly above has the same text. */
  readonly isLegendHidden?: boolean;
  readonly options: readonly { readonly value: V; readonly label: string; readonly hint?: string | undefined }[];
  readonly value: V | null;
  readonly onChoose: (value: V) => void;
  readonly columns?: boolean;
}) {
  const name = useId();
  return (
    <fieldset>
      <legend className={classes(isLegendHidden ? 'sr-only' : 'mb-2 font-medium')}>{legend}</legend>
      <div className={classes('grid gap-2', columns && 'sm:grid-cols-2')}>
        {options.map((option) => (
          <label
            key={option.value}
            className="flex min-h-11 items-start gap-3 rounded-lg border border-control bg-surface px-3 py-2.5 has-checked:border-accent has-checked:bg-accent-soft"
          >
            <input type="radio" name={name} value={option.value} checked={option.value === value} onChange={() => onChoose(option.value)} />
            <span className="min-w-0">
              <span className="font-medium">{option.label}</span>
              {option.hint && <span className="block text-sm text-muted">{option.hint}</span>}
            </span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}
