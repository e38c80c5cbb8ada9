/** Text as text: nothing in it is a link, a picture or markup. The direction follows its first strong letter. */
export function TextView({ text }: { readonly text: string }) {
  return (
    <pre dir="auto" className="max-w-full font-mono text-sm whitespace-pre-wrap">
      {text}
    </pre>
  );
}
