/** Hooks for the wallets of this browser and the connected one. */
import { useMemo, useSyncExternalStore } from 'react';
import { parseRpcUrl } from '../chain/rpc.ts';
import { device } from '../device/device.ts';
import { givenNode, noteNode } from '../device/given-node.ts';
import { Failure } from '../failure.ts';
import { onWallets, wallets as announcedWallets, type Announced } from '../wallet/discovery.ts';
import type { Connection, NodeChoice, WalletInfo, Wallets } from '../types/wallets.ts';
import { useAct } from './use-act.ts';
import { useDevice } from './use-device.ts';
import { useConnected } from './use-loaded.ts';

const infoOf = ({ uuid, rdns, name, icon }: Announced): WalletInfo => ({ uuid, rdns, name, icon });

const NO_URLS: readonly string[] = [];

/** Names of known chains, for a wallet that has to add one. */
const CHAIN_NAMES: Readonly<Record<number, string>> = { 31337: 'medlock local network' };

export function useWallets(): Wallets {
  const { isSearching, wallet, chainId: current, info } = useDevice();
  const known = useSyncExternalStore(onWallets, announcedWallets);
  const chainId = info?.deployment.chainId ?? null;
  const connect = useAct((uuid: string) => device.connect(uuid));
  const switchChain = useAct(async () => {
    if (wallet === null || info === null) throw new Failure('no_wallet');
    await wallet.switchChain(info.deployment.chainId);
  });
  const addChain = useAct(
    async (node: NodeChoice) => {
      if (wallet === null || info === null) throw new Failure('no_wallet');
      const { chainId: wanted } = info.deployment;
      const rpcUrls = node.kind === 'own' ? [parseRpcUrl(node.url)] : info.rpcUrls;
      // A person who types the address of the server's own node gets no independent view of the chain.
      const isServers = rpcUrls.some((url) => info.rpcUrls.some((known) => URL.parse(known)?.host === URL.parse(url)?.host));
      await wallet.addChain({ chainId: wanted, chainName: CHAIN_NAMES[wanted] ?? `Chain ${wanted}`, rpcUrls });
      // Stored before the switch, which the person may reject now and do later.
      await noteNode(info.deployment, wallet.announced.rdns, isServers ? rpcUrls : null);
      if ((await wallet.chainId()) !== wanted) await wallet.switchChain(wanted);
    },
    ['node'],
  );
  const ownNode = useAct(async () => {
    if (wallet !== null && info !== null) await noteNode(info.deployment, wallet.announced.rdns, null);
  }, ['node']);
  const { data: givenNodes = null } = useConnected(['node', wallet?.announced.rdns ?? null, current], (client) =>
    givenNode(client.chain.deployment, client.wallet.announced.rdns),
  );
  const forgetNetwork = useAct(() => device.forgetDeployment());
  const network = info?.fingerprint ?? null;
  const newNetwork = info === null || info.isAccepted ? null : info.fingerprint;
  const rpcUrls = info?.rpcUrls ?? NO_URLS;
  return useMemo(() => {
    const connection: Connection | null =
      wallet === null || current === null
        ? null
        : {
            wallet: infoOf(wallet.announced),
            address: wallet.address,
            chainId: current,
            isRightChain: chainId === null || current === chainId,
          };
    return {
      wallets: known.map(infoOf),
      isSearching,
      connection,
      chainId,
      connect,
      switchChain,
      addChain,
      givenNodes,
      ownNode,
      network,
      newNetwork,
      rpcUrls,
      forgetNetwork,
      disconnect: () => device.disconnect(),
    };
  }, [
    known,
    isSearching,
    wallet,
    current,
    chainId,
    connect,
    switchChain,
    addChain,
    givenNodes,
    ownNode,
    network,
    newNetwork,
    rpcUrls,
    forgetNetwork,
  ]);
}
