/** Hooks for the set-up: keys, recovery kit, publishing. */
import { useCallback, useEffect, useMemo, useState } from 'react';
import type { ReadyClient } from '../device/client.ts';
import { device } from '../device/device.ts';
import { publishKey } from '../flows/register-key.ts';
import { isKitSaved, kitOf, makeKeys, wordNumbersToProve, proveKit } from '../flows/set-up.ts';
import { Failure } from '../failure.ts';
import type { Kit, NewKeys, SetUp, SetUpStep } from '../types/set-up.ts';
import { useAct } from './use-act.ts';
import { useDevice } from './use-device.ts';
import { useReady } from './use-loaded.ts';

export function useSetUp(): SetUp {
  const { session } = useDevice();
  const [wordNumbers, setWordNumbers] = useState(wordNumbersToProve);
  const saved = useReady(['kit-saved'], isKitSaved);
  const make = useAct(async (input: NewKeys, errand) => {
    const { keys, made } = await makeKeys(await device.client(), input, errand);
    await device.unlocked(keys, errand.signal);
    return made;
  });
  const prove = useAct(
    async (answers: readonly [string, string, string]) => {
      await proveKit(await device.ready(), wordNumbers, answers);
      setWordNumbers(wordNumbersToProve());
    },
    ['kit-saved'],
  );
  const publish = useAct<void, void>(async (_, errand) => {
    const client = await device.ready();
    if (!(await isKitSaved(client))) throw new Failure('kit_not_saved');
    await device.unlocked(await publishKey(client, errand), errand.signal);
  });
  const keyEpoch = session.state === 'ready' ? session.me.keyEpoch : 0;
  const isSaved = saved.data === true;
  const step: SetUpStep = session.state !== 'ready' ? 'keys' : !isSaved ? 'kit' : keyEpoch === 0 ? 'publish' : 'done';
  const [client, setClient] = useState<ReadyClient | null>(null);
  useEffect(() => {
    if (session.state === 'ready') void device.ready().then(setClient, () => setClient(null));
    else setClient(null);
  }, [session.state]);
  const kit = useCallback((): Kit | null => (client === null ? null : kitOf(client)), [client]);
  return useMemo(
    () => ({ step, makeKeys: make, kit, wordNumbers, proveKit: prove, publishKey: publish, isKitSaved: isSaved }),
    [step, make, kit, wordNumbers, prove, publish, isSaved],
  );
}
