import { useWallets } from '../data/wallets.ts';
import { useI18n } from '../i18n/I18n.tsx';
import { ActionStatus } from '../ui/ActionStatus.tsx';
import { Button } from '../ui/Button.tsx';
import { Code } from '../ui/Details.tsx';
import { Notice } from '../ui/Notice.tsx';

/** Warns that the server is the only view of the chain. It is shown for as long as this is true. */
export function OnlyViewNotice() {
  const { t } = useI18n();
  const { givenNodes, ownNode } = useWallets();
  if (givenNodes === null) return null;
  return (
    <Notice tone="caution" title={t('network.onlyView.title')}>
      <p>{t('network.onlyView.text')}</p>
      <ul>
        {givenNodes.map((one) => (
          <li key={one}>
            <Code value={one} copy={false} />
          </li>
        ))}
      </ul>
      <p>{t('network.onlyView.next')}</p>
      <ActionStatus act={ownNode} />
      <Button className="mt-2" busy={ownNode.isBusy} onClick={() => ownNode.start()}>
        {t('network.onlyView.changed')}
      </Button>
    </Notice>
  );
}
