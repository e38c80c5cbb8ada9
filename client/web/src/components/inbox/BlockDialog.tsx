import type { Address } from 'viem';
import { useBlock } from '../../data/inbox.ts';
import { useI18n } from '../../i18n/I18n.tsx';
import { ActionStatus } from '../../ui/ActionStatus.tsx';
import { Button } from '../../ui/Button.tsx';
import { Dialog } from '../../ui/Dialog.tsx';
import { useAnnounce } from '../../ui/Live.tsx';
import { usePersonName } from '../people/person-name.ts';

/** Explains the effects of blocking before it is done. */
export function BlockDialog({ address, onClose }: { readonly address: Address; readonly onClose: () => void }) {
  const { t } = useI18n();
  const announce = useAnnounce();
  const name = usePersonName(address);
  const block = useBlock();
  const start = () => {
    block.run(address).then(
      () => {
        announce(t('inbox.blocked', { name }));
        onClose();
      },
      () => undefined,
    );
  };
  return (
    <Dialog title={t('inbox.block.title', { name })} onClose={onClose} locked={block.isBusy}>
      <div className="space-y-5">
        <p>{t('inbox.block.text')}</p>
        <bdi dir="ltr" className="block font-mono text-sm break-all">
          {address}
        </bdi>
        <ActionStatus act={block} onRetry={start} />
        <div className="flex flex-wrap justify-end gap-3">
          <Button onClick={onClose} disabled={block.isBusy}>
            {t('ui.cancel')}
          </Button>
          <Button tone="danger" busy={block.isBusy} onClick={start} data-first>
            {t('inbox.block')}
          </Button>
        </div>
      </div>
    </Dialog>
  );
}
