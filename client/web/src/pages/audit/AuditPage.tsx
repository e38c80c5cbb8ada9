import { Download, ScrollText, ShieldCheck } from 'lucide-react';
import { useState, type ReactNode } from 'react';
import { OnlyViewNotice } from '../../components/OnlyViewNotice.tsx';
import { useAuditLog } from '../../data/audit-log.ts';
import { useWallets } from '../../data/wallets.ts';
import type { AuditEntry, AuditFilter, AuditLog, ChainSource, Checkpoint, VerifiedLog } from '../../types/log.ts';
import { useI18n } from '../../i18n/I18n.tsx';
import { ActionStatus } from '../../ui/ActionStatus.tsx';
import { Button } from '../../ui/Button.tsx';
import { Card, CardItem, CardList, Section } from '../../ui/Card.tsx';
import { Code, Details, Fact, Facts } from '../../ui/Details.tsx';
import { Empty } from '../../ui/Empty.tsx';
import { TextField } from '../../ui/Field.tsx';
import { Moment } from '../../ui/Moment.tsx';
import { Notice } from '../../ui/Notice.tsx';
import { Page } from '../../ui/Page.tsx';
import { Resource } from '../../ui/Resource.tsx';
import { short } from '../../components/people/person-name.ts';
import { saveBlob } from '../../ui/save-blob.ts';
import { FilterForm, NO_FILTER, type FilterState } from './FilterForm.tsx';

const PAGE = 50;

/** The log of all reads, directly from the chain: filters, checkpoints, verification, export. */
export function AuditPage() {
  const { t } = useI18n();
  const [state, setState] = useState<FilterState>(NO_FILTER);
  const [rpc, setRpc] = useState('');
  const [source, setSource] = useState<ChainSource>({ kind: 'wallet' });
  const log = useAuditLog(source, filterOf(state));
  return (
    <Page
      title={t('audit.title')}
      intro={t('audit.intro')}
      actions={
        <Button
          icon={Download}
          disabled={!log.entries.data?.length}
          onClick={() => saveBlob(new Blob([log.toCsv()], { type: 'text/csv' }), 'medlock-access-log.csv')}
        >
          {t('audit.export')}
        </Button>
      }
    >
      <Card className="space-y-4">
        <h2 className="text-xl font-semibold">{t('audit.verify')}</h2>
        <p className="text-muted">{t('audit.verify.intro')}</p>
        <form
          className="space-y-4"
          onSubmit={(event) => {
            event.preventDefault();
            // Set here too, not only when the field loses the focus: pressing Enter keeps the focus.
            setSource(sourceOf(rpc));
            log.verify.start(sourceOf(rpc));
          }}
        >
          <TextField
            label={t('audit.verify.rpc')}
            hint={t('audit.verify.rpc.hint')}
            optional
            type="url"
            dir="ltr"
            spellCheck={false}
            value={rpc}
            onChange={(event) => setRpc(event.target.value)}
            onBlur={() => setSource(sourceOf(rpc))}
          />
          <Button type="submit" tone="primary" icon={ShieldCheck} busy={log.verify.isBusy}>
            {t('audit.verify.button')}
          </Button>
        </form>
        {log.verify.isBusy && <p role="status">{t('audit.verify.running')}</p>}
        {log.verify.error && <ActionStatus act={log.verify} onRetry={() => log.verify.start(sourceOf(rpc))} />}
        {log.verify.data && <Verdict report={log.verify.data} />}
      </Card>
      <Section title={t('audit.filter')}>
        <FilterForm state={state} onChange={setState} />
      </Section>
      <Entries log={log} />
      <Section title={t('audit.checkpoints')} intro={t('audit.checkpoints.intro')}>
        <Resource of={log.checkpoints}>{(all) => <Checkpoints checkpoints={all} />}</Resource>
      </Section>
      <OnlyViewNotice />
      <Notice>{t('audit.limits')}</Notice>
    </Page>
  );
}

/** Returns the source of the chain data: the node that was typed, else the wallet. */
const sourceOf = (rpc: string): ChainSource => (rpc.trim() === '' ? { kind: 'wallet' } : { kind: 'rpc', url: rpc.trim() });

/** Returns the filter from the fields. Incomplete fields are ignored. */
const filterOf = ({ from, until, purpose, record, reader }: FilterState): AuditFilter => ({
  ...(from === null ? {} : { from }),
  ...(until === null ? {} : { until }),
  ...(purpose === 'any' ? {} : { purpose }),
  ...(record.trim() === '' ? {} : { record }),
  ...(reader.trim() === '' ? {} : { reader }),
});

function Entries({ log }: { readonly log: AuditLog }) {
  const { t } = useI18n();
  const [shown, setShown] = useState(PAGE);
  return (
    <Resource of={log.entries}>
      {(entries) =>
        entries.length === 0 ? (
          <Empty icon={ScrollText} title={t('audit.empty.title')}>
            {t('audit.empty.text')}
          </Empty>
        ) : (
          <div className="space-y-3">
            <p role="status" className="text-muted">
              {t('audit.entries', { count: entries.length })}
            </p>
            <CardList label={t('audit.title')}>
              {entries.slice(0, shown).map((entry) => (
                <EntryLine key={entry.index} entry={entry} />
              ))}
            </CardList>
            {entries.length > shown && <Button onClick={() => setShown(shown + PAGE)}>{t('ui.more')}</Button>}
          </div>
        )
      }
    </Resource>
  );
}

function EntryLine({ entry }: { readonly entry: AuditEntry }) {
  const { t, format } = useI18n();
  return (
    <CardItem className="space-y-1">
      <dl className="grid gap-x-4 gap-y-2 sm:grid-cols-[5rem_minmax(0,1.3fr)_minmax(0,1fr)_minmax(0,1fr)]">
        <Cell name={t('audit.col.position')}>{format.number(entry.index)}</Cell>
        <Cell name={t('audit.col.time')}>
          <Moment seconds={entry.time} />
        </Cell>
        <Cell name={t('audit.col.reader')}>
          <bdi dir="ltr" className="font-mono text-sm">
            {short(entry.tag)}
          </bdi>
        </Cell>
        <Cell name={t('audit.col.purpose')}>{entry.purpose === null ? '–' : t(`purpose.${entry.purpose}`)}</Cell>
      </dl>
      <Details>
        <Facts>
          <Fact name={t('audit.col.record')}>
            <Code value={entry.record} />
          </Fact>
          {entry.patient && (
            <Fact name={t('audit.col.patient')}>
              <Code value={entry.patient} />
            </Fact>
          )}
          <Fact name={t('audit.col.reader')}>
            <Code value={entry.tag} />
          </Fact>
          <Fact name={t('activity.proof.leaf')}>
            <Code value={entry.leaf} />
          </Fact>
          <Fact name={t('record.tx')}>
            <Code value={entry.txHash} />
          </Fact>
          <Fact name={t('audit.col.chain')}>{t('audit.block', { number: entry.blockNumber })}</Fact>
        </Facts>
      </Details>
    </CardItem>
  );
}

function Cell({ name, children }: { readonly name: string; readonly children: ReactNode }) {
  return (
    <div className="min-w-0">
      <dt className="text-sm text-muted">{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function Verdict({ report }: { readonly report: VerifiedLog }) {
  const { t } = useI18n();
  const { givenNodes, rpcUrls } = useWallets();
  const isGood = report.findings.length === 0;
  // If the node is one that the server names, the check is not independent of the server.
  const isServers = report.node === null ? givenNodes !== null : rpcUrls.some((url) => URL.parse(url)?.host === report.node);
  return (
    <div className="space-y-3">
      <Notice
        tone={isGood ? 'good' : 'danger'}
        live
        title={isGood ? t('audit.verify.good', { count: report.leaves }) : t('audit.verify.bad', { count: report.findings.length })}
      >
        <p>{report.node === null ? t('audit.verify.by.wallet') : t('audit.verify.by.node', { node: report.node })}</p>
        {report.unchecked > 0 && <p className="font-medium text-caution">{t('audit.verify.unchecked', { count: report.unchecked })}</p>}
        {isServers && <p className="font-medium text-caution">{t('audit.verify.notIndependent')}</p>}
        {isGood ? (
          <p>{t('audit.verify.checkpoints', { count: report.checkpoints })}</p>
        ) : (
          <ul className="list-disc ps-5">
            {report.findings.map((finding, index) => (
              <li key={index}>
                {t(`audit.finding.${finding.kind}`)} {finding.leaf && <Code value={finding.leaf} />}
              </li>
            ))}
          </ul>
        )}
      </Notice>
      <Details>
        <Facts>
          <Fact name={t('audit.verify.root')}>
            <Code value={report.root} />
          </Fact>
        </Facts>
      </Details>
    </div>
  );
}

function Checkpoints({ checkpoints }: { readonly checkpoints: readonly Checkpoint[] }) {
  const { t } = useI18n();
  const [shown, setShown] = useState(10);
  if (checkpoints.length === 0) return <p className="text-muted">{t('audit.checkpoints.none')}</p>;
  const newestFirst = [...checkpoints].sort((a, b) => b.size - a.size);
  return (
    <div className="space-y-3">
      <CardList label={t('audit.checkpoints')}>
        {newestFirst.slice(0, shown).map((checkpoint) => (
          <CardItem key={checkpoint.size}>
            <p className="flex flex-wrap justify-between gap-x-4">
              <span className="font-medium">{t('audit.checkpoint', { count: checkpoint.size })}</span>
              <span className="text-muted">{t('audit.block', { number: checkpoint.blockNumber })}</span>
            </p>
            <Details>
              <Facts>
                <Fact name={t('audit.verify.root')}>
                  <Code value={checkpoint.root} />
                </Fact>
                <Fact name={t('record.tx')}>
                  <Code value={checkpoint.txHash} />
                </Fact>
              </Facts>
            </Details>
          </CardItem>
        ))}
      </CardList>
      {checkpoints.length > shown && <Button onClick={() => setShown(shown + 10)}>{t('ui.more')}</Button>}
    </div>
  );
}
