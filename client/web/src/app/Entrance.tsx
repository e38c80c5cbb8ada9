import { LogOut } from 'lucide-react';
import { useRef, type ReactNode } from 'react';
import { useSession } from '../data/session.ts';
import type { Me } from '../types/session.ts';
import { useI18n } from '../i18n/I18n.tsx';
import { Brand } from '../ui/Brand.tsx';
import { Button } from '../ui/Button.tsx';
import { classes } from '../ui/classes.ts';
import { LanguageChooser, ThemeChooser } from '../components/Choosers.tsx';
import { SkipLink } from './SkipLink.tsx';
import { StateNotices } from './StateNotices.tsx';

/** The frame around the pages before the records are unlocked: choosing a wallet, setting up, unlocking. */
export function Entrance({ me, wide = false, children }: { readonly me?: Me; readonly wide?: boolean; readonly children: ReactNode }) {
  const { t } = useI18n();
  const { signOut } = useSession();
  const main = useRef<HTMLElement>(null);
  return (
    <div className="mx-auto flex min-h-dvh w-full max-w-5xl flex-col px-4 sm:px-8">
      <SkipLink to={main} />
      <header className="flex flex-wrap items-center justify-between gap-3 py-5">
        <Brand />
        {me && (
          <Button tone="quiet" icon={LogOut} busy={signOut.isBusy} onClick={() => signOut.start()}>
            {t('app.signOut')}
          </Button>
        )}
      </header>
      <main ref={main} tabIndex={-1} className={classes('w-full flex-1 py-6 outline-none', !wide && 'mx-auto max-w-2xl')}>
        <StateNotices />
        {children}
      </main>
      <footer className="mt-10 grid gap-4 border-t border-line py-6 sm:max-w-lg sm:grid-cols-2">
        <LanguageChooser />
        <ThemeChooser />
      </footer>
    </div>
  );
}
