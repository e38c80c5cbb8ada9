import { paths } from '../paths.ts';
import { useI18n } from '../i18n/I18n.tsx';
import { ButtonLink } from '../ui/Button.tsx';
import { Page } from '../ui/Page.tsx';

/** The page for an address that does not exist. */
export function NotFoundPage() {
  const { t } = useI18n();
  return (
    <Page title={t('app.notFound.title')} intro={t('app.notFound.text')}>
      <ButtonLink tone="primary" to={paths.home}>
        {t('app.notFound.home')}
      </ButtonLink>
    </Page>
  );
}
