import { describe, expect, test } from 'vitest';
import { findKind } from './kind.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const PNG = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0);
const ZIP = Uint8Array.of(0x50, 0x4b, 0x03, 0x04, 0, 0, 0, 0);

describe('what the bytes say wins over the claim', () => {
  test('a picture that claims to be HTML is a picture, and the lie is told', () => {
    expect(findKind(PNG, 'text/html', 'x.html')).toEqual({ kind: 'image', mediaType: 'image/png', lie: 'text/html' });
  });
  test('a PDF without a claim is a PDF', () => {
    expect(findKind(bytes('%PDF-1.7\n'), 'application/octet-stream', 'x')).toEqual({
      kind: 'pdf',
      mediaType: 'application/pdf',
      lie: null,
    });
  });
  test('a JPEG under its old name is no lie', () => {
    expect(findKind(Uint8Array.of(0xff, 0xd8, 0xff, 0xe0), 'image/jpg', 'x.jpg').lie).toBeNull();
  });
  test('text that claims to be a PDF is shown as text, and the lie is told', () => {
    expect(findKind(bytes('hello'), 'application/pdf', 'x.pdf')).toEqual({ kind: 'text', mediaType: 'text/plain', lie: 'application/pdf' });
  });
});

describe('text stays text', () => {
  test('HTML that claims to be plain text is not rendered', () => {
    expect(findKind(bytes('<html><script>'), 'text/plain', 'x.html').kind).toBe('text');
  });
  test('HTML without a claim is not rendered', () => {
    expect(findKind(bytes('<html>'), '', 'x.html').kind).toBe('text');
  });
  test('HTML that says so goes to the sandboxed frame', () => {
    expect(findKind(bytes('<p>'), 'text/html; charset=utf-8', 'x.html').kind).toBe('html');
  });
  test('SVG is a picture, never a document', () => {
    expect(findKind(bytes('<svg>'), 'image/svg+xml', 'x.svg').kind).toBe('svg');
  });
});

describe('FHIR', () => {
  test('by its media type', () => {
    expect(findKind(bytes('{}'), 'application/fhir+json', 'x').kind).toBe('fhir');
  });
  test('by its content', () => {
    expect(findKind(bytes('{ "resourceType": "Bundle" }'), 'application/json', 'x.json').kind).toBe('fhir');
  });
  test('other JSON is text', () => {
    expect(findKind(bytes('{ "a": 1 }'), 'application/json', 'x.json').kind).toBe('text');
  });
});

test('an archive, an empty file and a program are not shown', () => {
  expect(findKind(ZIP, 'application/zip', 'x.zip').kind).toBe('unknown');
  expect(findKind(new Uint8Array(), 'text/plain', 'x.txt').kind).toBe('unknown');
  expect(findKind(Uint8Array.of(0x7f, 0x45, 0x4c, 0x46, 0), 'text/plain', 'x.txt').kind).toBe('unknown');
});
