import { createContext, use, useCallback, useRef, useState, type ReactNode } from 'react';

const Context = createContext<(text: string) => void>(() => undefined);

/** The number of sentences that are kept at the same time. */
const LINES_MAX = 4;

/**
 * A live region that reads events aloud. Each sentence is a line of its own. So a following "Done." does not remove the sentence before it,
 * and a repeated sentence is read again.
 */
export function LiveRegion({ children }: { readonly children: ReactNode }) {
  const [lines, setLines] = useState<readonly { readonly id: number; readonly text: string }[]>([]);
  const next = useRef(0);
  const announce = useCallback((text: string) => {
    next.current += 1;
    const line = { id: next.current, text };
    setLines((said) => [...said.slice(1 - LINES_MAX), line]);
  }, []);
  return (
    <Context value={announce}>
      {children}
      <div aria-live="polite" role="log" className="sr-only" data-testid="live">
        {lines.map(({ id, text }) => (
          <p key={id}>{text}</p>
        ))}
      </div>
    </Context>
  );
}

/** Returns the function that reads a sentence aloud. */
export const useAnnounce = (): ((text: string) => void) => use(Context);
