import { BadgeCheck } from 'lucide-react';
import { usePerson } from '../../data/directory.ts';
import type { Address } from 'viem';
import type { Person } from '../../types/people.ts';
import { useI18n } from '../../i18n/I18n.tsx';
import { Badge } from '../../ui/Badge.tsx';
import { usePersonName } from './person-name.ts';

/** The name of a person, for use inside a sentence. */
export function PersonName({ address }: { readonly address: Address | null }) {
  return <bdi>{usePersonName(address)}</bdi>;
}

/** The roles of a person, and whether the person is accredited now. */
export function AccreditationBadges({ address }: { readonly address: Address }) {
  const { t } = useI18n();
  const { data: person } = usePerson(address);
  if (person === undefined) return null;
  // Family and friends need no accreditation. A person who was accredited before and is not now gets a warning.
  if (person === null) return <Badge>{t('ui.notAccredited')}</Badge>;
  if (!person.counts) return <Badge tone="caution">{t('ui.notAccredited')}</Badge>;
  return (
    <span className="flex flex-wrap items-center gap-1.5">
      <Badge tone="good">
        <BadgeCheck aria-hidden size={16} className="me-1" />
        {t('ui.accredited')}
      </Badge>
      {person.roles.map((role) => (
        <Badge key={role}>{t(`role.${role}`)}</Badge>
      ))}
    </span>
  );
}

/** Returns specialty and organisation of an accredited person in one line. */
export const affiliation = (person: Person): string => [person.specialty, person.organisation].filter(Boolean).join(' · ');
