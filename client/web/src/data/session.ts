/** Hooks for signing in, unlocking and locking. */
import { useMemo, useSyncExternalStore } from 'react';
import { device } from '../device/device.ts';
import { onCountdown, secondsToLock, stayAwake } from '../device/idle.ts';
import { putBackKeyring } from '../device/keyring-copy.ts';
import { keepPublicKeys, registerKey } from '../flows/register-key.ts';
import { recover, unlockWithPassphrase, unlockWithWallet } from '../flows/set-up.ts';
import { login } from '../device/login.ts';
import type { SessionControl } from '../types/session.ts';
import type { Recovery } from '../types/set-up.ts';
import { useAct } from './use-act.ts';
import { useDevice } from './use-device.ts';

export function useSession(): SessionControl {
  const { session } = useDevice();
  const left = useSyncExternalStore(onCountdown, secondsToLock);
  const signIn = useAct(async (seen: string | null, errand) => {
    await device.acceptDeployment(seen);
    const client = await device.client();
    await client.chain.verifyDeployment();
    const signedIn = await login(client.wallet, client.chain.deployment.chainId, client.shelf, errand);
    errand.check();
    // The sign-in must not fail if this optional step fails.
    await putBackKeyring(client).catch(() => false);
    await device.signedIn(signedIn, errand.signal);
  });
  const byWallet = useAct<void, void>(async (_, errand) =>
    device.unlocked(await unlockWithWallet(await device.client(), errand), errand.signal),
  );
  const byPassphrase = useAct(async (passphrase: string, errand) =>
    device.unlocked(await unlockWithPassphrase(await device.client(), passphrase, errand), errand.signal),
  );
  const recovering = useAct(async (input: Recovery, errand) => {
    const { keys, made } = await recover(await device.client(), input, errand);
    await device.unlocked(keys, errand.signal);
    return made;
  });
  const registering = useAct<void, void>(
    async (_, errand) => {
      const client = await device.withWallet();
      await registerKey(client, errand);
      await device.checkKeys();
      const { keys } = await device.withWallet();
      if (keys !== null) await keepPublicKeys(client, keys);
    },
    ['key-state', 'people'],
  );
  const signOut = useAct(() => device.signOut());
  return useMemo(
    () => ({
      session,
      me: 'me' in session ? session.me : null,
      signIn,
      unlockWithWallet: byWallet,
      unlockWithPassphrase: byPassphrase,
      recover: recovering,
      registerAgain: registering,
      signOut,
      lock: () => device.lock('locked_here'),
      secondsToLock: left,
      stay: stayAwake,
    }),
    [session, signIn, byWallet, byPassphrase, recovering, registering, signOut, left],
  );
}
