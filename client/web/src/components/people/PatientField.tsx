import { ScanLine } from 'lucide-react';
import { lazy, Suspense, useState } from 'react';
import { findAddress } from '../../address.ts';
import type { Address } from 'viem';
import { useI18n } from '../../i18n/I18n.tsx';
import { Button } from '../../ui/Button.tsx';
import { Dialog } from '../../ui/Dialog.tsx';
import { TextField } from '../../ui/Field.tsx';
import { Loading } from '../../ui/Loading.tsx';
import { short } from './person-name.ts';
import { PersonName } from './Person.tsx';

const ScanCode = lazy(async () => ({ default: (await import('./ScanCode.tsx')).ScanCode }));

/** Chooses a patient by address, by invitation link, or by the code on the patient's screen. */
export function PatientField({
  me,
  value,
  onChoose,
}: {
  readonly me: Address;
  readonly value: Address | null;
  readonly onChoose: (patient: Address | null) => void;
}) {
  const { t, failure } = useI18n();
  const [text, setText] = useState('');
  const [scanning, setScanning] = useState(false);
  if (value !== null) {
    return (
      <div className="flex flex-wrap items-center justify-between gap-3 rounded-xl bg-raised p-4">
        <p className="min-w-0">
          <span className="block font-semibold">
            <PersonName address={value} />
          </span>
          <bdi dir="ltr" className="text-sm text-muted">
            {short(value)}
          </bdi>
        </p>
        <Button tone="quiet" onClick={() => onChoose(null)}>
          {t('share.who.change')}
        </Button>
      </div>
    );
  }
  const typed = findAddress(text);
  const error =
    text.trim() === '' || typed !== null ? (typed === me ? t('share.who.self') : undefined) : failure('invalid_address').join(' ');
  const choose = (next: string) => {
    setText(next);
    const found = findAddress(next);
    if (found !== null && found !== me) onChoose(found);
  };
  return (
    <div className="space-y-3">
      <TextField
        label={t('lab.patient')}
        hint={t('lab.patient.hint')}
        error={text.length >= 42 ? error : undefined}
        dir="ltr"
        spellCheck={false}
        autoCapitalize="off"
        value={text}
        onChange={(event) => choose(event.target.value)}
      />
      <Button icon={ScanLine} onClick={() => setScanning(true)}>
        {t('lab.patient.scan')}
      </Button>
      {scanning && (
        <Dialog title={t('lab.patient.scan.title')} onClose={() => setScanning(false)}>
          <Suspense fallback={<Loading />}>
            <ScanCode
              onFound={(code) => {
                setScanning(false);
                choose(code);
              }}
            />
          </Suspense>
        </Dialog>
      )}
    </div>
  );
}
