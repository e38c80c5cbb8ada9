import { useEffect, useRef } from 'react';

/**
 * Shows a bitmap from a worker. The bitmap is moved to the screen and cannot be used afterwards. Leave `label` out if the content is read
 * aloud elsewhere.
 */
export function BitmapView({
  bitmap,
  label,
  className,
  width,
}: {
  readonly bitmap: ImageBitmap;
  readonly label?: string;
  readonly className?: string;
  /** Width on the page, as a CSS value. */
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
