import { X } from 'lucide-react';
import { useEffect, useId, useRef, type ReactNode } from 'react';
import { useI18n } from '../i18n/I18n.tsx';
import { IconButton } from './Button.tsx';

/**
 * A modal dialog: the browser's own, which keeps the focus inside, closes on Escape and gives the focus back.
 *
 * Mount it only while it is open. The element with `data-first` gets the focus; without one, the browser chooses the first control.
 * `locked` keeps the dialog open while something runs that the person must keep seeing.
 */
export function Dialog({
  title,
  onClose,
  locked = false,
  children,
}: {
  readonly title: string;
  readonly onClose: () => void;
  readonly locked?: boolean;
  readonly children: ReactNode;
}) {
  const { t } = useI18n();
  const dialog = useRef<HTMLDialogElement>(null);
  const heading = useId();

  useEffect(() => {
    const shown = dialog.current;
    const opener = document.activeElement;
    if (shown && !shown.open) {
      shown.showModal();
      shown.querySelector<HTMLElement>('[data-first]')?.focus();
    }
    return () => {
      shown?.close();
      if (opener instanceof HTMLElement && opener.isConnected) opener.focus();
    };
  }, []);

  return (
    <dialog
      ref={dialog}
      aria-labelledby={heading}
      onCancel={(event) => {
        event.preventDefault();
        if (!locked) onClose();
      }}
      className="m-auto max-h-[calc(100dvh-2rem)] w-[min(34rem,calc(100vw-2rem))] overflow-y-auto rounded-2xl border border-line bg-surface p-5 text-ink shadow-xl sm:p-6"
    >
      <div className="mb-4 flex items-start justify-between gap-4">
        <h2 id={heading} className="text-xl font-semibold">
          {title}
        </h2>
        <IconButton icon={X} label={t('ui.close')} disabled={locked} onClick={onClose} className="-me-2 -mt-2" />
      </div>
      {children}
    </dialog>
  );
}
