import { frameLoop, QRCanvas, rearCamera } from 'qr/dom.js';
import { useEffect, useRef, useState } from 'react';
import { findAddress } from '../../address.ts';
import { useI18n } from '../../i18n/I18n.tsx';
import { Notice } from '../../ui/Notice.tsx';

/** Reads a code with the camera. The pictures stay on this device. */
export function ScanCode({ onFound }: { readonly onFound: (text: string) => void }) {
  const { t } = useI18n();
  const video = useRef<HTMLVideoElement>(null);
  const [problem, setProblem] = useState<'denied' | 'wrong' | null>(null);
  const found = useRef(onFound);
  found.current = onFound;

  useEffect(() => {
    const player = video.current;
    if (player === null) return;
    let stop: () => void = () => undefined;
    let gone = false;
    rearCamera(player).then(
      (camera) => {
        const end = () => camera.stop();
        if (gone) {
          end();
          return;
        }
        const canvas = new QRCanvas();
        const cancel = frameLoop(() => {
          camera.readFrame(canvas).then(
            (seen) => {
              const code = Array.isArray(seen) ? seen.find((one) => typeof one === 'string') : seen;
              if (gone || typeof code !== 'string') return;
              if (findAddress(code) === null) setProblem('wrong');
              else found.current(code);
            },
            // A frame that cannot be read (as before the first picture) is skipped; the next one follows.
            () => undefined,
          );
        }, player);
        stop = () => {
          cancel();
          end();
        };
      },
      () => setProblem('denied'),
    );
    return () => {
      gone = true;
      stop();
    };
  }, []);

  return (
    <div className="space-y-4">
      <p className="text-muted">{t('lab.patient.scan.text')}</p>
      {problem && <Notice tone="caution" live title={t(`lab.patient.scan.${problem}`)} />}
      <video ref={video} muted playsInline className="aspect-square w-full rounded-xl bg-raised object-cover" />
    </div>
  );
}
