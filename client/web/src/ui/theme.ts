import { useCallback, useSyncExternalStore } from 'react';

/** What the person chose: a theme, or that of the device. */
export type Theme = 'system' | 'light' | 'dark';

const KEPT_AS = 'medlock.theme';
const dark = matchMedia('(prefers-color-scheme: dark)');
const listeners = new Set<() => void>();

function chosen(): Theme {
  const kept = localStorage.getItem(KEPT_AS);
  return kept === 'light' || kept === 'dark' ? kept : 'system';
}

/** Puts the theme on the document: at the start, when it is chosen, and when the device changes its own. */
export function applyTheme(): void {
  const theme = chosen();
  document.documentElement.dataset['theme'] = theme === 'system' ? (dark.matches ? 'dark' : 'light') : theme;
}

dark.addEventListener('change', applyTheme);

/** The choice, and the function that changes it. */
export function useTheme(): readonly [Theme, (theme: Theme) => void] {
  const theme = useSyncExternalStore((listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, chosen);
  const choose = useCallback((next: Theme) => {
    if (next === 'system') localStorage.removeItem(KEPT_AS);
    else localStorage.setItem(KEPT_AS, next);
    applyTheme();
    for (const listener of listeners) listener();
  }, []);
  return [theme, choose];
}
