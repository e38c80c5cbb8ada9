import { useI18n } from '../i18n/I18n.tsx';
import { LANGUAGES, type Language } from '../i18n/language.ts';
import { Select } from '../ui/Field.tsx';
import { useTheme, type Theme } from '../ui/theme.ts';

const LANGUAGE_OPTIONS = Object.entries(LANGUAGES) as readonly (readonly [Language, string])[];

/** Chooses the language. Each language is listed under its own name. */
export function LanguageChooser() {
  const { t, language, choose } = useI18n();
  return <Select label={t('app.language')} options={LANGUAGE_OPTIONS} value={language} onChoose={choose} />;
}

/** Chooses the light theme, the dark theme, or that of the device. */
export function ThemeChooser() {
  const { t } = useI18n();
  const [theme, choose] = useTheme();
  const options: readonly (readonly [Theme, string])[] = [
    ['system', t('app.theme.system')],
    ['light', t('app.theme.light')],
    ['dark', t('app.theme.dark')],
  ];
  return <Select label={t('app.theme')} options={options} value={theme} onChoose={choose} />;
}
