/** Derives the name and the type of a document for its metadata. Mirrors `client/src/upload/media_type.rs`. */
import { fhirResourceType } from '../parsers/fhir.ts';

/** The maximum length of JSON that is parsed to find its type. */
const FHIR_BYTES_MAX = 1 << 20;

const TYPES: Readonly<Record<string, string>> = {
  pdf: 'application/pdf',
  json: 'application/json',
  xml: 'application/xml',
  zip: 'application/zip',
  dcm: 'application/dicom',
  dicom: 'application/dicom',
  png: 'image/png',
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
  gif: 'image/gif',
  webp: 'image/webp',
  svg: 'image/svg+xml',
  tif: 'image/tiff',
  tiff: 'image/tiff',
  txt: 'text/plain',
  md: 'text/markdown',
  csv: 'text/csv',
  html: 'text/html',
  htm: 'text/html',
  mp4: 'video/mp4',
};

/** Returns the media type for a file name's extension, the same that the command line uses. */
export function mediaTypeOf(fileName: string): string {
  const extension = /\.([^.]+)$/.exec(fileName)?.[1]?.toLowerCase() ?? '';
  return TYPES[extension] ?? 'application/octet-stream';
}

/**
 * Returns the `resourceType` of a FHIR resource in JSON; `null` for anything else. It is parsed in a worker, because the file is untrusted.
 */
export async function fhirTypeOf(mediaType: string, content: Blob): Promise<string | null> {
  const isJson = mediaType === 'application/json' || mediaType === 'application/fhir+json';
  if (!isJson || content.size > FHIR_BYTES_MAX) return null;
  try {
    return await fhirResourceType(await content.text());
  } catch {
    return null;
  }
}

const FORBIDDEN = /[/\\\p{Cc}\p{Cs}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/** Returns a file's name in the form that an envelope may hold: no path, no control characters, not too long. */
export function storedName(name: string): string {
  let clean = name.replace(FORBIDDEN, '_').trim();
  while (new TextEncoder().encode(clean).length > 255) clean = clean.slice(0, -1);
  return clean === '' || clean === '.' || clean === '..' ? 'document' : clean;
}
