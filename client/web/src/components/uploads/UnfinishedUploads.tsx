import { useUploads } from '../../data/uploads.ts';
import { useI18n } from '../../i18n/I18n.tsx';
import { ActionStatus } from '../../ui/ActionStatus.tsx';
import { Button } from '../../ui/Button.tsx';
import { Notice } from '../../ui/Notice.tsx';

/** Uploads of an earlier visit that are stored and not registered yet. */
export function UnfinishedUploads() {
  const { t, format } = useI18n();
  const { unfinished, finish } = useUploads();
  return (unfinished.data ?? []).map((upload) => (
    <Notice key={`${upload.record}-${upload.version}`} tone="caution" title={t('upload.unfinished.title')}>
      <p>{t('upload.unfinished.text', { when: format.relative(upload.begunAt) })}</p>
      <ActionStatus act={finish} />
      <Button busy={finish.isBusy} onClick={() => finish.start(upload)}>
        {t('upload.unfinished.finish')}
      </Button>
    </Notice>
  ));
}
