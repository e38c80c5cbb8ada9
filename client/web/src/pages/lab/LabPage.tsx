import { Send } from 'lucide-react';
import { useState } from 'react';
import { useSearchParams } from 'react-router';
import { findAddress } from '../../address.ts';
import { paths } from '../../paths.ts';
import { useGrants } from '../../data/grants.ts';
import { useRecords } from '../../data/records.ts';
import type { Address } from 'viem';
import type { RecordItem } from '../../types/records.ts';
import type { Me } from '../../types/session.ts';
import { useI18n } from '../../i18n/I18n.tsx';
import { Button, ButtonLink } from '../../ui/Button.tsx';
import { Card, CardItem, CardList, Section } from '../../ui/Card.tsx';
import { Empty } from '../../ui/Empty.tsx';
import { Moment } from '../../ui/Moment.tsx';
import { Notice } from '../../ui/Notice.tsx';
import { Page } from '../../ui/Page.tsx';
import { Resource } from '../../ui/Resource.tsx';
import { patientsOf, useWritable } from '../../components/grants/received.ts';
import { usePersonName } from '../../components/people/person-name.ts';
import { PatientField } from '../../components/people/PatientField.tsx';
import { Strangers } from '../../components/inbox/Strangers.tsx';
import { PersonName } from '../../components/people/Person.tsx';
import { AddFiles } from '../../components/uploads/AddFiles.tsx';
import { UnfinishedUploads } from '../../components/uploads/UnfinishedUploads.tsx';
import { UploadQueue } from '../../components/uploads/UploadQueue.tsx';

/** Sends reports to patients who allowed it, and lists the reports that were sent. */
export function LabPage({ me }: { readonly me: Me }) {
  const { t } = useI18n();
  const [search, setSearch] = useSearchParams();
  const patient = findAddress(search.get('patient') ?? '');
  const choose = (next: Address | null) => setSearch(next === null ? {} : { patient: next }, { replace: true });
  return (
    <Page title={t('lab.title')} intro={t('lab.intro')}>
      <UnfinishedUploads />
      <Strangers />
      <Card className="space-y-5">
        <PatientField me={me.address} value={patient} onChoose={choose} />
        {patient === null ? <KnownPatients onChoose={choose} /> : <Reports patient={patient} />}
      </Card>
      <UploadQueue title={t('lab.queue')} />
      <Section title={t('lab.sent')}>
        <Sent me={me.address} />
      </Section>
    </Page>
  );
}

function KnownPatients({ onChoose }: { readonly onChoose: (patient: Address) => void }) {
  const { t } = useI18n();
  const { data } = useGrants('received');
  const patients = patientsOf(data ?? []).filter((patient) => patient.writes.length > 0);
  if (patients.length === 0) return null;
  return (
    <div className="space-y-2">
      <h2 className="font-medium">{t('lab.patient.known')}</h2>
      <ul className="flex flex-wrap gap-2">
        {patients.map((patient) => (
          <li key={patient.address}>
            <Button onClick={() => onChoose(patient.address)}>
              <PersonName address={patient.address} />
            </Button>
          </li>
        ))}
      </ul>
    </div>
  );
}

function Reports({ patient }: { readonly patient: Address }) {
  const { t } = useI18n();
  const writable = useWritable(patient);
  if (writable === null) return null;
  if (writable.length === 0) {
    return (
      <Notice tone="caution" title={t('lab.patient.mayNot')}>
        <ButtonLink className="mt-2" to={paths.askPatient(patient)}>
          {t('doctor.ask')}
        </ButtonLink>
      </Notice>
    );
  }
  return (
    <AddFiles
      patient={patient}
      categories={writable}
      initial="laboratory"
      startLabel={(count) => t('lab.send', { count: Math.max(1, count) })}
      onAdded={() => undefined}
    />
  );
}

function Sent({ me }: { readonly me: Address }) {
  const { t } = useI18n();
  const records = useRecords();
  const [shown, setShown] = useState(20);
  return (
    <Resource of={records}>
      {(all) => {
        const sent = all.filter((record) => record.isUploader && record.patient !== me).sort((a, b) => b.created - a.created);
        return sent.length === 0 ? (
          <Empty icon={Send} title={t('lab.sent.empty.title')}>
            {t('lab.sent.empty.text')}
          </Empty>
        ) : (
          <div className="space-y-3">
            <CardList label={t('lab.sent')}>
              {sent.slice(0, shown).map((record) => (
                <SentLine key={record.id} record={record} />
              ))}
            </CardList>
            {sent.length > shown && <Button onClick={() => setShown(shown + 20)}>{t('ui.more')}</Button>}
          </div>
        );
      }}
    </Resource>
  );
}

function SentLine({ record }: { readonly record: RecordItem }) {
  const { t } = useI18n();
  const patient = usePersonName(record.patient);
  return (
    <CardItem className="flex flex-wrap items-center justify-between gap-x-4 gap-y-2">
      <p className="min-w-0">
        <span className="font-medium">{t('lab.sent.to', { patient })}</span>
        <span className="block text-sm text-muted">
          {t(`category.${record.category}`)} · <Moment seconds={record.created} />
        </span>
      </p>
      <ButtonLink to={paths.patientRecord(record.patient, record.id)}>{t('record.open')}</ButtonLink>
    </CardItem>
  );
}
