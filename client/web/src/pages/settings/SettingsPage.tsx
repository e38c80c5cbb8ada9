import { Link as LinkIcon } from 'lucide-react';
import { useState } from 'react';
import { OnlyViewNotice } from '../../components/OnlyViewNotice.tsx';
import { LanguageChooser, ThemeChooser } from '../../components/Choosers.tsx';
import { invitationLink } from '../../paths.ts';
import { useSetUp } from '../../data/set-up.ts';
import { useWallets } from '../../data/wallets.ts';
import type { Me } from '../../types/session.ts';
import { useI18n } from '../../i18n/I18n.tsx';
import { Button } from '../../ui/Button.tsx';
import { Card } from '../../ui/Card.tsx';
import { Code, Fact, Facts } from '../../ui/Details.tsx';
import { useAnnounce } from '../../ui/Live.tsx';
import { Page } from '../../ui/Page.tsx';
import { BlockedSenders } from '../../components/inbox/BlockedSenders.tsx';
import { AddressCode } from '../../components/people/AddressCode.tsx';
import { KitSheet } from '../../components/keys/KitSheet.tsx';
import { ForgetNetwork } from '../../components/ForgetNetwork.tsx';

/** The person's address, appearance, recovery kit, session, and the limits of medlock. */
export function SettingsPage({ me }: { readonly me: Me }) {
  const { t, format } = useI18n();
  const { chainId, network, givenNodes } = useWallets();
  return (
    <Page title={t('settings.title')}>
      <MyAddress me={me} />
      <Card className="space-y-4">
        <h2 className="text-xl font-semibold">{t('settings.look')}</h2>
        <div className="grid gap-4 sm:grid-cols-2">
          <LanguageChooser />
          <ThemeChooser />
        </div>
      </Card>
      <RecoveryKit />
      <BlockedSenders />
      <Card className="space-y-4">
        <h2 className="text-xl font-semibold">{t('settings.session')}</h2>
        <p>{t('settings.session.text', { until: format.moment(me.sessionExpiresAt) })}</p>
        <Facts>
          <Fact name={t('settings.storage')}>
            {t('settings.storage.used', { used: format.size(me.storedBytes), quota: format.size(me.quotaBytes) })}
          </Fact>
          {chainId !== null && <Fact name={t('settings.chain')}>{String(chainId)}</Fact>}
          <Fact name={t('network.view')}>{t(givenNodes === null ? 'network.view.wallet' : 'network.view.server')}</Fact>
          {network !== null && (
            <Fact name={t('network.fingerprint')}>
              <Code value={network} />
            </Fact>
          )}
        </Facts>
        <OnlyViewNotice />
        <ForgetNetwork />
      </Card>
      <Card className="space-y-3">
        <h2 className="text-xl font-semibold">{t('settings.limits.title')}</h2>
        <ul className="max-w-prose list-disc space-y-2 ps-5">
          <li>{t('settings.limits.copies')}</li>
          <li>{t('settings.limits.log')}</li>
          <li>{t('settings.limits.public')}</li>
          <li>{t('settings.limits.origin')}</li>
        </ul>
      </Card>
    </Page>
  );
}

function MyAddress({ me }: { readonly me: Me }) {
  const { t } = useI18n();
  const announce = useAnnounce();
  const link = invitationLink(me.address);
  return (
    <Card className="space-y-4">
      <h2 className="text-xl font-semibold">{t('settings.address')}</h2>
      <p className="max-w-prose text-muted">{t('settings.address.text')}</p>
      <div className="flex flex-wrap items-start gap-6">
        <AddressCode text={link} label={t('settings.address.qr')} />
        <div className="min-w-0 space-y-3">
          <Code value={me.address} />
          <Button
            icon={LinkIcon}
            onClick={() => {
              void navigator.clipboard.writeText(link).then(() => announce(t('ui.copied')));
            }}
          >
            {t('settings.address.link')}
          </Button>
        </div>
      </div>
    </Card>
  );
}

function RecoveryKit() {
  const { t } = useI18n();
  const setUp = useSetUp();
  const [shown, setShown] = useState(false);
  const kit = shown ? setUp.kit() : null;
  return (
    <Card className="space-y-4">
      <h2 className="text-xl font-semibold">{t('settings.kit')}</h2>
      <p className="max-w-prose text-muted">{t('settings.kit.text')}</p>
      {kit && <KitSheet kit={kit} />}
      <Button onClick={() => setShown(!shown)}>{t(shown ? 'settings.kit.hide' : 'settings.kit.show')}</Button>
    </Card>
  );
}
