import { Link } from 'react-router';
import { paths } from '../../paths.ts';
import type { Granted } from '../../types/grants.ts';
import { useI18n } from '../../i18n/I18n.tsx';
import { Notice } from '../../ui/Notice.tsx';
import { short } from '../people/person-name.ts';

/** Lists the versions and records that could not be granted with the others, each with the reason. */
export function LeftOut({ leftOut }: Pick<Granted, 'leftOut'>) {
  const { t, failure } = useI18n();
  if (leftOut.length === 0) return null;
  return (
    <Notice tone="danger" live title={t('share.leftOut')}>
      <ul className="list-disc ps-5 text-start">
        {leftOut.map(({ record, version, code }) => (
          <li key={`${record}-${version}`}>
            <Link to={paths.record(record)} className="text-accent underline">
              {short(record)}
            </Link>
            {version !== null && `, ${t('record.version', { number: version })}`}: {failure(code)[0]}
          </li>
        ))}
      </ul>
    </Notice>
  );
}
