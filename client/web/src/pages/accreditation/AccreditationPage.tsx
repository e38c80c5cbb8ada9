import { BadgeCheck } from 'lucide-react';
import { useState } from 'react';
import { findAddress } from '../../address.ts';
import { useAccreditation, usePractitioners } from '../../data/accreditation.ts';
import { useDraft } from '../../data/draft.ts';
import { ROLES, type Role } from '../../protocol/codes.ts';
import type { Person } from '../../types/people.ts';
import type { Me } from '../../types/session.ts';
import { useI18n } from '../../i18n/I18n.tsx';
import { ActionStatus } from '../../ui/ActionStatus.tsx';
import { Badge } from '../../ui/Badge.tsx';
import { Button } from '../../ui/Button.tsx';
import { Card, CardItem, CardList, Section } from '../../ui/Card.tsx';
import { Code, Details, Fact, Facts } from '../../ui/Details.tsx';
import { Empty } from '../../ui/Empty.tsx';
import { Check, TextField } from '../../ui/Field.tsx';
import { useAnnounce } from '../../ui/Live.tsx';
import { Page } from '../../ui/Page.tsx';
import { Resource } from '../../ui/Resource.tsx';
import { short } from '../../components/people/person-name.ts';
import { affiliation } from '../../components/people/Person.tsx';
import { dayText, endOfDay, endOfDayText, endProblem } from '../../components/UntilField.tsx';
import { Accreditors } from './Accreditors.tsx';
import { Invitation } from './Invitation.tsx';

/** Accredits doctors, laboratories, pharmacies and auditors. The owner of the contract can also add accreditors here. */
export function AccreditationPage({ me }: { readonly me: Me }) {
  const { t } = useI18n();
  return (
    <Page title={t('accredit.title')} intro={t('accredit.intro')}>
      {me.owner && <Accreditors />}
      <Invitation />
      {me.accreditor && (
        <>
          <NewAccreditation />
          <Section title={t('accredit.list')}>
            <Practitioners />
          </Section>
        </>
      )}
    </Page>
  );
}

interface Draft {
  readonly address: string;
  readonly roles: readonly Role[];
  readonly name: string;
  readonly organisation: string;
  readonly specialty: string;
  readonly until: number;
}

const YEAR_DAYS = 365;
const TEXT_CHARS_MAX = 60;
const emptyDraft = (): Draft => ({
  address: '',
  roles: [],
  name: '',
  organisation: '',
  specialty: '',
  until: endOfDay(YEAR_DAYS),
});

function NewAccreditation() {
  const { t, failure } = useI18n();
  const announce = useAnnounce();
  const { accredit, publishProfile } = useAccreditation();
  const [draft, setDraft, forget] = useDraft<Draft>('accredit', useState(emptyDraft)[0]);
  const [missing, setMissing] = useState(false);
  const practitioner = findAddress(draft.address);
  const problem = endProblem(draft.until);
  const isBusy = accredit.isBusy || publishProfile.isBusy;
  const change = (part: Partial<Draft>) => setDraft({ ...draft, ...part });

  const submit = async () => {
    const name = draft.name.trim();
    const isComplete = practitioner !== null && draft.roles.length > 0 && name !== '' && problem === null;
    setMissing(!isComplete);
    if (!isComplete) return;
    await accredit.run({ practitioner, roles: draft.roles, validFrom: Math.floor(Date.now() / 1_000), validUntil: draft.until });
    await publishProfile.run({
      practitioner,
      name,
      organisation: draft.organisation.trim(),
      specialty: draft.specialty.trim(),
    });
    forget();
    announce(t('accredit.done', { name }));
  };
  return (
    <Card className="space-y-5">
      <h2 className="text-xl font-semibold">{t('accredit.add')}</h2>
      <form
        className="space-y-5"
        onSubmit={(event) => {
          event.preventDefault();
          // The failures are shown below by the two actions.
          submit().catch(() => undefined);
        }}
      >
        <TextField
          label={t('accredit.address')}
          dir="ltr"
          spellCheck={false}
          value={draft.address}
          error={missing && practitioner === null ? failure('invalid_address').join(' ') : undefined}
          onChange={(event) => change({ address: event.target.value })}
        />
        <fieldset>
          <legend className="font-medium">{t('accredit.roles')}</legend>
          <div className="grid sm:grid-cols-2">
            {ROLES.all.map((role) => (
              <Check
                key={role}
                label={t(`role.${role}`)}
                checked={draft.roles.includes(role)}
                onChange={(event) =>
                  change({ roles: event.target.checked ? [...draft.roles, role] : draft.roles.filter((other) => other !== role) })
                }
              />
            ))}
          </div>
          {missing && draft.roles.length === 0 && (
            <p role="alert" className="text-sm font-medium text-danger">
              {t('accredit.roles.missing')}
            </p>
          )}
        </fieldset>
        <div className="grid gap-5 sm:grid-cols-2">
          <TextField
            label={t('accredit.name')}
            maxLength={TEXT_CHARS_MAX}
            value={draft.name}
            error={missing && draft.name.trim() === '' ? t('accredit.name.missing') : undefined}
            onChange={(event) => change({ name: event.target.value })}
          />
          <TextField
            label={t('accredit.organisation')}
            optional
            maxLength={TEXT_CHARS_MAX}
            value={draft.organisation}
            onChange={(event) => change({ organisation: event.target.value })}
          />
          <TextField
            label={t('accredit.specialty')}
            optional
            maxLength={TEXT_CHARS_MAX}
            value={draft.specialty}
            onChange={(event) => change({ specialty: event.target.value })}
          />
          <TextField
            label={t('accredit.until')}
            type="date"
            value={dayText(draft.until)}
            min={dayText(endOfDay(1))}
            error={problem === null ? undefined : t(problem)}
            onChange={(event) => {
              const until = endOfDayText(event.target.value);
              if (until !== null) change({ until });
            }}
          />
        </div>
        <ActionStatus act={accredit} />
        <ActionStatus act={publishProfile} />
        <Button type="submit" tone="primary" icon={BadgeCheck} busy={isBusy}>
          {t('accredit.button')}
        </Button>
      </form>
    </Card>
  );
}

function Practitioners() {
  const { t } = useI18n();
  const practitioners = usePractitioners();
  return (
    <Resource of={practitioners}>
      {(all) =>
        all.length === 0 ? (
          <Empty icon={BadgeCheck} title={t('accredit.list.empty.title')}>
            {t('accredit.list.empty.text')}
          </Empty>
        ) : (
          <CardList label={t('accredit.list')}>
            {all.map((person) => (
              <Practitioner key={person.address} person={person} />
            ))}
          </CardList>
        )
      }
    </Resource>
  );
}

function Practitioner({ person }: { readonly person: Person }) {
  const { t, format } = useI18n();
  const announce = useAnnounce();
  const { suspend, reinstate } = useAccreditation();
  const name = person.name ?? t('ui.account', { address: short(person.address) });
  const isOver = person.validUntil * 1_000 <= Date.now();
  return (
    <CardItem className="space-y-3">
      <div className="flex flex-wrap items-start justify-between gap-3">
        <div className="min-w-0 space-y-1">
          <h3 className="text-lg font-semibold">
            <bdi>{name}</bdi>
          </h3>
          <p className="text-sm text-muted">
            <bdi>{affiliation(person)}</bdi>
          </p>
          <p className="flex flex-wrap gap-1.5">
            {person.roles.map((role) => (
              <Badge key={role}>{t(`role.${role}`)}</Badge>
            ))}
            {person.suspended ? (
              <Badge tone="danger">{t('accredit.state.suspended')}</Badge>
            ) : (
              <Badge tone={isOver ? 'caution' : 'good'}>
                {t(isOver ? 'accredit.state.expired' : 'accredit.state.active', { date: format.day(person.validUntil) })}
              </Badge>
            )}
          </p>
        </div>
        {person.suspended ? (
          <Button busy={reinstate.isBusy} onClick={() => reinstate.start(person.address)}>
            {t('accredit.again')}
          </Button>
        ) : (
          <Button
            tone="danger"
            busy={suspend.isBusy}
            aria-label={t('accredit.suspend.for', { name })}
            onClick={() => {
              suspend.run(person.address).then(
                () => announce(t('accredit.suspend.done', { name })),
                () => undefined,
              );
            }}
          >
            {t('accredit.suspend')}
          </Button>
        )}
      </div>
      <ActionStatus act={suspend} />
      <ActionStatus act={reinstate} />
      <Details>
        <Facts>
          <Fact name={t('accredit.address')}>
            <Code value={person.address} />
          </Fact>
        </Facts>
      </Details>
    </CardItem>
  );
}
