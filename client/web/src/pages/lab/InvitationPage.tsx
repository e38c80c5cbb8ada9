import { MessageCircleQuestion, Send, Share2 } from 'lucide-react';
import { useParams } from 'react-router';
import { isPractitioner } from '../../types/session.ts';
import { findAddress } from '../../address.ts';
import { paths } from '../../paths.ts';
import type { Me } from '../../types/session.ts';
import { useI18n } from '../../i18n/I18n.tsx';
import { ButtonLink } from '../../ui/Button.tsx';
import { Card } from '../../ui/Card.tsx';
import { Code } from '../../ui/Details.tsx';
import { Page } from '../../ui/Page.tsx';
import { NotFoundPage } from '../../components/NotFoundPage.tsx';
import { usePersonName } from '../../components/people/person-name.ts';

/** The page that an invitation link opens. It offers the possible actions for the address in the link. */
export function InvitationPage({ me }: { readonly me: Me }) {
  const { address } = useParams();
  const person = findAddress(address ?? '');
  return person === null ? <NotFoundPage /> : <Invitation me={me} person={person} />;
}

function Invitation({ me, person }: { readonly me: Me; readonly person: NonNullable<ReturnType<typeof findAddress>> }) {
  const { t } = useI18n();
  const name = usePersonName(person);
  return (
    <Page title={name}>
      <Card className="space-y-5">
        <Code value={person} />
        <div className="flex flex-wrap gap-3">
          {isPractitioner(me) && (
            <>
              <ButtonLink tone="primary" icon={Send} to={`${paths.lab}?patient=${person}`}>
                {t('nav.lab')}
              </ButtonLink>
              <ButtonLink icon={MessageCircleQuestion} to={paths.askPatient(person)}>
                {t('doctor.ask')}
              </ButtonLink>
            </>
          )}
          <ButtonLink icon={Share2} to={paths.grantTo(person)}>
            {t('nav.share')}
          </ButtonLink>
        </div>
      </Card>
    </Page>
  );
}
