import { createContext, use, useCallback, useEffect, useMemo, useState, type ReactNode } from 'react';
import type { FailureCode } from '../failure.ts';
import { makeFormat, type Format } from './format.ts';
import type { Key, Source } from './en.ts';
import { ENGLISH, isRightToLeft, keep, load, preferred, type Dictionary, type Language } from './language.ts';
import { render, type Rest } from './message.ts';

/** Returns the text of a key, with its places filled. */
type Translate = <K extends Key>(key: K, ...values: Rest<Source[K]>) => string;

/** Texts, formats and settings of the language on screen. */
interface I18n {
  readonly language: Language;
  readonly t: Translate;
  readonly format: Format;
  /** Returns the two sentences of a failure: the problem, and the next step. */
  readonly failure: (code: FailureCode) => readonly [what: string, next: string];
  readonly choose: (language: Language) => void;
}

/** Returns the translation function of a language. Pages get it from `useI18n`; tests may make their own. */
function makeTranslate(language: Language, { messages }: Dictionary): Translate {
  const plural = new Intl.PluralRules(language);
  const number = new Intl.NumberFormat(language);
  const rightToLeft = isRightToLeft(language);
  return (key, ...[values]) => render(messages[key], values ?? {}, plural, number, rightToLeft);
}

const Context = createContext<I18n | null>(null);

/** Provides language, direction and texts to everything below it, and sets the language of the document. */
export function I18nProvider({ children }: { readonly children: ReactNode }): ReactNode {
  const [wanted, setWanted] = useState<Language>(preferred);
  const [shown, setShown] = useState<readonly [Language, Dictionary] | null>(wanted === 'en' ? ['en', ENGLISH] : null);

  useEffect(() => {
    let current = true;
    load(wanted).then(
      (dictionary) => {
        if (current) setShown([wanted, dictionary]);
      },
      // The file of that language could not be fetched. The language on screen, or English, is used instead.
      () => {
        if (current) setShown((before) => before ?? ['en', ENGLISH]);
      },
    );
    return () => {
      current = false;
    };
  }, [wanted]);

  useEffect(() => {
    if (shown === null) return;
    document.documentElement.lang = shown[0];
    document.documentElement.dir = isRightToLeft(shown[0]) ? 'rtl' : 'ltr';
  }, [shown]);

  const choose = useCallback((language: Language) => {
    keep(language);
    setWanted(language);
  }, []);

  const value = useMemo<I18n | null>(() => {
    if (shown === null) return null;
    const [language, dictionary] = shown;
    return {
      language,
      t: makeTranslate(language, dictionary),
      format: makeFormat(language),
      failure: (code) => dictionary.failures[code],
      choose,
    };
  }, [shown, choose]);
  return value && <Context value={value}>{children}</Context>;
}

/** Returns the texts and formats of the language on screen. */
export function useI18n(): I18n {
  const i18n = use(Context);
  if (i18n === null) throw new Error('useI18n is used inside I18nProvider');
  return i18n;
}
