import type { ReactNode } from 'react';
import type { Loaded } from '../data/types/actions.ts';
import { FailureNotice } from './FailureNotice.tsx';
import { Loading } from './Loading.tsx';

/** Data that is read: a placeholder while it comes, a failure with a second try, else what `children` make of it. */
export function Resource<T>({ of, children }: { readonly of: Loaded<T>; readonly children: (data: T) => ReactNode }) {
  return (
    <>
      {of.error && <FailureNotice failure={of.error} onRetry={of.refetch} />}
      {of.data === undefined ? of.isLoading && <Loading /> : children(of.data)}
    </>
  );
}
