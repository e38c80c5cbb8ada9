import { ClipboardList, MessageCircleQuestion } from 'lucide-react';
import { Link } from 'react-router';
import { paths } from '../../paths.ts';
import { useGrants } from '../../data/grants.ts';
import { useRequests } from '../../data/requests.ts';
import type { Me } from '../../types/session.ts';
import { useI18n } from '../../i18n/I18n.tsx';
import { Badge } from '../../ui/Badge.tsx';
import { ButtonLink } from '../../ui/Button.tsx';
import { CardList, Section } from '../../ui/Card.tsx';
import { Empty } from '../../ui/Empty.tsx';
import { Page } from '../../ui/Page.tsx';
import { Resource } from '../../ui/Resource.tsx';
import { Strangers } from '../../components/inbox/Strangers.tsx';
import { short } from '../../components/people/person-name.ts';
import { PersonName } from '../../components/people/Person.tsx';
import { AnsweredRequest } from '../../components/requests/AnsweredRequest.tsx';
import { patientsOf, type Patient } from '../../components/grants/received.ts';

/** The patients who gave me permissions, and the state of my requests. */
export function PatientsPage({ me }: { readonly me: Me }) {
  const { t } = useI18n();
  const grants = useGrants('received');
  const requests = useRequests();
  const ask = (
    <ButtonLink tone="primary" icon={MessageCircleQuestion} to={paths.ask}>
      {t('doctor.ask')}
    </ButtonLink>
  );
  return (
    <Page title={t('doctor.title')} intro={t('doctor.intro')} actions={ask}>
      <Strangers linked />
      <Resource of={grants}>
        {(all) => {
          // Strangers are listed above, until they are accepted.
          const patients = patientsOf(all.filter((grant) => !grant.isFromStranger));
          return patients.length === 0 ? (
            <Empty icon={ClipboardList} title={t('doctor.empty.title')}>
              {t('doctor.empty.text')}
            </Empty>
          ) : (
            <CardList label={t('doctor.title')}>
              {patients.map((patient) => (
                <Line key={patient.address} patient={patient} />
              ))}
            </CardList>
          );
        }}
      </Resource>
      <Section title={t('doctor.requests')}>
        <Resource of={requests}>
          {(all) => {
            const mine = all.filter((request) => request.requester === me.address);
            return mine.length === 0 ? (
              <p className="text-muted">{t('doctor.requests.none')}</p>
            ) : (
              <CardList label={t('doctor.requests')}>
                {mine.map((request) => (
                  <AnsweredRequest key={request.id} request={request} person={request.patient} />
                ))}
              </CardList>
            );
          }}
        </Resource>
      </Section>
    </Page>
  );
}

function Line({ patient }: { readonly patient: Patient }) {
  const { t, format } = useI18n();
  return (
    <li className="rounded-2xl border border-line bg-surface hover:border-control">
      <Link
        to={paths.patient(patient.address)}
        className="flex flex-wrap items-center justify-between gap-x-4 gap-y-2 rounded-2xl p-4 sm:p-5"
      >
        <span className="min-w-0">
          <span className="block text-lg font-semibold">
            <PersonName address={patient.address} />
          </span>
          <span className="text-sm text-muted">
            <bdi dir="ltr">{short(patient.address)}</bdi> · {t('doctor.until', { date: format.day(patient.until) })}
          </span>
        </span>
        <span className="flex flex-wrap gap-2">
          {patient.reads.length > 0 && <Badge tone="accent">{t('records.count', { count: patient.reads.length })}</Badge>}
          {patient.writes.length > 0 && <Badge>{t('doctor.add')}</Badge>}
        </span>
      </Link>
    </li>
  );
}
