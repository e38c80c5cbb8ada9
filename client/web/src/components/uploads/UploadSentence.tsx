import { useSession } from '../../data/session.ts';
import type { Address } from 'viem';
import type { Category } from '../../protocol/codes.ts';
import { useI18n } from '../../i18n/I18n.tsx';
import { SignSentence } from '../../ui/SignSentence.tsx';
import { SentenceText } from '../people/SentenceText.tsx';

/** The sentence for the signatures of an upload: they register the record and state who added it. */
export function UploadSentence({ patient, category }: { readonly patient: Address; readonly category: Category }) {
  const { me } = useSession();
  const own = me?.address === patient;
  const { t } = useI18n();
  return (
    <SignSentence>
      <SentenceText sentence={{ key: 'sign.add_record', values: { category, patient, own } }} />{' '}
      <SentenceText sentence={{ key: 'sign.author', values: {} }} /> {t('upload.eachFile')}
    </SignSentence>
  );
}
