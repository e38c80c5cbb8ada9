import type { ReactNode } from 'react';
import type { BadItem, Loaded } from '../types/actions.ts';
import { useI18n } from '../i18n/I18n.tsx';
import { FailureNotice } from './FailureNotice.tsx';
import { Loading } from './Loading.tsx';
import { Notice } from './Notice.tsx';

/** Data that is read: a placeholder while it comes, a failure with a second try, else what `children` make of it. */
export function Resource<T>({
  of,
  children,
}: {
  readonly of: Loaded<T> & { readonly bad?: readonly BadItem[] };
  readonly children: (data: T) => ReactNode;
}) {
  return (
    <>
      {of.error && <FailureNotice failure={of.error} onRetry={of.refetch} />}
      {of.bad !== undefined && <BadItems bad={of.bad} />}
      {of.data === undefined ? of.isLoading && <Loading /> : children(of.data)}
    </>
  );
}

/** What is missing from a list, and why: the rest is shown all the same. */
export function BadItems({ bad }: { readonly bad: readonly BadItem[] }) {
  const { t, failure } = useI18n();
  if (bad.length === 0) return null;
  return (
    <Notice tone="danger" live title={t('list.bad', { count: bad.length })}>
      <ul className="list-disc ps-5">
        {bad.map(({ name, code }, index) => (
          <li key={`${name}-${index}`}>
            <bdi dir="ltr">{name}</bdi>: {failure(code)[0]}
          </li>
        ))}
      </ul>
    </Notice>
  );
}
