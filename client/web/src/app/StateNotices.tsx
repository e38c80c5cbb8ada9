import type { ReactNode } from 'react';
import { Link } from 'react-router';
import { useHealth } from '../data/health.ts';
import { useSession } from '../data/session.ts';
import { useWallets } from '../data/wallets.ts';
import { useI18n } from '../i18n/I18n.tsx';
import { short } from '../pages/people/names.ts';
import { ActionStatus } from '../ui/ActionStatus.tsx';
import { Button } from '../ui/Button.tsx';
import { Code } from '../ui/Details.tsx';
import { Notice } from '../ui/Notice.tsx';
import { paths } from './paths.ts';

/** What is not as it should be around the page: server, chain, wallet, and the lock that is about to close. */
export function StateNotices() {
  const { t } = useI18n();
  const { feed, server, chain, broken } = useHealth();
  const { secondsToLock, stay } = useSession();
  const notices: ReactNode[] = [];
  if (server === 'down') notices.push(<Notice key="down" tone="caution" live title={t('health.down')} />);
  else if (server === 'slow') notices.push(<Notice key="slow" tone="caution" live title={t('health.slow')} />);
  else if (feed === 'connecting') notices.push(<Notice key="feed" live title={t('health.connecting')} />);
  if (chain === 'down') notices.push(<Notice key="chain" tone="caution" live title={t('health.chain')} />);
  if (broken.length > 0) {
    notices.push(
      <Notice key="broken" tone="danger" live title={t('health.broken', { count: broken.length })}>
        <ul>
          {broken.map(({ record }) => (
            <li key={record}>
              <Link to={paths.record(record)} className="text-accent underline">
                {short(record)}
              </Link>
            </li>
          ))}
        </ul>
      </Notice>,
    );
  }
  if (secondsToLock !== null) {
    notices.push(
      <Notice key="idle" tone="caution" title={t('session.idle', { count: secondsToLock })}>
        <Button onClick={stay}>{t('session.idle.stay')}</Button>
      </Notice>,
    );
  }
  return (
    <div className="space-y-3 has-[*]:mb-6">
      <NetworkNotice />
      {notices}
    </div>
  );
}

/** The wallet is on another network than the contracts. */
export function NetworkNotice() {
  const { t } = useI18n();
  const { connection, chainId, rpcUrls, switchChain } = useWallets();
  if (connection === null || connection.isRightChain || chainId === null) return null;
  return (
    <Notice tone="caution" live title={t('network.switch.title')}>
      <p>{t('network.switch.text', { chain: String(chainId) })}</p>
      {rpcUrls.length > 0 && (
        <>
          <p>{t('network.switch.nodes')}</p>
          <ul>
            {rpcUrls.map((url) => (
              <li key={url}>
                <Code value={url} copy={false} />
              </li>
            ))}
          </ul>
        </>
      )}
      <ActionStatus act={switchChain} />
      <Button busy={switchChain.isBusy} onClick={() => switchChain.start()}>
        {t('network.switch.button')}
      </Button>
    </Notice>
  );
}
