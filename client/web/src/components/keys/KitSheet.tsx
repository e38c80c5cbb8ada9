import { Download, Printer } from 'lucide-react';
import type { Kit } from '../../types/set-up.ts';
import { useI18n } from '../../i18n/I18n.tsx';
import { Button } from '../../ui/Button.tsx';
import { Fact, Facts } from '../../ui/Details.tsx';
import { Notice } from '../../ui/Notice.tsx';
import { saveBlob } from '../../ui/save-blob.ts';

/** The recovery kit as a sheet of paper. It is printed alone, without the page around it. */
export function KitSheet({ kit }: { readonly kit: Kit }) {
  const { t } = useI18n();
  return (
    <div className="space-y-5">
      <Notice tone="caution">{t('setup.kit.warning')}</Notice>
      <div className="print-alone space-y-4 rounded-xl border border-control p-3 sm:p-5">
        <p className="text-lg font-semibold">{t('setup.kit.heading')}</p>
        <ol
          aria-label={t('setup.kit.words')}
          dir="ltr"
          translate="no"
          className="grid grid-cols-2 gap-x-2 gap-y-2 font-mono text-sm whitespace-nowrap sm:grid-cols-3 sm:text-base"
        >
          {kit.words.map((word, index) => (
            <li key={index} className="flex gap-2">
              <span aria-hidden className="w-6 text-end text-muted">
                {index + 1}
              </span>
              <span className="font-semibold">{word}</span>
            </li>
          ))}
        </ol>
        <Facts>
          <Fact name={t('setup.kit.owner')}>
            <code dir="ltr" className="font-mono text-sm break-all">
              {kit.owner}
            </code>
          </Fact>
          <Fact name={t('setup.kit.chain')}>{String(kit.chainId)}</Fact>
        </Facts>
      </div>
      <div className="flex flex-wrap gap-3">
        <Button icon={Printer} onClick={() => print()}>
          {t('setup.kit.print')}
        </Button>
        <Button icon={Download} onClick={() => saveBlob(new Blob([kit.text], { type: 'text/plain' }), 'medlock-recovery-kit.txt')}>
          {t('setup.kit.download')}
        </Button>
      </div>
    </div>
  );
}
