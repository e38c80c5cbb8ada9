import type { Address } from 'viem';
import { useName } from '../../data/directory.ts';
import { useI18n } from '../../i18n/I18n.tsx';

/** Returns an address in a short form that people can compare: its first and last digits. */
export const short = (address: string): string => `${address.slice(0, 6)}…${address.slice(-4)}`;

/** Returns the name of a person for the screen: the private name, the accredited name, "You", or the shortened address. */
export function usePersonName(address: Address | null): string {
  const { t } = useI18n();
  const name = useName(address);
  if (address === null) return t('access.unknownPerson');
  if (name.from === 'self') return t('ui.you');
  return name.text ?? t('ui.account', { address: short(address) });
}
