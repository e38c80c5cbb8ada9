import { isOpen } from '../../protocol/grants/terms.ts';
import { Download, FilePlus2, FileWarning, FileX2, Share2, Undo2 } from 'lucide-react';
import { useState } from 'react';
import { useParams } from 'react-router';
import { type Hex, isHex } from 'viem';
import { paths } from '../../paths.ts';
import { useGrants } from '../../data/grants.ts';
import { useOpenRecord, useSaveRecord } from '../../data/open-record.ts';
import { usePutBack, useRecord, useRetract, useWithdraw } from '../../data/records.ts';
import { useUploads } from '../../data/uploads.ts';
import type { OpenedRecord, RecordItem } from '../../types/records.ts';
import { useI18n } from '../../i18n/I18n.tsx';
import { ActionStatus } from '../../ui/ActionStatus.tsx';
import { Badge } from '../../ui/Badge.tsx';
import { Button, ButtonLink } from '../../ui/Button.tsx';
import { Card, Section } from '../../ui/Card.tsx';
import { Code, Details, Fact, Facts } from '../../ui/Details.tsx';
import { Dialog } from '../../ui/Dialog.tsx';
import { Moment } from '../../ui/Moment.tsx';
import { Notice } from '../../ui/Notice.tsx';
import { Page } from '../../ui/Page.tsx';
import { Resource } from '../../ui/Resource.tsx';
import { SignSentence } from '../../ui/SignSentence.tsx';
import { Viewer } from '../../viewer/Viewer.tsx';
import { GrantSentence } from '../../components/grants/GrantSentence.tsx';
import { PersonName } from '../../components/people/Person.tsx';
import { SentenceText } from '../../components/people/SentenceText.tsx';
import { saveBlob } from '../../ui/save-blob.ts';
import { FileDrop } from '../../components/uploads/FileDrop.tsx';
import { UploadQueue } from '../../components/uploads/UploadQueue.tsx';
import { AuthorSentence, ForgedAuthor } from './AuthorSentence.tsx';
import { OpenPanel } from './OpenPanel.tsx';
import { useRecordTitle } from '../../components/records/use-record-title.ts';

/** One record: its content, its versions, who can open it, and the actions on it. */
export function RecordPage() {
  const { t } = useI18n();
  const { record: id, patient } = useParams();
  const record = useRecord((isHex(id) ? id : '0x') as Hex);
  if (record.data) return <Known record={record.data} patient={patient} />;
  return (
    <Page title={t('record.title')} back={{ to: paths.records, label: t('nav.records') }}>
      <Resource of={record}>{() => null}</Resource>
    </Page>
  );
}

function Known({ record, patient }: { readonly record: RecordItem; readonly patient: string | undefined }) {
  const { t } = useI18n();
  const title = useRecordTitle(record);
  const open = useOpenRecord();
  const save = useSaveRecord();
  const [shown, setShown] = useState<number | null>(null);
  const [adding, setAdding] = useState(false);
  const [withdrawing, setWithdrawing] = useState(false);
  const [retracting, setRetracting] = useState(false);
  const back =
    patient === undefined ? { to: paths.records, label: t('nav.records') } : { to: paths.patient(record.patient), label: t('nav.doctor') };
  const isWithdrawn = record.status === 'tombstoned';
  const actions = !isWithdrawn && (
    <>
      {record.isMine && (
        <ButtonLink icon={Share2} to={paths.grantRecords([record.id])}>
          {t('record.share')}
        </ButtonLink>
      )}
      {(record.isMine || record.isUploader) && (
        <Button icon={FilePlus2} onClick={() => setAdding(true)}>
          {t('record.addVersion')}
        </Button>
      )}
    </>
  );
  return (
    <Page title={title} back={back} actions={actions}>
      <Card className="space-y-4">
        <RecordFacts record={record} />
        {record.versions.at(-1)?.retracted === true && <Retracted />}
        {isWithdrawn ? <Withdrawn record={record} /> : <OpenPanel record={record} version={shown} open={open} save={save} />}
      </Card>
      <UploadQueue />
      {open.data && <Opened opened={open.data} record={record} />}
      <Versions
        record={record}
        onOpen={
          isWithdrawn || !record.isMine
            ? null
            : (version) => {
                setShown(version);
                open.start({ record: record.id, version });
              }
        }
      />
      {record.isMine && !isWithdrawn && <GrantsOfRecord record={record} />}
      {record.isUploader && !record.isMine && !isWithdrawn && record.versions.at(-1)?.retracted === false && (
        <Button tone="quiet" icon={FileWarning} className="-ms-4" onClick={() => setRetracting(true)}>
          {t('record.retract')}
        </Button>
      )}
      {record.isMine && !isWithdrawn && (
        <Button tone="quiet" icon={FileX2} className="-ms-4" onClick={() => setWithdrawing(true)}>
          {t('record.withdraw')}
        </Button>
      )}
      {adding && <NewVersion record={record} onClose={() => setAdding(false)} />}
      {withdrawing && <Withdraw record={record} onClose={() => setWithdrawing(false)} />}
      {retracting && <Retract record={record} onClose={() => setRetracting(false)} />}
    </Page>
  );
}

/** Notice for a withdrawn record. Its patient can put it back for a limited time. */
function Withdrawn({ record }: { readonly record: RecordItem }) {
  const { t, format } = useI18n();
  const putBack = usePutBack();
  const until = record.liftableUntil;
  const canPutBack = until !== null && until * 1_000 > Date.now();
  return (
    <div className="space-y-4">
      <Badge tone="danger">{t('records.status.tombstoned')}</Badge>
      {record.isMine && <p>{canPutBack ? t('record.withdrawn.until', { until: format.moment(until) }) : t('record.withdrawn.final')}</p>}
      <ActionStatus act={putBack} />
      {record.isMine && canPutBack && (
        <Button icon={Undo2} busy={putBack.isBusy} onClick={() => void putBack.run(record.id).catch(() => undefined)}>
          {t('record.putBack')}
        </Button>
      )}
    </div>
  );
}

/** Warns that the uploader asks people not to rely on a version. */
function Retracted() {
  const { t } = useI18n();
  return <p className="font-medium text-caution">{t('record.retracted')}</p>;
}

function RecordFacts({ record }: { readonly record: RecordItem }) {
  const { t, format } = useI18n();
  const newest = record.versions.at(-1);
  return (
    <Facts>
      <Fact name={t('record.category')}>{t(`category.${record.category}`)}</Fact>
      <Fact name={t('record.added')}>
        <Moment seconds={record.created} />
      </Fact>
      <Fact name={t('record.uploader')}>
        <PersonName address={record.uploader} />
      </Fact>
      {newest?.size != null && <Fact name={t('record.size')}>{format.size(newest.size)}</Fact>}
    </Facts>
  );
}

function Opened({ opened, record }: { readonly opened: OpenedRecord; readonly record: RecordItem }) {
  const { t } = useI18n();
  const version = record.versions.find(({ version }) => version === opened.version);
  return (
    <Section title={t('viewer.document')} intro={<AuthorSentence author={opened.author} />}>
      {opened.author.forged && <ForgedAuthor />}
      {version?.retracted === true && <Retracted />}
      <Card>
        <Viewer blob={opened.blob} mediaType={opened.mediaType} fileName={opened.fileName} />
      </Card>
      <div className="flex flex-wrap items-center gap-x-4 gap-y-2">
        <Button icon={Download} onClick={() => saveBlob(opened.blob, opened.fileName)}>
          {t('record.download')}
        </Button>
        <p className="min-w-0 flex-1 basis-60 text-sm text-muted">{t('record.download.warning')}</p>
      </div>
    </Section>
  );
}

function Versions({ record, onOpen }: { readonly record: RecordItem; readonly onOpen: ((version: number) => void) | null }) {
  const { t, format } = useI18n();
  const newest = record.versions.at(-1)?.version ?? 0;
  return (
    <Section title={t('record.versions')}>
      {record.contradicted.map((number) => (
        <Notice key={number} tone="danger" title={t('record.version.contradicted', { number })} />
      ))}
      <ul className="space-y-3">
        {record.versions.toReversed().map((version) => (
          <li key={version.version} className="rounded-2xl border border-line bg-surface p-4">
            <div className="flex flex-wrap items-center justify-between gap-3">
              <p>
                <span className="font-medium">{t('record.version', { number: version.version })}</span>{' '}
                {version.version === newest && newest > 1 && <Badge tone="accent">{t('record.version.newest')}</Badge>}
                <span className="block text-sm text-muted">
                  <Moment seconds={version.registeredAt} /> <PersonName address={version.uploader} />
                </span>
              </p>
              {onOpen && newest > 1 && <Button onClick={() => onOpen(version.version)}>{t('record.open')}</Button>}
            </div>
            {version.retracted && <Retracted />}
            {record.isMine && !version.hasReleaseShare && <p className="text-sm text-caution">{t('record.shareMissing')}</p>}
            <Details>
              <Facts>
                <Fact name={t('record.id')}>
                  <Code value={record.id} />
                </Fact>
                <Fact name={t('record.cid')}>
                  <Code value={version.cid} />
                </Fact>
                <Fact name={t('record.tx')}>
                  <Code value={version.txHash} />
                </Fact>
                <Fact name={t('record.block')}>{format.number(version.blockNumber)}</Fact>
              </Facts>
            </Details>
          </li>
        ))}
      </ul>
    </Section>
  );
}

function GrantsOfRecord({ record }: { readonly record: RecordItem }) {
  const { t } = useI18n();
  const grants = useGrants('given', record.id);
  return (
    <Section
      title={t('record.sharedWith')}
      actions={
        <ButtonLink tone="quiet" to={paths.access}>
          {t('nav.access')}
        </ButtonLink>
      }
    >
      <Resource of={grants}>
        {(all) => {
          const current = all.filter((grant) => grant.right === 'read' && isOpen(grant.state));
          return current.length === 0 ? (
            <p className="text-muted">{t('record.sharedWith.none')}</p>
          ) : (
            <ul className="space-y-2">
              {current.map((grant) => (
                <li key={grant.id}>
                  <GrantSentence grant={grant} />
                </li>
              ))}
            </ul>
          );
        }}
      </Resource>
    </Section>
  );
}

function NewVersion({ record, onClose }: { readonly record: RecordItem; readonly onClose: () => void }) {
  const { t } = useI18n();
  const uploads = useUploads();
  const version = (record.versions.at(-1)?.version ?? 0) + 1;
  return (
    <Dialog title={t('record.addVersion')} onClose={onClose}>
      <div className="space-y-5">
        <SignSentence>
          <SentenceText
            sentence={{ key: 'sign.add_version', values: { version, record: record.id, patient: record.patient, own: record.isMine } }}
          />{' '}
          <SentenceText sentence={{ key: 'sign.author', values: {} }} />
        </SignSentence>
        <FileDrop
          multiple={false}
          onFiles={([file]) => {
            if (file === undefined) return;
            uploads.add([{ content: file, fileName: file.name, target: { kind: 'version', record: record.id } }]);
            onClose();
          }}
        />
      </div>
    </Dialog>
  );
}

function Withdraw({ record, onClose }: { readonly record: RecordItem; readonly onClose: () => void }) {
  const { t } = useI18n();
  const withdraw = useWithdraw();
  return (
    <Dialog title={t('record.withdraw.title')} onClose={onClose} locked={withdraw.isBusy}>
      <div className="space-y-5">
        <p>{t('record.withdraw.text')}</p>
        <ActionStatus act={withdraw} />
        <div className="flex flex-wrap justify-end gap-3">
          <Button onClick={onClose}>{t('ui.cancel')}</Button>
          <Button tone="danger" busy={withdraw.isBusy} onClick={() => void withdraw.run(record.id).then(onClose, () => undefined)}>
            {t('record.withdraw.button')}
          </Button>
        </div>
      </div>
    </Dialog>
  );
}

function Retract({ record, onClose }: { readonly record: RecordItem; readonly onClose: () => void }) {
  const { t } = useI18n();
  const retract = useRetract();
  return (
    <Dialog title={t('record.retract.title')} onClose={onClose} locked={retract.isBusy}>
      <div className="space-y-5">
        <p>{t('record.retract.text')}</p>
        <ActionStatus act={retract} />
        <div className="flex flex-wrap justify-end gap-3">
          <Button onClick={onClose}>{t('ui.cancel')}</Button>
          <Button tone="danger" busy={retract.isBusy} onClick={() => void retract.run(record.id).then(onClose, () => undefined)}>
            {t('record.retract.button')}
          </Button>
        </div>
      </div>
    </Dialog>
  );
}
