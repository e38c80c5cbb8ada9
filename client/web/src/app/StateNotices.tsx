import type { ReactNode } from 'react';
import { Link } from 'react-router';
import { useHealth } from '../data/health.ts';
import { useSession } from '../data/session.ts';
import { useI18n } from '../i18n/I18n.tsx';
import { short } from '../components/people/person-name.ts';
import { Button } from '../ui/Button.tsx';
import { Notice } from '../ui/Notice.tsx';
import { KeyNotice } from './KeyNotice.tsx';
import { NetworkNotice } from './NetworkNotice.tsx';
import { paths } from '../paths.ts';

/** Notices about problems, shown around the page: server, chain, wallet, and the coming idle lock. */
export function StateNotices() {
  const { t, failure } = useI18n();
  const { feed, server, chain, troubles } = useHealth();
  const { secondsToLock, stay } = useSession();
  const notices: ReactNode[] = [];
  if (server === 'down') notices.push(<Notice key="down" tone="caution" live title={t('health.down')} />);
  else if (server === 'slow') notices.push(<Notice key="slow" tone="caution" live title={t('health.slow')} />);
  else if (feed === 'connecting') notices.push(<Notice key="feed" live title={t('health.connecting')} />);
  if (chain === 'down') notices.push(<Notice key="chain" tone="caution" live title={t('health.chain')} />);
  if (troubles.length > 0) {
    notices.push(
      <Notice key="troubles" tone="danger" live title={t('health.troubles', { count: troubles.length })}>
        <ul className="list-disc ps-5">
          {troubles.map(({ record, version, code }, index) => (
            <li key={`${record}-${version}-${index}`}>
              <Link to={paths.record(record)} className="text-accent underline">
                {short(record)}
              </Link>
              {version !== null && `, ${t('record.version', { number: version })}`}: {failure(code)[0]}
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
      <KeyNotice />
      {notices}
    </div>
  );
}
