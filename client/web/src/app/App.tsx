import { Suspense, useEffect } from 'react';
import { HashRouter, useLocation } from 'react-router';
import { DataProvider } from '../data/provider.tsx';
import { useSession } from '../data/session.ts';
import { useSetUp } from '../data/set-up.ts';
import { I18nProvider } from '../i18n/I18n.tsx';
import { LiveRegion } from '../ui/Live.tsx';
import { Loading } from '../ui/Loading.tsx';
import { AnnouncementDialog } from './AnnouncementDialog.tsx';
import { CrashBoundary } from './Crash.tsx';
import { Entrance } from './Entrance.tsx';
import { fetchPages, RecoveryPage, SetUpPage, UnlockPage, WalletAlonePage, WelcomePage } from './pages.ts';
import { paths } from '../paths.ts';
import { AppRoutes } from './Routes.tsx';
import { Shell } from './Shell.tsx';

/** The whole app. */
export function App() {
  useNoStrayDrops();
  return (
    <I18nProvider>
      <LiveRegion>
        <DataProvider>
          <HashRouter>
            <CrashBoundary>
              <Gate />
            </CrashBoundary>
            <AnnouncementDialog />
          </HashRouter>
        </DataProvider>
      </LiveRegion>
    </I18nProvider>
  );
}

/** Decides what is shown, from who is signed in and whether the records are unlocked. */
function Gate() {
  const { session } = useSession();
  const setUp = useSetUp();
  const { pathname } = useLocation();
  const isIn = session.state === 'ready';
  useEffect(() => {
    if (isIn) fetchPages();
  }, [isIn]);

  if (session.state === 'starting') {
    return (
      <Entrance>
        <Loading />
      </Entrance>
    );
  }
  if (session.state === 'signed_out') {
    return (
      <Entrance wide>
        <WelcomePage why={session.why} />
      </Entrance>
    );
  }
  const { me } = session;
  if (session.state === 'ready' && setUp.step === 'done') {
    return (
      <Shell me={me}>
        <CrashBoundary key={pathname}>
          <Suspense fallback={<Loading />}>
            <AppRoutes me={me} />
          </Suspense>
        </CrashBoundary>
      </Shell>
    );
  }
  return (
    <Entrance me={me}>
      <Suspense fallback={<Loading />}>
        {pathname === paths.walletAlone && (session.state === 'locked' || session.state === 'needs_recovery') ? (
          <WalletAlonePage />
        ) : session.state === 'locked' ? (
          <UnlockPage why={session.why} unlockers={session.unlockers} />
        ) : session.state === 'needs_recovery' ? (
          <RecoveryPage />
        ) : (
          <SetUpPage />
        )}
      </Suspense>
    </Entrance>
  );
}

/** Prevents that a file dropped beside its target replaces the app. */
function useNoStrayDrops(): void {
  useEffect(() => {
    const refuse = (event: DragEvent) => event.preventDefault();
    addEventListener('dragover', refuse);
    addEventListener('drop', refuse);
    return () => {
      removeEventListener('dragover', refuse);
      removeEventListener('drop', refuse);
    };
  }, []);
}
