import { UploadCloud } from 'lucide-react';
import { useRef, useState } from 'react';
import { useI18n } from '../../i18n/I18n.tsx';
import { Button } from '../../ui/Button.tsx';
import { classes } from '../../ui/classes.ts';

/** Takes files by drag and drop or through the browser's file dialog. */
export function FileDrop({
  hint,
  multiple = true,
  onFiles,
}: {
  readonly hint?: string;
  readonly multiple?: boolean;
  readonly onFiles: (files: readonly File[]) => void;
}) {
  const { t } = useI18n();
  const input = useRef<HTMLInputElement>(null);
  const [over, setOver] = useState(false);
  return (
    <div
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        setOver(false);
        const files = [...event.dataTransfer.files];
        onFiles(multiple ? files : files.slice(0, 1));
      }}
      className={classes(
        'flex flex-col items-center gap-3 rounded-2xl border-2 border-dashed px-4 py-8 text-center',
        over ? 'border-accent bg-accent-soft' : 'border-control',
      )}
    >
      <UploadCloud aria-hidden size={32} className="text-accent" />
      <p className="font-medium">{t('records.drop')}</p>
      {hint && <p className="text-sm text-muted">{hint}</p>}
      <input
        ref={input}
        type="file"
        multiple={multiple}
        className="sr-only"
        tabIndex={-1}
        aria-hidden
        data-testid="files"
        onChange={(event) => {
          onFiles([...(event.target.files ?? [])]);
          // Lets the same file be chosen again after it was removed from the list.
          event.target.value = '';
        }}
      />
      <Button onClick={() => input.current?.click()}>{t('records.choose')}</Button>
    </div>
  );
}
