/** Wallets of this browser, and the connected one. */
import { useMemo, useSyncExternalStore } from 'react';
import { device } from '../device/device.ts';
import { Failure } from '../failure.ts';
import { onWallets, wallets as announcedWallets, type Announced } from '../wallet/discovery.ts';
import type { Connection, WalletInfo, Wallets } from './types/wallets.ts';
import { useAct } from './use-act.ts';
import { useDevice } from './use-device.ts';

const infoOf = ({ uuid, rdns, name, icon }: Announced): WalletInfo => ({ uuid, rdns, name, icon });

const NO_URLS: readonly string[] = [];

/** How the deployment's chain is called when a wallet has to add it. */
const CHAIN_NAMES: Readonly<Record<number, string>> = { 31337: 'medlock local network' };

export function useWallets(): Wallets {
  const { isSearching, wallet, chainId: current, info } = useDevice();
  const known = useSyncExternalStore(onWallets, announcedWallets);
  const chainId = info?.deployment.chainId ?? null;
  const connect = useAct((uuid: string) => device.connect(uuid));
  const switchChain = useAct(async () => {
    if (wallet === null || info === null) throw new Failure('no_wallet');
    const { chainId: wanted } = info.deployment;
    await wallet.switchChain({ chainId: wanted, chainName: CHAIN_NAMES[wanted] ?? `Chain ${wanted}`, rpcUrls: info.rpcUrls });
  });
  const forgetNetwork = useAct(() => device.forgetDeployment());
  const network = info?.fingerprint ?? null;
  const newNetwork = info === null || info.isAccepted ? null : info.fingerprint;
  const rpcUrls = info?.rpcUrls ?? NO_URLS;
  return useMemo(() => {
    const connection: Connection | null =
      wallet === null || current === null
        ? null
        : { wallet: infoOf(wallet.announced), address: wallet.address, chainId: current, isRightChain: chainId === null || current === chainId };
    return {
      wallets: known.map(infoOf), isSearching, connection, chainId, connect, switchChain, network, newNetwork, rpcUrls, forgetNetwork,
      disconnect: () => device.disconnect(),
    };
  }, [known, isSearching, wallet, current, chainId, connect, switchChain, network, newNetwork, rpcUrls, forgetNetwork]);
}
