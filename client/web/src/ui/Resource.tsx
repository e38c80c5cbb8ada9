import type { ReactNode } from 'react';
import type { BadItem, Loaded } from '../types/actions.ts';
import { useI18n } from '../i18n/I18n.tsx';
import { FailureNotice } from './FailureNotice.tsx';
import { Loading } from './Loading.tsx';
import { Notice } from './Notice.tsx';

/** Shows loaded data: a placeholder while loading, a failure with a retry button, else the result of `children`. */
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

/** Lists the items that could not be shown, each with the reason. The other items of the list are shown as usual. */
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
