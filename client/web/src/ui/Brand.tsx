/** The name of the app in every language. */
const NAME = 'medlock';

/** The name with its logo: a lock whose body is a document. */
export function Brand() {
  return (
    <span className="inline-flex items-center gap-2.5 text-lg font-semibold tracking-tight text-ink">
      <svg aria-hidden viewBox="0 0 32 32" className="size-8 shrink-0">
        <rect width="32" height="32" rx="8" className="fill-accent" />
        <path d="M11 14v-3a5 5 0 0 1 10 0v3" className="fill-none stroke-on-accent stroke-2" />
        <rect x="8.5" y="13.5" width="15" height="11.5" rx="2.5" className="fill-on-accent" />
        <path d="M16 16.25v6M13 19.25h6" className="stroke-accent stroke-2" />
      </svg>
      <span translate="no">{NAME}</span>
    </span>
  );
}
