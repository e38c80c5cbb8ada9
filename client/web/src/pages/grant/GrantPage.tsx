import { CircleCheck, Share2 } from 'lucide-react';
import { useEffect, useId, useRef, useState } from 'react';
import { useSearchParams } from 'react-router';
import { type Address, type Hex, isHex } from 'viem';
import { paths } from '../../paths.ts';
import { useDraft } from '../../data/draft.ts';
import { usePerson } from '../../data/directory.ts';
import { describeGrant, useGrant } from '../../data/grants.ts';
import { useSession } from '../../data/session.ts';
import { CATEGORIES, type Category, needsAccreditation, PURPOSES, type Purpose, type Right } from '../../protocol/codes.ts';
import type { Granted, NewGrants } from '../../types/grants.ts';
import { useI18n } from '../../i18n/I18n.tsx';
import { ActionStatus } from '../../ui/ActionStatus.tsx';
import { Button, ButtonLink } from '../../ui/Button.tsx';
import { Card } from '../../ui/Card.tsx';
import { Choice, Select } from '../../ui/Field.tsx';
import { Notice } from '../../ui/Notice.tsx';
import { Page } from '../../ui/Page.tsx';
import { SignSentence } from '../../ui/SignSentence.tsx';
import { parseAddress } from '../../address.ts';
import { usePersonName } from '../../components/people/person-name.ts';
import { PersonPicker } from '../../components/people/PersonPicker.tsx';
import { SentenceText } from '../../components/people/SentenceText.tsx';
import { LeftOut } from '../../components/grants/LeftOut.tsx';
import { RecordChoice } from './RecordChoice.tsx';
import { endOfDay, endProblem, UntilField } from '../../components/UntilField.tsx';

/** The content of the form. It survives a lock or an expired sign-in. */
interface Draft {
  readonly grantee: Address | null;
  readonly right: Right;
  readonly records: readonly Hex[];
  readonly category: Category | 'all';
  readonly purpose: Purpose;
  readonly until: number;
}

const DAYS = 7;

/** Grants a person the right to read records or to add some: who, what, why, until when. */
export function GrantPage() {
  const { t, format } = useI18n();
  const { me } = useSession();
  const [search, setSearch] = useSearchParams();
  const [draft, setDraft, forget] = useDraft<Draft>('grant', useState(emptyDraft)[0]);
  const grant = useGrant();
  const { reset } = grant;
  const [done, setDone] = useState<(NewGrants & Pick<Granted, 'leftOut'>) | null>(null);
  const doneName = usePersonName(done?.grantee ?? null);
  const asked = search.toString();
  const isHere = useRef(true);
  useEffect(() => {
    isHere.current = true;
    return () => {
      isHere.current = false;
    };
  }, []);
  useEffect(() => {
    // The values that a link names replace those of an earlier draft. The other values stay.
    const named = namedIn(new URLSearchParams(asked));
    if (Object.keys(named).length === 0) return;
    setDraft((known) => ({ ...known, ...named }));
    setDone(null);
    reset();
  }, [asked, setDraft, reset]);
  if (me === null) return null;

  if (done !== null) {
    const date = format.day(done.notAfter);
    return (
      <Page title={t('share.done.title')}>
        <Card className="flex flex-col items-center gap-4 py-10 text-center">
          <CircleCheck aria-hidden size={48} className="text-good" />
          <p role="status" className="max-w-prose text-lg">
            {done.right === 'read' ? t('share.done.open', { name: doneName, date }) : t('share.done.add', { name: doneName, date })}
          </p>
          <LeftOut leftOut={done.leftOut} />
          <div className="flex flex-wrap justify-center gap-3">
            <ButtonLink tone="primary" to={paths.access}>
              {t('share.done.access')}
            </ButtonLink>
            <Button
              onClick={() => {
                reset();
                setDone(null);
              }}
            >
              {t('share.done.more')}
            </Button>
          </div>
        </Card>
      </Page>
    );
  }
  return (
    <Page title={t('share.title')} intro={t('share.intro')}>
      <DraftForm
        me={me.address}
        draft={draft}
        setDraft={setDraft}
        grant={grant}
        onDone={(wanted) => {
          forget();
          // A person who has gone to another page is not brought back to this one.
          if (!isHere.current) return;
          setSearch({}, { replace: true });
          setDone(wanted);
        }}
      />
    </Page>
  );
}

const emptyDraft = (): Draft => ({
  grantee: null,
  right: 'read',
  records: [],
  category: 'laboratory',
  purpose: 'TREAT',
  until: endOfDay(DAYS),
});

/** Returns the values that a link to this page names: a person, some records, or both. */
function namedIn(search: URLSearchParams): Partial<Draft> {
  const person = parseAddress(search.get('with') ?? '');
  const records = (search.get('records') ?? '').split(',').filter((id): id is Hex => isHex(id) && id.length === 66);
  return {
    ...(person === null ? {} : { grantee: person }),
    ...(records.length > 0 ? { records, right: 'read' as const } : {}),
  };
}

function DraftForm({
  me,
  draft,
  setDraft,
  grant,
  onDone,
}: {
  readonly me: Address;
  readonly draft: Draft;
  readonly setDraft: (draft: Draft) => void;
  readonly grant: ReturnType<typeof useGrant>;
  readonly onDone: (wanted: NewGrants & Pick<Granted, 'leftOut'>) => void;
}) {
  const { t } = useI18n();
  const sentence = useId();
  const { data: person } = usePerson(draft.grantee);
  const isAccredited = person?.counts ?? false;
  const purposes = PURPOSES.all.filter((purpose) => isAccredited || !needsAccreditation(purpose) || person === undefined);
  const purpose = purposes.includes(draft.purpose) ? draft.purpose : (purposes[0] ?? 'TREAT');
  const wanted = newGrantsOf({ ...draft, purpose });
  const submit = () => {
    if (wanted)
      grant.run(wanted).then(
        ({ leftOut }) => onDone({ ...wanted, leftOut }),
        () => undefined,
      );
  };
  return (
    <form
      className="space-y-8"
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      <Card className="space-y-4">
        <h2 className="text-xl font-semibold">{t('share.who')}</h2>
        <PersonPicker me={me} value={draft.grantee} onChoose={(grantee) => setDraft({ ...draft, grantee })} />
        {draft.grantee !== null && person === null && <Notice tone="caution" title={t('share.who.unknown')} />}
      </Card>
      <Card className="space-y-4">
        <h2 className="text-xl font-semibold">{t('share.what')}</h2>
        <Choice
          legend={t('share.what')}
          isLegendHidden
          columns
          value={draft.right}
          onChoose={(right) => setDraft({ ...draft, right })}
          options={[
            { value: 'read', label: t('share.what.open') },
            { value: 'write', label: t('share.what.add') },
          ]}
        />
        {draft.right === 'read' ? (
          <RecordChoice patient={me} value={draft.records} onChange={(records) => setDraft({ ...draft, records })} />
        ) : (
          <Select
            label={t('upload.category')}
            options={[['all', t('share.what.all')], ...CATEGORIES.all.map((name) => [name, t(`category.${name}`)] as const)]}
            value={draft.category}
            onChoose={(category) => setDraft({ ...draft, category })}
          />
        )}
      </Card>
      {draft.right === 'read' && (
        <Card>
          <Select
            label={t('share.why')}
            hint={t('share.why.hint')}
            options={purposes.map((name) => [name, t(`purpose.${name}`)] as const)}
            value={purpose}
            onChoose={(next) => setDraft({ ...draft, purpose: next })}
          />
        </Card>
      )}
      <Card>
        <UntilField value={draft.until} onChange={(until) => setDraft({ ...draft, until })} />
      </Card>
      <div className="space-y-4">
        <Notice title={t('share.limits.title')}>
          <p>{t('share.limits.copy')}</p>
          <p>{t('share.limits.public')}</p>
        </Notice>
        {wanted && (
          <SignSentence id={sentence}>
            <SentenceText sentence={describeGrant(wanted)} />
          </SignSentence>
        )}
        <ActionStatus act={grant} onRetry={submit} />
        <Button
          type="submit"
          tone="primary"
          icon={Share2}
          busy={grant.isBusy}
          disabled={wanted === null}
          aria-describedby={wanted ? sentence : undefined}
        >
          {t('share.button')}
        </Button>
      </div>
    </form>
  );
}

/** Returns the grants of a complete form; `null` while a value is missing. */
function newGrantsOf(draft: Draft): NewGrants | null {
  if (draft.grantee === null || endProblem(draft.until) !== null) return null;
  const common = { grantee: draft.grantee, right: draft.right, notAfter: draft.until, confirm: 'page' as const };
  if (draft.right === 'read') {
    if (draft.records.length === 0) return null;
    return { ...common, purposes: [draft.purpose], scopes: draft.records.map((record) => ({ kind: 'record', record })) };
  }
  const scope = draft.category === 'all' ? ({ kind: 'all' } as const) : ({ kind: 'category', category: draft.category } as const);
  return { ...common, purposes: ['TREAT'], scopes: [scope] };
}
