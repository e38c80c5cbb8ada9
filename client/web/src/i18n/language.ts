import type { FailureSentences } from './failures/sentences.ts';
import type { Translation } from './message.ts';
import { en, type Source } from './en.ts';
import { failuresEn } from './failures/en.ts';

/** All texts of a language. */
export interface Dictionary {
  readonly messages: Translation<Source>;
  readonly failures: FailureSentences;
}

/** The languages of the screens: BCP 47 tags, with the name of each language in itself. */
export const LANGUAGES = { en: 'English', hi: 'हिन्दी', ar: 'العربية', es: 'Español' } as const;
/** The tag of one of these languages. */
export type Language = keyof typeof LANGUAGES;

/** Returns whether the language is written from right to left. */
export const isRightToLeft = (language: Language): boolean => language === 'ar';

/** English. It is part of the app and need not be fetched. */
export const ENGLISH: Dictionary = { messages: en, failures: failuresEn };

/** Loads the texts of a language. All languages except English are separate files, so that nobody loads all four. */
export async function load(language: Language): Promise<Dictionary> {
  switch (language) {
    case 'en':
      return ENGLISH;
    case 'hi': {
      const [{ hi }, { failuresHi }] = await Promise.all([import('./hi.ts'), import('./failures/hi.ts')]);
      return { messages: hi, failures: failuresHi };
    }
    case 'ar': {
      const [{ ar }, { failuresAr }] = await Promise.all([import('./ar.ts'), import('./failures/ar.ts')]);
      return { messages: ar, failures: failuresAr };
    }
    case 'es': {
      const [{ es }, { failuresEs }] = await Promise.all([import('./es.ts'), import('./failures/es.ts')]);
      return { messages: es, failures: failuresEs };
    }
  }
}

const KEPT_AS = 'medlock.language';

const isLanguage = (text: string | null | undefined): text is Language => text != null && Object.hasOwn(LANGUAGES, text);

/** Returns the language that the person chose before, else the browser's first language that the app has, else English. */
export function preferred(): Language {
  const kept = localStorage.getItem(KEPT_AS);
  if (isLanguage(kept)) return kept;
  return navigator.languages.map((tag) => tag.split('-')[0]).find(isLanguage) ?? 'en';
}

/** Stores the choice on this device. */
export function keep(language: Language): void {
  localStorage.setItem(KEPT_AS, language);
}
