import encodeQR from 'qr';
import { useMemo } from 'react';

/** Shows a text as a QR code: dark on light in both themes, since cameras expect that. */
export function AddressCode({ text, label }: { readonly text: string; readonly label: string }) {
  const { size, path } = useMemo(() => {
    const bits = encodeQR(text, 'raw', { ecc: 'medium', border: 3 });
    const squares = bits.flatMap((row, y) => row.flatMap((dark, x) => (dark ? [`M${x} ${y}h1v1h-1z`] : [])));
    return { size: bits.length, path: squares.join('') };
  }, [text]);
  return (
    <svg role="img" aria-label={label} viewBox={`0 0 ${size} ${size}`} shapeRendering="crispEdges" className="size-56 rounded-xl bg-white">
      <path d={path} fill="#000" />
    </svg>
  );
}
