import { useCallback, useSyncExternalStore } from 'react';

/** The theme that the person chose, or `system` for that of the device. */
export type Theme = 'system' | 'light' | 'dark';

const KEPT_AS = 'medlock.theme';
const dark = matchMedia('(prefers-color-scheme: dark)');
const listeners = new Set<() => void>();

function chosen(): Theme {
  const kept = localStorage.getItem(KEPT_AS);
  return kept === 'light' || kept === 'dark' ? kept : 'system';
}

/** Sets the theme of the document. Called at the start, when the person chooses a theme, and when the device changes its own. */
export function applyTheme(): void {
  const theme = chosen();
  document.documentElement.dataset['theme'] = theme === 'system' ? (dark.matches ? 'dark' : 'light') : theme;
}

dark.addEventListener('change', applyTheme);

/** Returns the chosen theme, and the function that changes it. */
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
