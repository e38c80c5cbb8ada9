import { Lock, LogOut, Menu } from 'lucide-react';
import { useRef, useState, type ReactNode } from 'react';
import { Link, NavLink, useLocation } from 'react-router';
import { useRequests } from '../data/requests.ts';
import { useSession } from '../data/session.ts';
import type { Me } from '../types/session.ts';
import { useI18n } from '../i18n/I18n.tsx';
import { usePersonName } from '../components/people/person-name.ts';
import { Brand } from '../ui/Brand.tsx';
import { Button, IconButton } from '../ui/Button.tsx';
import { classes } from '../ui/classes.ts';
import { Dialog } from '../ui/Dialog.tsx';
import { navigationOf, SETTINGS, type NavigationItem } from './navigation.ts';
import { paths } from '../paths.ts';
import { SkipLink } from './SkipLink.tsx';
import { StateNotices } from './StateNotices.tsx';

/** The frame around every page of a signed-in person: name, navigation, state of the connection. */
export function Shell({ me, children }: { readonly me: Me; readonly children: ReactNode }) {
  const { t } = useI18n();
  const { pathname } = useLocation();
  const { session, lock } = useSession();
  const [menu, setMenu] = useState(false);
  const main = useRef<HTMLElement>(null);
  const [menuPage, setMenuPage] = useState(pathname);
  // Going to another page closes the menu.
  if (menuPage !== pathname) {
    setMenuPage(pathname);
    setMenu(false);
  }

  return (
    <div className="lg:grid lg:min-h-dvh lg:grid-cols-[17rem_minmax(0,1fr)]">
      <SkipLink to={main} />
      <header className="sticky top-0 z-10 flex items-center justify-between gap-2 border-b border-line bg-surface px-4 py-2 lg:hidden">
        <Link to={paths.home} className="rounded-lg py-1.5">
          <Brand />
        </Link>
        <div className="flex">
          {session.state === 'ready' && <IconButton icon={Lock} label={t('app.lock')} onClick={lock} />}
          <IconButton icon={Menu} label={t('app.menu')} aria-haspopup="dialog" onClick={() => setMenu(true)} />
        </div>
      </header>
      <header className="hidden border-e border-line bg-surface lg:block">
        <div className="sticky top-0 flex h-dvh flex-col gap-6 overflow-y-auto p-4">
          <Link to={paths.home} className="rounded-lg px-3 py-1.5">
            <Brand />
          </Link>
          <Navigation me={me} />
        </div>
      </header>
      <main ref={main} tabIndex={-1} className="mx-auto w-full max-w-4xl px-4 py-8 outline-none sm:px-8 lg:py-10">
        <StateNotices />
        {children}
      </main>
      {menu && (
        <Dialog title={t('app.menu')} onClose={() => setMenu(false)}>
          <Navigation me={me} />
        </Dialog>
      )}
    </div>
  );
}

function Navigation({ me }: { readonly me: Me }) {
  const { t } = useI18n();
  const { session, lock, signOut } = useSession();
  const called = usePersonName(me.address);
  return (
    <>
      <nav aria-label={t('nav.main')} className="flex-1 space-y-6">
        {navigationOf(me).map((group) => (
          <div key={group.label}>
            <p className="px-3 pb-1 text-sm font-medium text-muted">{t(group.label)}</p>
            <ul className="space-y-0.5">
              {group.items.map((item) => (
                <NavigationLine key={item.to} item={item} />
              ))}
            </ul>
          </div>
        ))}
        <ul>
          <NavigationLine item={SETTINGS} />
        </ul>
      </nav>
      <div className="mt-6 space-y-1 border-t border-line pt-4">
        <p className="px-3 pb-1 text-sm text-muted">
          {called} <bdi dir="ltr">{`${me.address.slice(0, 6)}…${me.address.slice(-4)}`}</bdi>
        </p>
        {session.state === 'ready' && (
          <Button tone="quiet" icon={Lock} onClick={lock} className="w-full justify-start px-3">
            {t('app.lock')}
          </Button>
        )}
        <Button tone="quiet" icon={LogOut} busy={signOut.isBusy} onClick={() => signOut.start()} className="w-full justify-start px-3">
          {t('app.signOut')}
        </Button>
      </div>
    </>
  );
}

function NavigationLine({ item: { to, label, icon: Icon } }: { readonly item: NavigationItem }) {
  const { t } = useI18n();
  return (
    <li>
      <NavLink
        to={to}
        className={({ isActive }) =>
          classes(
            'flex min-h-11 items-center gap-3 rounded-lg px-3 py-2 font-medium',
            isActive ? 'bg-accent-soft text-accent' : 'text-ink hover:bg-raised',
          )
        }
      >
        <Icon aria-hidden size={20} className="shrink-0" />
        <span className="min-w-0 flex-1">{t(label)}</span>
        {to === paths.requests && <OpenRequests />}
      </NavLink>
    </li>
  );
}

/** The number of requests that wait for an answer. */
function OpenRequests() {
  const { format } = useI18n();
  const { session } = useSession();
  const { data } = useRequests();
  const open = session.state === 'ready' ? (data?.filter((request) => request.isToMe && request.state === 'open').length ?? 0) : 0;
  if (open === 0) return null;
  return <span className="rounded-full bg-accent px-2 py-0.5 text-sm font-semibold text-on-accent">{format.number(open)}</span>;
}
