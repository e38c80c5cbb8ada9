import { useReadProof } from '../../data/activity.ts';
import type { ActivityItem, ReadProof } from '../../types/log.ts';
import { useI18n } from '../../i18n/I18n.tsx';
import { Code, Fact, Facts } from '../../ui/Details.tsx';
import { FailureNotice } from '../../ui/FailureNotice.tsx';
import { Moment } from '../../ui/Moment.tsx';
import { Notice } from '../../ui/Notice.tsx';

/** The proof of one opening, recomputed on this device when the person asks for it. */
export function Proof({ entry, wanted }: { readonly entry: ActivityItem; readonly wanted: boolean }) {
  const { t, format } = useI18n();
  const proof = useReadProof(wanted ? entry : null);
  return (
    <div className="space-y-3">
      {proof.isLoading && <p role="status">{t('activity.proof.checking')}</p>}
      <FailureNotice failure={proof.error} onRetry={proof.refetch} />
      {proof.data && <Verdict proof={proof.data} hasProblems={(entry.problems?.length ?? 0) > 0} />}
      <Facts>
        <Fact name={t('activity.proof.leaf')}>
          <Code value={entry.leaf} />
        </Fact>
        {entry.index !== null && <Fact name={t('activity.proof.index')}>{format.number(entry.index)}</Fact>}
        {entry.reader && (
          <Fact name={t('activity.proof.reader')}>
            <Code value={entry.reader} />
          </Fact>
        )}
        {entry.txHash && (
          <Fact name={t('record.tx')}>
            <Code value={entry.txHash} />
          </Fact>
        )}
        {proof.data?.inclusion && <Fact name={t('activity.proof.size')}>{format.number(proof.data.inclusion.size)}</Fact>}
        {proof.data?.checkpoint && (
          <Fact name={t('activity.proof.root')}>
            <Code value={proof.data.checkpoint.root} />
          </Fact>
        )}
        {proof.data?.evidence && (
          <>
            <Fact name={t('activity.proof.time')}>
              <Moment seconds={proof.data.evidence.time} />
            </Fact>
            <Fact name={t('activity.proof.login')}>
              <pre dir="ltr" className="font-mono text-sm whitespace-pre-wrap">
                {proof.data.evidence.loginMessage}
              </pre>
            </Fact>
          </>
        )}
      </Facts>
    </div>
  );
}

function Verdict({
  proof: { evidence, inclusion, isWithheld },
  hasProblems,
}: {
  readonly proof: ReadProof;
  /** If true, no positive result is shown here: the problems are listed above. */
  readonly hasProblems: boolean;
}) {
  const { t } = useI18n();
  if (evidence?.holds === false || inclusion?.holds === false) {
    return <Notice tone="danger" live title={t('activity.proof.bad')} />;
  }
  if (inclusion === null) return <Notice live>{t('activity.proof.waiting')}</Notice>;
  if (isWithheld) return <Notice tone="danger" live title={t('activity.proof.withheld')} />;
  if (hasProblems) return <Notice live>{t('activity.proof.anchored')}</Notice>;
  return (
    <Notice tone="good" live>
      {t(evidence === null ? 'activity.proof.anchored' : 'activity.proof.good')}
    </Notice>
  );
}
