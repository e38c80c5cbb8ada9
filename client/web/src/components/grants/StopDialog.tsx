import { useActivity } from '../../data/activity.ts';
import { useRevoke, useRevokeEveryone } from '../../data/grants.ts';
import type { Address } from 'viem';
import type { Ending, GrantItem, SentGrantItem } from '../../types/grants.ts';
import { useI18n } from '../../i18n/I18n.tsx';
import { ActionStatus } from '../../ui/ActionStatus.tsx';
import { Button } from '../../ui/Button.tsx';
import { Dialog } from '../../ui/Dialog.tsx';
import { useAnnounce } from '../../ui/Live.tsx';
import { SignSentence } from '../../ui/SignSentence.tsx';
import { usePersonName } from '../people/person-name.ts';
import { SentenceText } from '../people/SentenceText.tsx';
import { NotEnded } from './NotEnded.tsx';

/** The confirmation before permissions are ended: the sentence to sign, and the records that the other person may have copied. */
export function StopDialog({
  grantee,
  grants,
  onClose,
}: {
  readonly grantee: Address | null;
  readonly grants: readonly GrantItem[];
  readonly onClose: () => void;
}) {
  const { t } = useI18n();
  const announce = useAnnounce();
  const name = usePersonName(grantee);
  const revoke = useRevoke();
  const activity = useActivity();
  const tags = new Set(grants.map((grant) => grant.tag));
  const opened = activity.data?.filter((entry) => tags.has(entry.tag)).length;
  const ending: Ending = { kind: 'grants', grants: grants.map((grant) => grant.id), confirm: 'page' };
  const stop = () => {
    revoke.run(ending).then(
      ({ notEnded }) => {
        if (notEnded.length > 0) return;
        announce(t('access.stop.done', { name }));
        onClose();
      },
      () => undefined,
    );
  };
  return (
    <Dialog title={t('access.stop.title', { name })} onClose={onClose} locked={revoke.isBusy}>
      <div className="space-y-5">
        <SignSentence>
          <SentenceText sentence={{ key: 'sign.revoke', values: { grants: grants.length, grantee } }} />
        </SignSentence>
        {opened !== undefined && (
          <p className="text-muted">
            {opened === 0
              ? t('access.stop.opened.never')
              : `${t('access.stop.opened', { count: opened })} ${t('access.stop.kept', { name })}`}
          </p>
        )}
        <StopActions revoke={revoke} onStop={stop} onClose={onClose} />
      </div>
    </Dialog>
  );
}

/** Ends a permission that was signed and is not on the chain yet, before it begins. */
export function StopSentDialog({ sent, onClose }: { readonly sent: SentGrantItem; readonly onClose: () => void }) {
  const { t } = useI18n();
  const announce = useAnnounce();
  const name = usePersonName(sent.grantee);
  const revoke = useRevoke();
  const stop = () => {
    revoke.run({ kind: 'grants', grants: sent.grants, confirm: 'page' }).then(
      ({ notEnded }) => {
        if (notEnded.length > 0) return;
        announce(t('access.stop.done', { name }));
        onClose();
      },
      () => undefined,
    );
  };
  return (
    <Dialog title={t('access.stop.title', { name })} onClose={onClose} locked={revoke.isBusy}>
      <div className="space-y-5">
        <SignSentence>
          <SentenceText sentence={{ key: 'sign.revoke', values: { grants: sent.grants.length, grantee: sent.grantee } }} />
        </SignSentence>
        <StopActions revoke={revoke} onStop={stop} onClose={onClose} />
      </div>
    </Dialog>
  );
}

/** Ends the permissions of everybody at once. */
export function StopEveryoneDialog({ onClose }: { readonly onClose: () => void }) {
  const { t } = useI18n();
  const announce = useAnnounce();
  const revoke = useRevokeEveryone();
  const stop = () => {
    revoke.run({ confirm: 'page' }).then(
      () => {
        announce(t('access.stopAll.done'));
        onClose();
      },
      () => undefined,
    );
  };
  return (
    <Dialog title={t('access.stopAll.title')} onClose={onClose} locked={revoke.isBusy}>
      <div className="space-y-5">
        <SignSentence>
          <SentenceText sentence={{ key: 'sign.revoke_all', values: {} }} />
        </SignSentence>
        <p className="text-muted">{t('access.limit')}</p>
        <ActionStatus act={revoke} onRetry={stop} />
        <div className="flex flex-wrap justify-end gap-3">
          <Button onClick={onClose} disabled={revoke.isBusy}>
            {t('ui.cancel')}
          </Button>
          <Button tone="danger" busy={revoke.isBusy} onClick={stop} data-first>
            {t('access.stopAll.confirm')}
          </Button>
        </div>
      </div>
    </Dialog>
  );
}

/** The end of both dialogs: the state of the revocation, the grants that were not ended, and the two buttons. */
function StopActions({
  revoke,
  onStop,
  onClose,
}: {
  readonly revoke: ReturnType<typeof useRevoke>;
  readonly onStop: () => void;
  readonly onClose: () => void;
}) {
  const { t } = useI18n();
  return (
    <>
      <ActionStatus act={revoke} onRetry={onStop} />
      {revoke.data && <NotEnded notEnded={revoke.data.notEnded} />}
      <div className="flex flex-wrap justify-end gap-3">
        <Button onClick={onClose} disabled={revoke.isBusy}>
          {t('ui.cancel')}
        </Button>
        <Button tone="danger" busy={revoke.isBusy} onClick={onStop} data-first>
          {t('access.stop.confirm')}
        </Button>
      </div>
    </>
  );
}
