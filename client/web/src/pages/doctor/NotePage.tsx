import { useState } from 'react';
import { useNavigate, useParams } from 'react-router';
import { findAddress } from '../../address.ts';
import { paths } from '../../paths.ts';
import { useDraft } from '../../data/draft.ts';
import { useName } from '../../data/directory.ts';
import { useUploads } from '../../data/uploads.ts';
import type { Address } from 'viem';
import type { Category } from '../../protocol/codes.ts';
import type { Me } from '../../types/session.ts';
import { useI18n } from '../../i18n/I18n.tsx';
import { Button, ButtonLink } from '../../ui/Button.tsx';
import { Card, Section } from '../../ui/Card.tsx';
import { Choice, Select, TextArea, TextField } from '../../ui/Field.tsx';
import { Loading } from '../../ui/Loading.tsx';
import { Notice } from '../../ui/Notice.tsx';
import { Page } from '../../ui/Page.tsx';
import { FhirReport } from '../../viewer/fhir/FhirReport.tsx';
import { NotFoundPage } from '../../components/NotFoundPage.tsx';
import { usePersonName } from '../../components/people/person-name.ts';
import { endOfDayText } from '../../components/UntilField.tsx';
import { UploadSentence } from '../../components/uploads/UploadSentence.tsx';
import { noteDocument, type Note } from './note-document.ts';
import { useWritable } from '../../components/grants/received.ts';

const EMPTY: Note = {
  kind: 'diagnosis',
  title: '',
  code: '',
  certainty: 'confirmed',
  severity: 'none',
  since: '',
  text: '',
  medication: '',
  dosage: '',
  followUp: '',
};

/** The suitable categories for a note, best first. The patient may have allowed only some of them. */
const FITTING: Readonly<Record<Note['kind'], readonly Category[]>> = {
  diagnosis: ['diagnosis', 'note', 'letter', 'unspecified'],
  treatment: ['note', 'medication', 'procedure', 'letter', 'unspecified'],
};

/** Writes a diagnosis or treatment note for a patient who allowed it. The note is stored as a FHIR document. */
export function NotePage({ me }: { readonly me: Me }) {
  const { patient } = useParams();
  const address = findAddress(patient ?? '');
  return address === null ? <NotFoundPage /> : <Writing me={me} patient={address} />;
}

function Writing({ me, patient }: { readonly me: Me; readonly patient: Address }) {
  const { t } = useI18n();
  const name = usePersonName(patient);
  const writable = useWritable(patient);
  const back = { to: paths.patient(patient), label: name };
  if (writable === null || writable.length === 0) {
    return (
      <Page title={t('note.title')} back={back}>
        {writable === null ? (
          <Loading />
        ) : (
          <Notice tone="caution" title={t('note.forbidden')}>
            <ButtonLink to={paths.askPatient(patient)}>{t('doctor.ask')}</ButtonLink>
          </Notice>
        )}
      </Page>
    );
  }
  return (
    <Page title={t('note.title')} intro={t('note.intro')} back={back}>
      <NoteForm me={me} patient={patient} writable={writable} />
    </Page>
  );
}

function NoteForm({ me, patient, writable }: { readonly me: Me; readonly patient: Address; readonly writable: readonly Category[] }) {
  const { t, format } = useI18n();
  const navigate = useNavigate();
  const uploads = useUploads();
  const author = useName(me.address);
  const [note, setNote, forget] = useDraft<Note>(`note.${patient}`, EMPTY);
  const [missing, setMissing] = useState(false);
  const [preview, setPreview] = useState<string | null>(null);
  const category = FITTING[note.kind].find((fitting) => writable.includes(fitting)) ?? writable[0];
  const change = (part: Partial<Note>) => setNote({ ...note, ...part });
  const isComplete = note.title.trim() !== '' && (note.kind === 'diagnosis' || note.text.trim() !== '');
  const followUp = endOfDayText(note.followUp);
  const make = () =>
    noteDocument(note, {
      author: author.text ?? me.address,
      patient,
      written: Math.floor(Date.now() / 1_000),
      ids: [crypto.randomUUID(), crypto.randomUUID()],
      followUpText: followUp === null ? '' : `${t('note.followUp')}: ${format.day(followUp)}`,
    });

  const submit = () => {
    setMissing(!isComplete);
    if (!isComplete || category === undefined) return;
    uploads.add([
      {
        content: make(),
        fileName: `${note.title
          .trim()
          .replaceAll(/[^\p{L}\p{N}]+/gu, '-')
          .slice(0, 60)}.fhir.json`,
        mediaType: 'application/fhir+json',
        target: { kind: 'record', patient, category },
      },
    ]);
    forget();
    void navigate(paths.patient(patient));
  };
  return (
    <form
      className="space-y-8"
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      <Card className="space-y-5">
        <Choice
          legend={t('note.kind')}
          columns
          value={note.kind}
          onChoose={(kind) => change({ kind })}
          options={[
            { value: 'diagnosis', label: t('note.kind.diagnosis') },
            { value: 'treatment', label: t('note.kind.treatment') },
          ]}
        />
        <TextField
          label={note.kind === 'diagnosis' ? t('note.diagnosis') : t('note.heading')}
          value={note.title}
          maxLength={200}
          error={missing && note.title.trim() === '' ? t('note.text.missing') : undefined}
          onChange={(event) => change({ title: event.target.value })}
        />
        {note.kind === 'diagnosis' && <DiagnosisFields note={note} change={change} />}
        <TextArea
          label={t('note.text')}
          optional={note.kind === 'diagnosis'}
          rows={6}
          maxLength={20_000}
          value={note.text}
          error={missing && note.kind === 'treatment' && note.text.trim() === '' ? t('note.text.missing') : undefined}
          onChange={(event) => change({ text: event.target.value })}
        />
        <div className="grid gap-5 sm:grid-cols-2">
          <TextField
            label={t('note.medication')}
            optional
            value={note.medication}
            maxLength={200}
            onChange={(event) => change({ medication: event.target.value })}
          />
          <TextField
            label={t('note.dosage')}
            optional
            value={note.dosage}
            maxLength={200}
            onChange={(event) => change({ dosage: event.target.value })}
          />
          <TextField
            label={t('note.followUp')}
            optional
            type="date"
            value={note.followUp}
            onChange={(event) => change({ followUp: event.target.value })}
          />
        </div>
      </Card>
      {category && <UploadSentence patient={patient} category={category} />}
      <div className="flex flex-wrap gap-3">
        <Button type="submit" tone="primary">
          {t('note.button')}
        </Button>
        <Button disabled={!isComplete} onClick={() => void make().text().then(setPreview)}>
          {t('note.preview')}
        </Button>
      </div>
      {preview && (
        <Section title={t('note.preview')}>
          <Card>
            <FhirReport source={preview} />
          </Card>
        </Section>
      )}
    </form>
  );
}

function DiagnosisFields({ note, change }: { readonly note: Note; readonly change: (part: Partial<Note>) => void }) {
  const { t } = useI18n();
  return (
    <div className="grid gap-5 sm:grid-cols-2">
      <TextField
        label={t('note.code')}
        optional
        dir="ltr"
        value={note.code}
        maxLength={12}
        onChange={(event) => change({ code: event.target.value })}
      />
      <TextField
        label={t('note.since')}
        optional
        type="date"
        value={note.since}
        onChange={(event) => change({ since: event.target.value })}
      />
      <Select
        label={t('note.status')}
        options={[
          ['confirmed', t('note.status.confirmed')],
          ['provisional', t('note.status.provisional')],
          ['refuted', t('note.status.refuted')],
        ]}
        value={note.certainty}
        onChoose={(certainty) => change({ certainty })}
      />
      <Select
        label={t('note.severity')}
        options={[
          ['none', t('note.severity.none')],
          ['mild', t('note.severity.mild')],
          ['moderate', t('note.severity.moderate')],
          ['severe', t('note.severity.severe')],
        ]}
        value={note.severity}
        onChoose={(severity) => change({ severity })}
      />
    </div>
  );
}
