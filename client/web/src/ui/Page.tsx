import { ArrowLeft } from 'lucide-react';
import { useEffect, useRef, type ReactNode } from 'react';
import { Link } from 'react-router';
import { useI18n } from '../i18n/I18n.tsx';

/**
 * A page: its heading, its purpose, and its content. It sets the title of the document and moves the focus to the heading. So a screen
 * reader starts there, and the next press of Tab goes into the page.
 */
export function Page({
  title,
  intro,
  actions,
  back,
  children,
}: {
  readonly title: string;
  readonly intro?: ReactNode;
  readonly actions?: ReactNode;
  readonly back?: { readonly to: string; readonly label: string };
  readonly children: ReactNode;
}) {
  const { t } = useI18n();
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = t('app.title', { page: title });
  }, [t, title]);
  useEffect(() => {
    heading.current?.focus({ preventScroll: true });
    window.scrollTo(0, 0);
  }, []);
  return (
    <div className="space-y-8">
      <header className="space-y-3">
        {back && (
          <Link to={back.to} className="inline-flex min-h-11 items-center gap-2 font-medium text-accent hover:underline">
            <ArrowLeft aria-hidden size={20} className="rtl:rotate-180" />
            {back.label}
          </Link>
        )}
        <div className="flex flex-wrap items-start justify-between gap-x-6 gap-y-4">
          <div className="max-w-prose min-w-0">
            <h1 ref={heading} tabIndex={-1} className="text-3xl font-semibold tracking-tight">
              {title}
            </h1>
            {intro && <p className="mt-2 text-muted">{intro}</p>}
          </div>
          {actions && <div className="flex flex-wrap gap-3">{actions}</div>}
        </div>
      </header>
      {children}
    </div>
  );
}
