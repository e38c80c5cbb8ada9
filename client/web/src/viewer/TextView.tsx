/** Shows plain text: nothing in it becomes a link, a picture or markup. Its first strong letter decides the direction. */
export function TextView({ text }: { readonly text: string }) {
  return (
    <pre dir="auto" className="max-w-full font-mono text-sm whitespace-pre-wrap">
      {text}
    </pre>
  );
}
