import type { Author } from '../../types/records.ts';
import { useI18n } from '../../i18n/I18n.tsx';
import { Notice } from '../../ui/Notice.tsx';
import { usePersonName } from '../../components/people/person-name.ts';

/** States who signed a document, and that it is the registered one. Shown after every check passed. */
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

/** Warns about a forged signature. The document can still be opened, because its content may be needed. No author is named. */
export function ForgedAuthor() {
  const { failure } = useI18n();
  const [what, next] = failure('wrong_author');
  return (
    <Notice tone="danger" live title={what}>
      {next}
    </Notice>
  );
}
