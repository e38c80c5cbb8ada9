import { Component, type ReactNode } from 'react';
import { useI18n } from '../i18n/I18n.tsx';
import { Button } from '../ui/Button.tsx';
import { Page } from '../ui/Page.tsx';

/** Catches errors that a page throws while it is rendered, so that one broken page does not leave an empty window. */
export class CrashBoundary extends Component<{ readonly children: ReactNode }, { readonly crashed: boolean }> {
  override state = { crashed: false };

  static getDerivedStateFromError(): { crashed: boolean } {
    return { crashed: true };
  }

  override render(): ReactNode {
    return this.state.crashed ? <Crashed /> : this.props.children;
  }
}

function Crashed() {
  const { t } = useI18n();
  return (
    <Page title={t('app.crash.title')} intro={t('app.crash.text')}>
      <Button tone="primary" onClick={() => location.reload()}>
        {t('app.crash.reload')}
      </Button>
    </Page>
  );
}
