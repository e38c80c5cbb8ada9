import type { Address } from 'viem';
import type { RequestItem } from '../../types/requests.ts';
import { useI18n } from '../../i18n/I18n.tsx';
import { Badge } from '../../ui/Badge.tsx';
import { CardItem } from '../../ui/Card.tsx';
import { Moment } from '../../ui/Moment.tsx';
import { PersonName } from '../people/Person.tsx';
import { useScopeText } from './scope.ts';

const TONES = { open: 'accent', approved: 'good', denied: 'danger', lapsed: 'plain' } as const;

/** A request in one line: the other person, its subject, and how it ended. */
export function AnsweredRequest({ request, person }: { readonly request: RequestItem; readonly person: Address }) {
  const { t } = useI18n();
  const asked = useScopeText(request.scope);
  // The words "All your records" are shown only to the patient.
  const what = request.scope.kind === 'all' && !request.isToMe ? t('share.what.all') : asked;
  return (
    <CardItem className="flex flex-wrap items-center justify-between gap-x-4 gap-y-2">
      <p className="min-w-0">
        <span className="font-medium">
          <PersonName address={person} />
        </span>
        <span className="block text-sm text-muted">
          {what} · <Moment seconds={request.createdAt} as="relative" />
        </span>
      </p>
      <Badge tone={TONES[request.state]}>{t(`requests.state.${request.state}`)}</Badge>
    </CardItem>
  );
}
