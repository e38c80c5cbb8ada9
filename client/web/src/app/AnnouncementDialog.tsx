import { useAnnouncement } from '../data/announcement.ts';
import type { Announcement } from '../types/signing.ts';
import { useI18n } from '../i18n/I18n.tsx';
import { SentenceText } from '../components/people/SentenceText.tsx';
import { Button } from '../ui/Button.tsx';
import { Dialog } from '../ui/Dialog.tsx';
import { SignSentence } from '../ui/SignSentence.tsx';
import { Spinner } from '../ui/Spinner.tsx';

/** Shows what a signature allows before the wallet's window opens, and keeps it on screen while the window is open. */
export function AnnouncementDialog() {
  const { current, confirm, cancel } = useAnnouncement();
  return current && <Shown announcement={current} confirm={confirm} cancel={cancel} />;
}

function Shown({
  announcement,
  confirm,
  cancel,
}: {
  readonly announcement: Announcement;
  readonly confirm: () => void;
  readonly cancel: () => void;
}) {
  const { t } = useI18n();
  const asks = announcement.stage === 'confirm';
  return (
    <Dialog title={asks ? t('sign.title') : t('sign.inWallet')} onClose={cancel} locked={!asks}>
      <div className="space-y-5">
        <SignSentence>
          <SentenceText sentence={announcement.sentence} />
        </SignSentence>
        {announcement.parts > 1 && (
          <p className="text-sm text-muted">{t('sign.part', { part: announcement.part, parts: announcement.parts })}</p>
        )}
        {asks ? (
          <div className="flex flex-wrap justify-end gap-3">
            <Button onClick={cancel}>{t('ui.cancel')}</Button>
            <Button tone="primary" onClick={confirm} data-first>
              {t('sign.continue')}
            </Button>
          </div>
        ) : (
          <>
            <p role="status" className="flex items-center gap-3 text-muted">
              <Spinner />
              {t('sign.inWallet.text')}
            </p>
            {/* On the other side than the button before it, so that a second click does not hit it. */}
            <Button onClick={cancel}>{t('ui.cancel')}</Button>
          </>
        )}
      </div>
    </Dialog>
  );
}
