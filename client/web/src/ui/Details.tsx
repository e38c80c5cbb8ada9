import { Check, ChevronDown, Copy } from 'lucide-react';
import { useState, type ReactNode } from 'react';
import { useI18n } from '../i18n/I18n.tsx';
import { IconButton } from './Button.tsx';
import { useAnnounce } from './Live.tsx';

/** Information that only some people need: hashes, blocks, proofs. It is closed until the person opens it. */
export function Details({
  summary,
  onOpen,
  children,
}: {
  readonly summary?: string;
  /** Called whenever it opens, to fetch its content. */
  readonly onOpen?: () => void;
  readonly children: ReactNode;
}) {
  const { t } = useI18n();
  return (
    <details
      className="group"
      onToggle={(event) => {
        if (event.currentTarget.open) onOpen?.();
      }}
    >
      <summary className="inline-flex min-h-11 list-none items-center gap-1.5 rounded-lg text-sm font-medium text-accent [&::-webkit-details-marker]:hidden">
        <ChevronDown aria-hidden size={18} className="transition-transform group-open:rotate-180" />
        {summary ?? t('ui.details')}
      </summary>
      <div className="mt-1 border-s-2 border-line ps-4 text-sm">{children}</div>
    </details>
  );
}

/** A list of names with their values. */
export function Facts({ children }: { readonly children: ReactNode }) {
  return <dl className="space-y-2">{children}</dl>;
}

/** One name and its value. Nothing is shown if the value is absent. */
export function Fact({ name, children }: { readonly name: string; readonly children: ReactNode }) {
  if (children === null || children === undefined || children === '') return null;
  return (
    <div className="sm:flex sm:gap-4">
      <dt className="shrink-0 text-muted sm:w-44">{name}</dt>
      <dd className="min-w-0">{children}</dd>
    </div>
  );
}

/** A hash, address or link: left to right in any language, with a button that copies it. */
export function Code({ value, copy = true }: { readonly value: string; readonly copy?: boolean }) {
  const { t } = useI18n();
  const announce = useAnnounce();
  const [copied, setCopied] = useState(false);
  return (
    <span className="inline-flex max-w-full items-center gap-1">
      <code dir="ltr" className="min-w-0 font-mono text-sm break-all">
        {value}
      </code>
      {copy && (
        <IconButton
          icon={copied ? Check : Copy}
          label={copied ? t('ui.copied') : t('ui.copy')}
          onClick={() => {
            void navigator.clipboard.writeText(value).then(() => {
              setCopied(true);
              announce(t('ui.copied'));
            });
          }}
        />
      )}
    </span>
  );
}
