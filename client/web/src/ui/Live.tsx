import { createContext, use, useCallback, useRef, useState, type ReactNode } from 'react';

const Context = createContext<(text: string) => void>(() => undefined);

/**
 * One region that reads aloud what happened. A message that stands there already is read again: the text is set anew
 * in the other of two lines.
 */
export function LiveRegion({ children }: { readonly children: ReactNode }) {
  const [lines, setLines] = useState<readonly [string, string]>(['', '']);
  const turn = useRef(false);
  const announce = useCallback((text: string) => {
    turn.current = !turn.current;
    setLines(turn.current ? [text, ''] : ['', text]);
  }, []);
  return (
    <Context value={announce}>
      {children}
      <div aria-live="polite" role="status" className="sr-only" data-testid="live">
        <p>{lines[0]}</p>
        <p>{lines[1]}</p>
      </div>
    </Context>
  );
}

/** Gives the function that reads a sentence aloud. */
export const useAnnounce = (): ((text: string) => void) => use(Context);
