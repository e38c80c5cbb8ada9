import { Check, UserX, X } from 'lucide-react';
import { useState } from 'react';
import { useApprove, useDeny } from '../../data/requests.ts';
import type { Granted } from '../../types/grants.ts';
import type { Approval, RequestItem } from '../../types/requests.ts';
import { useI18n } from '../../i18n/I18n.tsx';
import { ActionStatus } from '../../ui/ActionStatus.tsx';
import { Button } from '../../ui/Button.tsx';
import { CardItem } from '../../ui/Card.tsx';
import { Fact, Facts } from '../../ui/Details.tsx';
import { Dialog } from '../../ui/Dialog.tsx';
import { useAnnounce } from '../../ui/Live.tsx';
import { Moment } from '../../ui/Moment.tsx';
import { Notice } from '../../ui/Notice.tsx';
import { SignSentence } from '../../ui/SignSentence.tsx';
import { BlockDialog } from '../../components/inbox/BlockDialog.tsx';
import { usePersonName } from '../../components/people/person-name.ts';
import { AccreditationBadges } from '../../components/people/Person.tsx';
import { SentenceText } from '../../components/people/SentenceText.tsx';
import { UntilField } from '../../components/UntilField.tsx';
import { useApprovalTerms, useScopeText } from '../../components/requests/scope.ts';

/** A request that waits for an answer. The sentence above its button says what an approval allows, so one click is enough. */
export function OpenRequest({
  request,
  onLeftOut,
}: {
  readonly request: RequestItem;
  /** Called after an approval with the versions that could not be granted. */
  readonly onLeftOut: (leftOut: Granted['leftOut']) => void;
}) {
  const { t, format } = useI18n();
  const announce = useAnnounce();
  const name = usePersonName(request.requester);
  const what = useScopeText(request.scope);
  const approve = useApprove();
  const deny = useDeny();
  const [changing, setChanging] = useState(false);
  const [blocking, setBlocking] = useState(false);
  const [until, setUntil] = useState(request.until);
  const terms = useApprovalTerms({ ...request, until });
  const isNothing = terms?.records?.length === 0;
  const answer = () => {
    if (terms === null || isNothing) return;
    const approval: Approval = { request: request.id, until, confirm: 'page', ...(terms.records && { records: terms.records }) };
    approve.run(approval).then(
      ({ leftOut }) => {
        onLeftOut(leftOut);
        announce(t('requests.approved.announce', { name, date: format.day(until) }));
      },
      () => undefined,
    );
  };
  const refuse = () => {
    deny.run({ request: request.id, confirm: 'page' }).then(
      () => announce(t('requests.denied.announce')),
      () => undefined,
    );
  };
  return (
    <CardItem className="space-y-4">
      <div className="space-y-2">
        <h2 className="text-lg font-semibold">
          {t(request.right === 'read' ? 'requests.asks.open' : 'requests.asks.add', { name })} {what}
        </h2>
        <AccreditationBadges address={request.requester} />
      </div>
      <blockquote dir="auto" className="border-s-4 border-line ps-4 whitespace-pre-line">
        {request.reason ?? (
          <span className={request.isReasonForeign ? 'text-danger' : 'text-muted'}>
            {t(request.isReasonForeign ? 'requests.reason.foreign' : 'requests.reason.none')}
          </span>
        )}
      </blockquote>
      <Facts>
        <Fact name={t('requests.purpose')}>{format.list(request.purposes.map((purpose) => t(`purpose.${purpose}`)))}</Fact>
        <Fact name={t('requests.until')}>{format.day(until)}</Fact>
        <Fact name={t('requests.asked')}>
          <Moment seconds={request.createdAt} as="relative" />
        </Fact>
      </Facts>
      {!request.accredited && <Notice tone="caution" title={t('requests.unaccredited')} />}
      <SignSentence id={`${request.id}-sentence`}>
        {terms === null ? t('ui.loading') : <SentenceText sentence={terms.sentence} />}
      </SignSentence>
      <ActionStatus act={approve} onRetry={answer} />
      <ActionStatus act={deny} onRetry={refuse} />
      <div className="flex flex-wrap gap-3">
        <Button
          tone="primary"
          icon={Check}
          busy={approve.isBusy}
          disabled={deny.isBusy || terms === null || isNothing}
          aria-label={t('requests.approve.for', { name })}
          aria-describedby={`${request.id}-sentence`}
          onClick={answer}
        >
          {t('requests.approve')}
        </Button>
        <Button icon={X} busy={deny.isBusy} disabled={approve.isBusy} aria-label={t('requests.deny.for', { name })} onClick={refuse}>
          {t('requests.deny')}
        </Button>
        <Button tone="quiet" onClick={() => setChanging(true)}>
          {t('requests.change')}
        </Button>
        <Button tone="quiet" icon={UserX} aria-label={t('inbox.block.for', { name })} onClick={() => setBlocking(true)}>
          {t('inbox.block')}
        </Button>
      </div>
      {blocking && <BlockDialog address={request.requester} onClose={() => setBlocking(false)} />}
      {changing && (
        <Dialog title={t('requests.change')} onClose={() => setChanging(false)}>
          <div className="space-y-5">
            <UntilField value={until} onChange={setUntil} />
            <Button tone="primary" onClick={() => setChanging(false)}>
              {t('ui.done')}
            </Button>
          </div>
        </Dialog>
      )}
    </CardItem>
  );
}
