import { useState } from 'react';
import { findAddress } from '../../address.ts';
import { useAddressBook } from '../../data/address-book.ts';
import { useDirectory } from '../../data/directory.ts';
import type { Address } from 'viem';
import type { Person } from '../../types/people.ts';
import { useI18n } from '../../i18n/I18n.tsx';
import { Badge } from '../../ui/Badge.tsx';
import { Button } from '../../ui/Button.tsx';
import { FailureNotice } from '../../ui/FailureNotice.tsx';
import { TextField } from '../../ui/Field.tsx';
import { Notice } from '../../ui/Notice.tsx';
import { BadItems } from '../../ui/Resource.tsx';
import { short } from './person-name.ts';
import { AccreditationBadges, affiliation, PersonName } from './Person.tsx';

/** Finds a person by accredited name, private name or address, and shows the chosen person. */
export function PersonPicker({
  me,
  value,
  onChoose,
}: {
  readonly me: Address;
  readonly value: Address | null;
  readonly onChoose: (address: Address | null) => void;
}) {
  const { t } = useI18n();
  if (value !== null) {
    return (
      <div className="flex flex-wrap items-center justify-between gap-3 rounded-xl bg-raised p-4">
        <div className="min-w-0 space-y-1">
          <p className="font-semibold">
            <PersonName address={value} />
          </p>
          <p className="flex flex-wrap items-center gap-2 text-sm text-muted">
            <bdi dir="ltr">{short(value)}</bdi>
            <AccreditationBadges address={value} />
          </p>
        </div>
        <Button tone="quiet" onClick={() => onChoose(null)}>
          {t('share.who.change')}
        </Button>
      </div>
    );
  }
  return <Search me={me} onChoose={onChoose} />;
}

function Search({ me, onChoose }: { readonly me: Address; readonly onChoose: (address: Address) => void }) {
  const { t } = useI18n();
  const [text, setText] = useState('');
  const typed = findAddress(text);
  const name = text.trim();
  const people = useDirectory(typed === null && name.length >= 2 ? { name } : undefined);
  const { contacts } = useAddressBook();
  const known = (contacts.data ?? []).filter((contact) => name === '' || contact.name.toLowerCase().includes(name.toLowerCase()));
  const accredited = (people.data ?? []).filter((person) => person.address !== me);

  return (
    <div className="space-y-3">
      <TextField
        label={t('share.who.search')}
        hint={t('share.who.hint')}
        type="search"
        spellCheck={false}
        value={text}
        onChange={(event) => setText(event.target.value)}
      />
      {typed !== null && typed === me && <Notice tone="caution" live title={t('share.who.self')} />}
      {typed !== null && typed !== me && (
        <Button tone="primary" onClick={() => onChoose(typed)}>
          {t('ui.account', { address: short(typed) })}
        </Button>
      )}
      {typed === null && (
        <>
          <FailureNotice failure={people.error} onRetry={people.refetch} />
          <BadItems bad={people.bad} />
          <p role="status" className="text-sm text-muted">
            {people.isLoading
              ? t('share.who.searching')
              : accredited.length + known.length > 0
                ? t('share.who.results', { count: accredited.length + known.length })
                : name !== '' && t('share.who.none')}
          </p>
          <ul className="max-h-96 space-y-2 overflow-y-auto">
            {known.map((contact) => (
              <li key={contact.address}>
                <Result title={contact.name} line={short(contact.address)} onChoose={() => onChoose(contact.address)} />
              </li>
            ))}
            {accredited
              .filter((person) => !known.some((contact) => contact.address === person.address))
              .map((person) => (
                <li key={person.address}>
                  <AccreditedResult person={person} onChoose={() => onChoose(person.address)} />
                </li>
              ))}
          </ul>
        </>
      )}
    </div>
  );
}

function AccreditedResult({ person, onChoose }: { readonly person: Person; readonly onChoose: () => void }) {
  const { t } = useI18n();
  const problem = !person.counts ? t('share.who.suspended') : !person.hasKey ? t('share.who.noKey') : null;
  return (
    <Result
      title={person.name ?? t('ui.account', { address: short(person.address) })}
      line={[person.roles.map((role) => t(`role.${role}`)).join(', '), affiliation(person)].filter(Boolean).join(' · ')}
      problem={problem}
      onChoose={onChoose}
    />
  );
}

function Result({
  title,
  line,
  problem = null,
  onChoose,
}: {
  readonly title: string;
  readonly line: string;
  readonly problem?: string | null;
  readonly onChoose: () => void;
}) {
  return (
    <button
      type="button"
      disabled={problem !== null}
      onClick={onChoose}
      className="flex w-full min-h-11 flex-wrap items-center justify-between gap-x-4 gap-y-1 rounded-lg border border-control bg-surface px-4 py-3 text-start hover:bg-raised disabled:cursor-not-allowed"
    >
      <span className="min-w-0">
        <span className="block font-medium">
          <bdi>{title}</bdi>
        </span>
        <span className="block text-sm text-muted">
          <bdi>{line}</bdi>
        </span>
      </span>
      {problem && <Badge tone="caution">{problem}</Badge>}
    </button>
  );
}
