import { CircleCheck, RotateCcw, X } from 'lucide-react';
import { useEffect, useRef } from 'react';
import { Link } from 'react-router';
import { paths } from '../../paths.ts';
import { useSession } from '../../data/session.ts';
import { useUploads } from '../../data/uploads.ts';
import type { UploadItem, UploadState, Uploads } from '../../types/uploads.ts';
import { useI18n } from '../../i18n/I18n.tsx';
import { Button, IconButton } from '../../ui/Button.tsx';
import { FailureNotice } from '../../ui/FailureNotice.tsx';
import { useAnnounce } from '../../ui/Live.tsx';
import { Progress } from '../../ui/Progress.tsx';
import { Section } from '../../ui/Card.tsx';
import { PersonName } from '../people/Person.tsx';

const IS_OVER: ReadonlySet<UploadState> = new Set(['done', 'failed', 'cancelled']);

/** The files that are being added: progress, cancel, retry. The queue stays when the page changes. Shows nothing if it is empty. */
export function UploadQueue({ title }: { readonly title?: string }) {
  const { t } = useI18n();
  const uploads = useUploads();
  useAnnouncedUploads(uploads.items);
  if (uploads.items.length === 0) return null;
  const isAnyOver = uploads.items.some((item) => IS_OVER.has(item.state));
  return (
    <Section
      title={title ?? t('upload.queue')}
      actions={
        isAnyOver && (
          <Button tone="quiet" onClick={uploads.clearFinished}>
            {t('upload.clear')}
          </Button>
        )
      }
    >
      <ul className="space-y-3">
        {uploads.items.map((item) => (
          <Line key={item.id} item={item} uploads={uploads} />
        ))}
      </ul>
    </Section>
  );
}

function Line({ item, uploads }: { readonly item: UploadItem; readonly uploads: Uploads }) {
  const { t, format } = useI18n();
  const { me } = useSession();
  const isForSomebody = item.patient !== null && item.patient !== me?.address;
  return (
    <li className="space-y-2 rounded-2xl border border-line bg-surface p-4">
      <div className="flex items-center justify-between gap-3">
        <p className="min-w-0">
          <bdi className="font-medium">{item.fileName}</bdi> <span className="text-sm text-muted">{format.size(item.size)}</span>
          {isForSomebody && (
            <span className="block text-sm text-muted">
              <PersonName address={item.patient} />
            </span>
          )}
        </p>
        <div className="flex shrink-0 items-center">
          {item.state === 'done' && item.record && item.target.kind === 'record' && (
            <Link to={paths.record(item.record)} className="inline-flex min-h-11 items-center px-2 font-medium text-accent underline">
              {t('upload.open')}
            </Link>
          )}
          {(item.state === 'failed' || item.state === 'cancelled') && (
            <IconButton icon={RotateCcw} label={t('upload.retry', { file: item.fileName })} onClick={() => uploads.retry(item.id)} />
          )}
          {IS_OVER.has(item.state) ? (
            <IconButton icon={X} label={`${t('ui.remove')}: ${item.fileName}`} onClick={() => uploads.remove(item.id)} />
          ) : (
            <IconButton icon={X} label={t('upload.cancel', { file: item.fileName })} onClick={() => uploads.cancel(item.id)} />
          )}
        </div>
      </div>
      {item.state === 'done' ? (
        <p className="flex items-center gap-2 text-sm text-good">
          <CircleCheck aria-hidden size={18} />
          {t('upload.state.done')}
        </p>
      ) : IS_OVER.has(item.state) ? (
        <>
          <p className="text-sm text-muted">{t(`upload.state.${item.state}`)}</p>
          <FailureNotice failure={item.error} />
        </>
      ) : (
        <Progress
          label={t(`upload.state.${item.state}`)}
          fraction={item.state === 'hashing' || item.state === 'sending' ? item.progress : item.state === 'waiting' ? 0 : undefined}
        />
      )}
    </li>
  );
}

/** Announces to screen readers when a file was added, or could not be added. */
function useAnnouncedUploads(items: readonly UploadItem[]): void {
  const { t } = useI18n();
  const announce = useAnnounce();
  const known = useRef(new Map<string, UploadState>());
  useEffect(() => {
    for (const item of items) {
      const before = known.current.get(item.id);
      known.current.set(item.id, item.state);
      if (before === undefined || before === item.state) continue;
      if (item.state === 'done') announce(t('upload.announce.done', { file: item.fileName }));
      if (item.state === 'failed') announce(t('upload.announce.failed', { file: item.fileName }));
    }
  }, [announce, items, t]);
}
