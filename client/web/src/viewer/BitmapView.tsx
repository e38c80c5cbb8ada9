import { useEffect, useRef } from 'react';

/** Pixels of a worker. The bitmap goes to the screen and is gone from here. Without a `label` it is read out elsewhere. */
export function BitmapView({
  bitmap,
  label,
  className,
  width,
}: {
  readonly bitmap: ImageBitmap;
  readonly label?: string;
  readonly className?: string;
  /** Width on the page, as CSS has it. */
  readonly width?: string;
}) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const shown = canvas.current;
    // A bitmap without a size was shown before.
    if (shown === null || bitmap.width === 0) return;
    shown.width = bitmap.width;
    shown.height = bitmap.height;
    if (width !== undefined) shown.style.inlineSize = width;
    shown.getContext('bitmaprenderer')?.transferFromImageBitmap(bitmap);
  }, [bitmap, width]);
  return (
    <canvas
      ref={canvas}
      className={className}
      {...(label === undefined ? { 'aria-hidden': true } : { role: 'img', 'aria-label': label })}
    />
  );
}
