import { KeyRound, OctagonX } from 'lucide-react';
import { useState } from 'react';
import { paths } from '../../paths.ts';
import { useGivenWhileLocked, useSentGrants } from '../../data/grants.ts';
import { useKeyState } from '../../data/key-state.ts';
import { useSession } from '../../data/session.ts';
import { useI18n } from '../../i18n/I18n.tsx';
import { ActionStatus } from '../../ui/ActionStatus.tsx';
import { Button } from '../../ui/Button.tsx';
import { Card, CardList, Section } from '../../ui/Card.tsx';
import { Notice } from '../../ui/Notice.tsx';
import { Page } from '../../ui/Page.tsx';
import { Resource } from '../../ui/Resource.tsx';
import { byPerson, isCurrent, PersonGrants } from '../../components/grants/PersonGrants.tsx';
import { SentGrants } from '../../components/grants/SentGrants.tsx';
import { StopEveryoneDialog } from '../../components/grants/StopDialog.tsx';

/**
 * Actions that need only the wallet while the records are locked: ending permissions, and publishing the person's own key again. They must
 * work even if the passphrase is forgotten or somebody else has published a key.
 */
export function WalletAlonePage() {
  const { t } = useI18n();
  const grants = useGivenWhileLocked();
  const { data: sent } = useSentGrants();
  const [stopping, setStopping] = useState(false);
  const current = grants.data?.filter(isCurrent) ?? [];
  return (
    <Page
      title={t('walletAlone.title')}
      intro={t('walletAlone.intro')}
      back={{ to: paths.home, label: t('walletAlone.back') }}
      actions={
        <Button tone="danger" icon={OctagonX} onClick={() => setStopping(true)}>
          {t('access.stopAll')}
        </Button>
      }
    >
      {sent !== undefined && <SentGrants sent={sent} />}
      <Section title={t('access.active')} intro={t('walletAlone.names')}>
        <Resource of={grants}>
          {() =>
            current.length === 0 ? (
              <p className="text-muted">{t('access.empty.title')}</p>
            ) : (
              <CardList label={t('access.active')}>
                {byPerson(current).map(([key, group]) => (
                  <PersonGrants key={key} grantee={group[0]?.grantee ?? null} grants={group} />
                ))}
              </CardList>
            )
          }
        </Resource>
      </Section>
      <OwnKey />
      {stopping && <StopEveryoneDialog onClose={() => setStopping(false)} />}
    </Page>
  );
}

/** Tells whose the published key is, and offers to publish the person's own key in its place. */
function OwnKey() {
  const { t } = useI18n();
  const { registerAgain } = useSession();
  const state = useKeyState();
  return (
    <Section title={t('key.title')}>
      <Resource of={state}>
        {({ whose, epoch }) => (
          <Card className="space-y-4">
            {whose === 'own' && <Notice tone="good">{t('key.state.own', { epoch })}</Notice>}
            {whose === 'none' && <p>{t('key.state.none')}</p>}
            {whose === 'unknown' && <p>{t('key.state.unknown', { epoch })}</p>}
            {whose === 'foreign' && (
              <>
                <p>{t('key.state.foreign', { epoch })}</p>
                <Button icon={KeyRound} busy={registerAgain.isBusy} onClick={() => registerAgain.start()}>
                  {t('key.register')}
                </Button>
              </>
            )}
            <ActionStatus act={registerAgain} />
          </Card>
        )}
      </Resource>
    </Section>
  );
}
