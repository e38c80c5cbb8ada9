import { FolderHeart, MessageCircleQuestion, NotebookPen, Send } from 'lucide-react';
import { useState } from 'react';
import { useParams } from 'react-router';
import { findAddress } from '../../address.ts';
import { paths } from '../../paths.ts';
import { useAddressBook } from '../../data/address-book.ts';
import { useGrants } from '../../data/grants.ts';
import { useRecords } from '../../data/records.ts';
import type { Address } from 'viem';
import type { GrantItem } from '../../types/grants.ts';
import { useI18n } from '../../i18n/I18n.tsx';
import { ActionStatus } from '../../ui/ActionStatus.tsx';
import { Button, ButtonLink } from '../../ui/Button.tsx';
import { Card, Section } from '../../ui/Card.tsx';
import { Code, Fact, Facts } from '../../ui/Details.tsx';
import { Empty } from '../../ui/Empty.tsx';
import { TextField } from '../../ui/Field.tsx';
import { Notice } from '../../ui/Notice.tsx';
import { Page } from '../../ui/Page.tsx';
import { Resource } from '../../ui/Resource.tsx';
import { NotFoundPage } from '../../components/NotFoundPage.tsx';
import { usePersonName } from '../../components/people/person-name.ts';
import { RecordLine } from '../../components/records/RecordLine.tsx';
import { UploadQueue } from '../../components/uploads/UploadQueue.tsx';
import { patientsOf, writableCategories } from '../../components/grants/received.ts';

/** One patient: the records that I may open, the categories to which I may add, and my private name for the patient. */
export function PatientPage() {
  const { patient } = useParams();
  const address = findAddress(patient ?? '');
  return address === null ? <NotFoundPage /> : <Known patient={address} />;
}

function Known({ patient }: { readonly patient: Address }) {
  const { t } = useI18n();
  const name = usePersonName(patient);
  const grants = useGrants('received');
  const known = patientsOf(grants.data ?? []).find((entry) => entry.address === patient);
  const writes = known?.writes ?? [];
  return (
    <Page
      title={name}
      back={{ to: paths.patients, label: t('doctor.title') }}
      actions={
        <>
          {writes.length > 0 && (
            <>
              <ButtonLink tone="primary" icon={NotebookPen} to={paths.note(patient)}>
                {t('doctor.add')}
              </ButtonLink>
              <ButtonLink icon={Send} to={`${paths.lab}?patient=${patient}`}>
                {t('nav.lab')}
              </ButtonLink>
            </>
          )}
          <ButtonLink icon={MessageCircleQuestion} to={paths.askPatient(patient)}>
            {t('doctor.ask')}
          </ButtonLink>
        </>
      }
    >
      {writes.length > 0 && <MayAdd writes={writes} />}
      <UploadQueue />
      <Section title={t('doctor.records')}>
        <ReceivedRecords patient={patient} />
      </Section>
      <PrivateName patient={patient} />
    </Page>
  );
}

function MayAdd({ writes }: { readonly writes: readonly GrantItem[] }) {
  const { t, format } = useI18n();
  const categories = format.list(writableCategories(writes).map((category) => t(`category.${category}`)));
  const date = format.day(Math.max(...writes.map((grant) => grant.notAfter)));
  return (
    <Notice tone="good" title={t('doctor.mayAdd', { date })}>
      <p>{t('doctor.mayAdd.categories', { categories })}</p>
    </Notice>
  );
}

function ReceivedRecords({ patient }: { readonly patient: Address }) {
  const { t } = useI18n();
  const records = useRecords({ patient });
  return (
    <Resource of={records}>
      {(all) =>
        all.length === 0 ? (
          <Empty
            icon={FolderHeart}
            title={t('doctor.records.none')}
            action={<ButtonLink to={paths.askPatient(patient)}>{t('doctor.ask')}</ButtonLink>}
          >
            {t('doctor.empty.text')}
          </Empty>
        ) : (
          <ul className="space-y-3">
            {all.map((record) => (
              <RecordLine key={record.id} record={record} to={paths.patientRecord(patient, record.id)} />
            ))}
          </ul>
        )
      }
    </Resource>
  );
}

function PrivateName({ patient }: { readonly patient: Address }) {
  const { t } = useI18n();
  const { contacts, put } = useAddressBook();
  const kept = contacts.data?.find((contact) => contact.address === patient)?.name ?? '';
  const [name, setName] = useState<string | null>(null);
  return (
    <Card>
      <form
        className="space-y-4"
        onSubmit={(event) => {
          event.preventDefault();
          const wanted = (name ?? kept).trim();
          if (wanted !== '') put.start({ address: patient, name: wanted });
        }}
      >
        <TextField
          label={t('doctor.name')}
          hint={t('doctor.name.hint')}
          value={name ?? kept}
          maxLength={60}
          onChange={(event) => setName(event.target.value)}
        />
        <ActionStatus act={put} />
        <Button type="submit" busy={put.isBusy}>
          {t('doctor.name.save')}
        </Button>
      </form>
      <div className="mt-4">
        <Facts>
          <Fact name={t('accredit.address')}>
            <Code value={patient} />
          </Fact>
        </Facts>
      </div>
    </Card>
  );
}
