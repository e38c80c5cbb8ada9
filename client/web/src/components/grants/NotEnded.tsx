import type { Revoked } from '../../types/grants.ts';
import { useI18n } from '../../i18n/I18n.tsx';
import { Notice } from '../../ui/Notice.tsx';

/** Lists the permissions that could not be ended with the others and still count, each with the reason. */
export function NotEnded({ notEnded }: Pick<Revoked, 'notEnded'>) {
  const { t, failure } = useI18n();
  if (notEnded.length === 0) return null;
  return (
    <Notice tone="danger" live title={t('access.stop.notEnded')}>
      <ul className="list-disc ps-5 text-start">
        {notEnded.map(({ grants, code }, index) => (
          <li key={index}>
            {t('access.stop.notEnded.count', { count: grants })} {failure(code)[0]}
          </li>
        ))}
      </ul>
    </Notice>
  );
}
