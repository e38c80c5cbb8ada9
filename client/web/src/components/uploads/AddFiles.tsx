import { X } from 'lucide-react';
import { useState } from 'react';
import { useUploads } from '../../data/uploads.ts';
import type { Address } from 'viem';
import { CATEGORIES, type Category } from '../../protocol/codes.ts';
import type { UploadTarget } from '../../types/uploads.ts';
import { useI18n } from '../../i18n/I18n.tsx';
import { Button, IconButton } from '../../ui/Button.tsx';
import { Select } from '../../ui/Field.tsx';
import { UploadSentence } from './UploadSentence.tsx';
import { FileDrop } from './FileDrop.tsx';

/** Chooses files and their category, and adds them to the queue. For a practitioner, `categories` are those that the patient allowed. */
export function AddFiles({
  patient,
  categories = CATEGORIES.all,
  initial = 'unspecified',
  startLabel,
  onAdded,
}: {
  readonly patient: Address;
  readonly categories?: readonly Category[];
  readonly initial?: Category;
  readonly startLabel?: (count: number) => string;
  readonly onAdded: () => void;
}) {
  const { t } = useI18n();
  const [files, setFiles] = useState<readonly File[]>([]);
  const [wished, setCategory] = useState<Category>(initial);
  const uploads = useUploads();
  const category = categories.includes(wished) ? wished : (categories[0] ?? 'unspecified');
  const start = () => {
    const target: UploadTarget = { kind: 'record', patient, category };
    uploads.add(files.map((file) => ({ content: file, fileName: file.name, target })));
    setFiles([]);
    onAdded();
  };
  return (
    <div className="space-y-5">
      <FileDrop onFiles={(more) => setFiles([...files, ...more])} />
      <ChosenFiles files={files} onRemove={(gone) => setFiles(files.filter((file) => file !== gone))} />
      <Select
        label={t('upload.category')}
        hint={t('upload.category.hint')}
        options={categories.map((name) => [name, t(`category.${name}`)] as const)}
        value={category}
        onChoose={setCategory}
      />
      <UploadSentence patient={patient} category={category} />
      <Button tone="primary" disabled={files.length === 0} onClick={start} className="w-full">
        {startLabel?.(files.length) ?? t('upload.start', { count: Math.max(1, files.length) })}
      </Button>
    </div>
  );
}

function ChosenFiles({ files, onRemove }: { readonly files: readonly File[]; readonly onRemove: (file: File) => void }) {
  const { t, format } = useI18n();
  if (files.length === 0) return null;
  return (
    <ul className="space-y-1">
      {files.map((file, index) => (
        <li key={`${file.name}-${index}`} className="flex items-center justify-between gap-3 rounded-lg bg-raised ps-4">
          <span className="min-w-0">
            <bdi className="font-medium">{file.name}</bdi> <span className="text-sm text-muted">{format.size(file.size)}</span>
          </span>
          <IconButton icon={X} label={`${t('ui.remove')}: ${file.name}`} onClick={() => onRemove(file)} />
        </li>
      ))}
    </ul>
  );
}
