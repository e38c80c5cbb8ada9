import { EyeOff, ScrollText, UserCheck, type LucideIcon } from 'lucide-react';
import type { ReactNode } from 'react';
import { useSession } from '../../data/session.ts';
import { useWallets } from '../../data/wallets.ts';
import type { LockReason } from '../../types/session.ts';
import type { WalletInfo } from '../../types/wallets.ts';
import { useI18n } from '../../i18n/I18n.tsx';
import { ActionStatus } from '../../ui/ActionStatus.tsx';
import { Button } from '../../ui/Button.tsx';
import { Card } from '../../ui/Card.tsx';
import { Code } from '../../ui/Details.tsx';
import { Notice } from '../../ui/Notice.tsx';
import { Page } from '../../ui/Page.tsx';
import { Spinner } from '../../ui/Spinner.tsx';
import { short } from '../../components/people/person-name.ts';
import { ForgetNetwork } from '../../components/ForgetNetwork.tsx';

/** The first page: explains medlock, and lets the person choose a wallet and sign in. */
export function WelcomePage({ why }: { readonly why: LockReason }) {
  const { t } = useI18n();
  const { connection } = useWallets();
  return (
    <Page title={t('welcome.title')} intro={t('welcome.intro')}>
      <div className="grid gap-8 lg:grid-cols-[minmax(0,1fr)_26rem]">
        <ul className="space-y-6 lg:order-first">
          <Point icon={EyeOff} title={t('welcome.point.encrypted.title')} text={t('welcome.point.encrypted.text')} />
          <Point icon={UserCheck} title={t('welcome.point.share.title')} text={t('welcome.point.share.text')} />
          <Point icon={ScrollText} title={t('welcome.point.log.title')} text={t('welcome.point.log.text')} />
        </ul>
        <div className="order-first space-y-4 lg:order-last">
          {why !== 'first_visit' && <Notice live title={t(`session.why.${why}`)} />}
          <Card>{connection === null ? <ChooseWallet /> : <SignIn />}</Card>
        </div>
      </div>
    </Page>
  );
}

function Point({ icon: Icon, title, text }: { readonly icon: LucideIcon; readonly title: string; readonly text: string }) {
  return (
    <li className="flex gap-4">
      <span className="flex size-11 shrink-0 items-center justify-center rounded-xl bg-accent-soft text-accent">
        <Icon aria-hidden size={22} />
      </span>
      <div>
        <p className="font-semibold">{title}</p>
        <p className="text-muted">{text}</p>
      </div>
    </li>
  );
}

function ChooseWallet() {
  const { t } = useI18n();
  const { wallets, isSearching, connect } = useWallets();
  let choice: ReactNode;
  if (wallets.length > 0) {
    choice = (
      <ul className="space-y-2">
        {wallets.map((wallet) => (
          <li key={wallet.uuid}>
            <Button className="w-full justify-start text-start" busy={connect.isBusy} onClick={() => connect.start(wallet.uuid)}>
              <WalletPicture wallet={wallet} />
              {t('welcome.connect', { wallet: wallet.name })}
            </Button>
          </li>
        ))}
      </ul>
    );
  } else if (isSearching) {
    choice = (
      <p role="status" className="flex items-center gap-3 text-muted">
        <Spinner />
        {t('welcome.searching')}
      </p>
    );
  } else {
    choice = (
      <Notice tone="caution" title={t('welcome.noWallet.title')}>
        <p>{t('welcome.noWallet.text')}</p>
        <Button className="mt-2" onClick={() => location.reload()}>
          {t('app.crash.reload')}
        </Button>
      </Notice>
    );
  }
  return (
    <div className="space-y-4">
      <h2 className="text-xl font-semibold">{t('welcome.choose')}</h2>
      <p className="text-muted">{t('welcome.choose.text')}</p>
      {choice}
      <ActionStatus act={connect} />
    </div>
  );
}

/** The picture that the wallet announced. Only pictures inside the address itself (`data:`) are shown; none is fetched. */
function WalletPicture({ wallet }: { readonly wallet: WalletInfo }) {
  if (!/^data:image\/(?:png|jpeg|gif|webp|svg\+xml)[;,]/.test(wallet.icon)) return null;
  return <img src={wallet.icon} alt="" className="size-7 rounded-md" />;
}

function SignIn() {
  const { t } = useI18n();
  const { connection, disconnect, newNetwork } = useWallets();
  const { signIn } = useSession();
  const start = () => signIn.start(newNetwork);
  return (
    <div className="space-y-4">
      <h2 className="text-xl font-semibold">{t('signIn.title')}</h2>
      <p className="text-muted">{t('signIn.intro')}</p>
      {connection && (
        <p className="flex items-center gap-3 rounded-lg bg-raised px-4 py-3">
          <WalletPicture wallet={connection.wallet} />
          <span>
            <span className="block font-medium">{connection.wallet.name}</span>
            <bdi dir="ltr" className="text-sm text-muted">
              {short(connection.address)}
            </bdi>
          </span>
        </p>
      )}
      {newNetwork !== null && (
        <Notice tone="caution" title={t('network.new.title')}>
          <p id="new-network">{t('network.new.text')}</p>
          <Code value={newNetwork} copy={false} />
        </Notice>
      )}
      <div className="grid gap-2">
        <Button tone="primary" busy={signIn.isBusy} aria-describedby={newNetwork === null ? undefined : 'new-network'} onClick={start}>
          {t('signIn.button')}
        </Button>
        <Button tone="quiet" onClick={disconnect}>
          {t('signIn.other')}
        </Button>
      </div>
      <ActionStatus act={signIn} onRetry={start} />
      {signIn.error?.code === 'other_deployment' && <ForgetNetwork />}
    </div>
  );
}
