import { CircleCheck } from 'lucide-react';
import { useId, useState } from 'react';
import { useSearchParams } from 'react-router';
import { findAddress } from '../../address.ts';
import { paths } from '../../paths.ts';
import { useDraft } from '../../data/draft.ts';
import { useAskAccess } from '../../data/requests.ts';
import { useSession } from '../../data/session.ts';
import type { Address } from 'viem';
import { CATEGORIES, type Category, PURPOSES, type Purpose, type Right } from '../../protocol/codes.ts';
import type { NewRequest } from '../../types/requests.ts';
import { useI18n } from '../../i18n/I18n.tsx';
import { ActionStatus } from '../../ui/ActionStatus.tsx';
import { Button, ButtonLink } from '../../ui/Button.tsx';
import { Card } from '../../ui/Card.tsx';
import { Choice, Select, TextArea } from '../../ui/Field.tsx';
import { Page } from '../../ui/Page.tsx';
import { SignSentence } from '../../ui/SignSentence.tsx';
import { PatientField } from '../../components/people/PatientField.tsx';
import { SentenceText } from '../../components/people/SentenceText.tsx';
import { endOfDay, UntilField } from '../../components/UntilField.tsx';

interface Draft {
  readonly patient: Address | null;
  readonly right: Right;
  readonly category: Category | 'all';
  readonly purpose: Purpose;
  readonly reason: string;
  readonly until: number;
}

const emptyDraft = (): Draft => ({
  patient: null,
  right: 'read',
  category: 'all',
  purpose: 'TREAT',
  reason: '',
  until: endOfDay(7),
});
const OPEN_SECONDS = 14 * 86_400;
const REASON_CHARS_MAX = 200;

/** Asks a patient for access, with a reason that only the patient can read. */
export function AskPage() {
  const { t } = useI18n();
  const { me } = useSession();
  const [search, setSearch] = useSearchParams();
  const sentence = useId();
  const asked = findAddress(search.get('patient') ?? '');
  const [draft, setDraft, forget] = useDraft<Draft>('ask', useState(emptyDraft)[0]);
  const ask = useAskAccess();
  const [missing, setMissing] = useState(false);
  if (me === null) return null;
  if (ask.phase === 'done') {
    return (
      <Page title={t('ask.title')} back={{ to: paths.patients, label: t('doctor.title') }}>
        <Card className="flex flex-col items-center gap-4 py-10 text-center">
          <CircleCheck aria-hidden size={48} className="text-good" />
          <p role="status" className="text-lg">
            {t('ask.done')}
          </p>
          <ButtonLink tone="primary" to={paths.patients}>
            {t('doctor.title')}
          </ButtonLink>
        </Card>
      </Page>
    );
  }
  const patient = asked ?? draft.patient;
  const choose = (chosen: Address | null) => {
    setSearch({}, { replace: true });
    setDraft({ ...draft, patient: chosen });
  };
  const submit = () => {
    const reason = draft.reason.trim();
    setMissing(reason === '');
    if (patient === null || reason === '') return;
    const request: NewRequest = {
      patient,
      right: draft.right,
      scope: draft.category === 'all' ? { kind: 'all' } : { kind: 'category', category: draft.category },
      purposes: [draft.purpose],
      until: draft.until,
      reason,
      openSeconds: OPEN_SECONDS,
      confirm: 'page',
    };
    ask.run(request).then(forget, () => undefined);
  };
  return (
    <Page title={t('ask.title')} intro={t('ask.intro')} back={{ to: paths.patients, label: t('doctor.title') }}>
      <form
        className="space-y-8"
        onSubmit={(event) => {
          event.preventDefault();
          submit();
        }}
      >
        <Card className="space-y-5">
          <PatientField me={me.address} value={patient} onChoose={choose} />
        </Card>
        <Card className="space-y-5">
          <Choice
            legend={t('ask.want')}
            columns
            value={draft.right}
            onChoose={(right) => setDraft({ ...draft, right })}
            options={[
              { value: 'read', label: t('ask.want.read') },
              { value: 'write', label: t('ask.want.write') },
            ]}
          />
          <Select
            label={t('ask.scope')}
            options={[['all', t('share.what.all')], ...CATEGORIES.all.map((name) => [name, t(`category.${name}`)] as const)]}
            value={draft.category}
            onChoose={(category) => setDraft({ ...draft, category })}
          />
          <Select
            label={t('ask.purpose')}
            hint={t('ask.purpose.hint')}
            options={PURPOSES.all.map((name) => [name, t(`purpose.${name}`)] as const)}
            value={draft.purpose}
            onChoose={(purpose) => setDraft({ ...draft, purpose })}
          />
          <TextArea
            label={t('ask.reason')}
            hint={t('ask.reason.hint')}
            error={missing && draft.reason.trim() === '' ? t('ask.reason.missing') : undefined}
            maxLength={REASON_CHARS_MAX}
            value={draft.reason}
            onChange={(event) => setDraft({ ...draft, reason: event.target.value })}
          />
        </Card>
        <Card>
          <UntilField value={draft.until} onChange={(until) => setDraft({ ...draft, until })} />
        </Card>
        {patient !== null && (
          <SignSentence id={sentence}>
            <SentenceText sentence={{ key: 'sign.request', values: { patient, right: draft.right, until: draft.until } }} />
          </SignSentence>
        )}
        <ActionStatus act={ask} onRetry={submit} />
        <Button
          type="submit"
          tone="primary"
          busy={ask.isBusy}
          disabled={patient === null}
          aria-describedby={patient ? sentence : undefined}
        >
          {t('ask.button')}
        </Button>
      </form>
    </Page>
  );
}
