import type { Author } from '../../types/records.ts';
import { useI18n } from '../../i18n/I18n.tsx';
import { Notice } from '../../ui/Notice.tsx';
import { usePersonName } from '../../components/people/person-name.ts';

/** Who signed a document, and that it is the one that was registered: said once all of it was checked. */
export function AuthorSentence({ author }: { readonly author: Author }) {
  const { t } = useI18n();
  const called = usePersonName(author.address);
  const name = author.name ?? called;
  return (
    <>
      <span className="block">
        {author.signed ? t('record.author.signed', { name }) : t(author.forged ? 'record.author.forged' : 'record.author.unsigned')}
      </span>
      <span className="block">{t('record.verified')}</span>
    </>
  );
}

/** The document opens all the same: what it says may still be needed. Nobody is named as its author. */
export function ForgedAuthor() {
  const { failure } = useI18n();
  const [what, next] = failure('wrong_author');
  return (
    <Notice tone="danger" live title={what}>
      {next}
    </Notice>
  );
}
