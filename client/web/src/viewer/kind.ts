/** The way to show a document. `unknown` is not shown at all. */
type Kind = 'pdf' | 'image' | 'svg' | 'text' | 'fhir' | 'html' | 'unknown';

/** The result of examining a document. */
export interface Finding {
  readonly kind: Kind;
  /** The media type for the browser. It is found in the bytes; the claimed type is never used for anything that is drawn. */
  readonly mediaType: string;
  /** The claimed media type, if the bytes contradict it. */
  readonly lie: string | null;
}

/** The number of first bytes that `findKind` needs. */
export const HEAD_BYTES = 1_024;
/** Text and FHIR documents longer than this are offered as a download: a page of that length would be useless. */
export const TEXT_BYTES_MAX = 2 * 1_024 * 1_024;

const SIGNATURES: readonly (readonly [mediaType: string, kind: Kind, at: number, bytes: readonly number[]])[] = [
  ['application/pdf', 'pdf', 0, [0x25, 0x50, 0x44, 0x46, 0x2d]],
  ['image/png', 'image', 0, [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]],
  ['image/jpeg', 'image', 0, [0xff, 0xd8, 0xff]],
  ['image/gif', 'image', 0, [0x47, 0x49, 0x46, 0x38]],
  ['image/webp', 'image', 8, [0x57, 0x45, 0x42, 0x50]],
  ['image/avif', 'image', 4, [0x66, 0x74, 0x79, 0x70, 0x61, 0x76, 0x69, 0x66]],
  ['image/bmp', 'image', 0, [0x42, 0x4d]],
];

/**
 * Decides from the first bytes, the claimed media type and the name how a document is shown.
 *
 * The content is hostile. Therefore the bytes decide if they contradict the claim of the envelope. Text is shown as plain text, unless it
 * claims to be HTML or SVG, and those are shown where nothing in them can run.
 */
export function findKind(head: Uint8Array, claimed: string, fileName: string): Finding {
  const claim = (claimed.split(';')[0] ?? '').trim().toLowerCase();
  const found = SIGNATURES.find(([, , at, bytes]) => bytes.every((byte, i) => head[at + i] === byte));
  if (found) {
    const [mediaType, kind] = found;
    const isGeneric = claim === '' || claim === 'application/octet-stream';
    return { kind, mediaType, lie: isGeneric || claim === mediaType || claim === aliasOf(mediaType) ? null : claim };
  }
  const extension = /\.([a-z0-9]{1,8})$/.exec(fileName.toLowerCase())?.[1] ?? '';
  if (head.length > 0 && looksLikeText(head)) {
    if (claim === 'image/svg+xml' || (claim === '' && extension === 'svg')) {
      return { kind: 'svg', mediaType: 'image/svg+xml', lie: null };
    }
    if (claim === 'text/html' || claim === 'application/xhtml+xml') return { kind: 'html', mediaType: 'text/html', lie: null };
    if (claim === 'application/fhir+json' || (/^(application\/json)?$/.test(claim) && looksLikeFhir(head))) {
      return { kind: 'fhir', mediaType: 'application/fhir+json', lie: null };
    }
    const isBinaryClaim = claim === 'application/pdf' || (claim.startsWith('image/') && claim !== 'image/svg+xml');
    if (claim.startsWith('text/') || /json|xml$/.test(claim) || claim === '' || isBinaryClaim) {
      return { kind: 'text', mediaType: 'text/plain', lie: isBinaryClaim ? claim : null };
    }
  }
  return { kind: 'unknown', mediaType: 'application/octet-stream', lie: null };
}

const aliasOf = (mediaType: string): string => (mediaType === 'image/jpeg' ? 'image/jpg' : 'application/x-pdf');

/** Returns true if there is no NUL and no control character except tab, line feed, form feed and carriage return. */
function looksLikeText(head: Uint8Array): boolean {
  return head.every((byte) => byte >= 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0c || byte === 0x0d);
}

function looksLikeFhir(head: Uint8Array): boolean {
  return /^\s*\{[\s\S]*"resourceType"\s*:/.test(new TextDecoder().decode(head));
}
