import { LoaderCircle } from 'lucide-react';

/** Turns while something runs. Says nothing aloud: whoever shows it says what is going on. */
export function Spinner() {
  return <LoaderCircle aria-hidden size={20} className="shrink-0 animate-spin" />;
}
