import { useState } from 'react';
import { useWallets } from '../data/wallets.ts';
import { useI18n } from '../i18n/I18n.tsx';
import { ActionStatus } from '../ui/ActionStatus.tsx';
import { Button } from '../ui/Button.tsx';
import { Code } from '../ui/Details.tsx';
import { Choice, TextField } from '../ui/Field.tsx';
import { Notice } from '../ui/Notice.tsx';

/** Tells that the wallet is on another network than the contracts. */
export function NetworkNotice() {
  const { t } = useI18n();
  const { connection, chainId, switchChain } = useWallets();
  if (connection === null || connection.isRightChain || chainId === null) return null;
  if (switchChain.error?.code === 'wallet_unknown_chain') return <UnknownNetwork chain={chainId} />;
  return (
    <Notice tone="caution" live title={t('network.switch.title')}>
      <p>{t('network.switch.text', { chain: String(chainId) })}</p>
      <ActionStatus act={switchChain} />
      <Button busy={switchChain.isBusy} onClick={() => switchChain.start()}>
        {t('network.switch.button')}
      </Button>
    </Notice>
  );
}

/**
 * Lets the person choose a node for a wallet that does not know the network. From then on the wallet sees the chain through that node. With
 * the server's node, the server is the only view of the chain, which is said before the node is set.
 */
function UnknownNetwork({ chain }: { readonly chain: number }) {
  const { t } = useI18n();
  const { rpcUrls, addChain } = useWallets();
  const [kind, setKind] = useState<'own' | 'server'>('own');
  const [url, setUrl] = useState('');
  const add = () => addChain.start(kind === 'own' ? { kind, url } : { kind });
  return (
    <Notice tone="caution" live title={t('network.add.title', { chain: String(chain) })}>
      <form
        className="space-y-4"
        onSubmit={(event) => {
          event.preventDefault();
          add();
        }}
      >
        <p>{t('network.add.text')}</p>
        <Choice
          legend={t('network.add.which')}
          value={kind}
          onChoose={setKind}
          options={[
            { value: 'own', label: t('network.add.own'), hint: t('network.add.own.hint') },
            ...(rpcUrls.length === 0
              ? []
              : [{ value: 'server', label: t('network.add.server'), hint: t('network.add.server.hint') } as const]),
          ]}
        />
        {kind === 'own' ? (
          <TextField
            label={t('network.add.url')}
            type="url"
            dir="ltr"
            spellCheck={false}
            required
            value={url}
            onChange={(event) => setUrl(event.target.value)}
          />
        ) : (
          <ul>
            {rpcUrls.map((one) => (
              <li key={one}>
                <Code value={one} copy={false} />
              </li>
            ))}
          </ul>
        )}
        <ActionStatus act={addChain} />
        <Button type="submit" busy={addChain.isBusy}>
          {t(kind === 'own' ? 'network.add.button.own' : 'network.add.button.server')}
        </Button>
      </form>
    </Notice>
  );
}
