import type { Address } from 'viem';
import type { Sentence } from '../../types/signing.ts';
import { useName } from '../../data/directory.ts';
import { useI18n } from '../../i18n/I18n.tsx';
import { usePersonName } from './person-name.ts';

/** Returns the person whom a sentence concerns, so that the name can be looked up before the sentence is written. */
function subjectOf({ values }: Sentence): Address | null {
  if ('grantee' in values) return values.grantee;
  if ('patient' in values) return values.patient;
  if ('requester' in values) return values.requester;
  if ('practitioner' in values) return values.practitioner;
  if ('accreditor' in values) return values.accreditor;
  return null;
}

/** Returns the sentence that says what a signature allows, with names instead of addresses and dates instead of seconds. */
function useSentence(sentence: Sentence): string {
  const { t, format } = useI18n();
  const name = usePersonName(subjectOf(sentence));
  switch (sentence.key) {
    case 'sign.login':
      return t(sentence.key, { domain: sentence.values.domain, until: format.moment(sentence.values.until) });
    case 'sign.enrol_wallet':
    case 'sign.unlock':
    case 'sign.publish_key':
    case 'sign.register_again':
    case 'sign.author':
    case 'sign.revoke_all':
      return t(sentence.key);
    case 'sign.add_record': {
      const category = t(`category.${sentence.values.category}`);
      return sentence.values.own ? t('sign.add_record.own', { category }) : t('sign.add_record.other', { category, patient: name });
    }
    case 'sign.add_version': {
      const { version, own } = sentence.values;
      return own ? t('sign.add_version.own', { version }) : t('sign.add_version.other', { version, patient: name });
    }
    case 'sign.tombstone':
      return t(sentence.key, { until: format.moment(sentence.values.until) });
    case 'sign.lift':
    case 'sign.retract':
      return t(sentence.key);
    case 'sign.grant_read': {
      const purposes = format.list(sentence.values.purposes.map((purpose) => t(`purpose.${purpose}`)));
      return t(sentence.key, { count: sentence.values.records, name, purposes, until: format.day(sentence.values.until) });
    }
    case 'sign.grant_write': {
      const until = format.day(sentence.values.until);
      const { categories } = sentence.values;
      return categories === 'all'
        ? t('sign.grant_write.all', { name, until })
        : t(sentence.key, { name, until, categories: format.list(categories.map((category) => t(`category.${category}`))) });
    }
    case 'sign.revoke':
      return t(sentence.key, { count: sentence.values.grants, name });
    case 'sign.request': {
      const values = { patient: name, until: format.day(sentence.values.until) };
      return sentence.values.right === 'read' ? t('sign.request.read', values) : t('sign.request.write', values);
    }
    case 'sign.deny':
    case 'sign.suspend':
    case 'sign.add_accreditor':
    case 'sign.remove_accreditor':
      return t(sentence.key, { name });
    case 'sign.accredit': {
      const roles = format.list(sentence.values.roles.map((role) => t(`role.${role}`)));
      return t(sentence.key, { name, roles, until: format.day(sentence.values.until) });
    }
    case 'sign.profile':
      return t(sentence.key, { address: sentence.values.practitioner, name: sentence.values.name });
  }
}

/**
 * Shows the sentence, with the whole address of the person whom it concerns: a name, or the first and last digits of an address, can be
 * imitated.
 */
export function SentenceText({ sentence }: { readonly sentence: Sentence }) {
  const subject = subjectOf(sentence);
  const isSelf = useName(subject).from === 'self';
  const text = useSentence(sentence);
  if (subject === null || isSelf || sentence.key === 'sign.profile') return text;
  return (
    <>
      {text}
      <bdi dir="ltr" className="mt-1 block font-mono text-sm break-all">
        {subject}
      </bdi>
    </>
  );
}
