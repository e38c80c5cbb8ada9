import { LoaderCircle } from 'lucide-react';

/** Rotates while something is running. It has no text for screen readers: the component around it describes what is running. */
export function Spinner() {
  return <LoaderCircle aria-hidden size={20} className="shrink-0 animate-spin" />;
}
