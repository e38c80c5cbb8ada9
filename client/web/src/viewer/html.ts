import DOMPurify from 'dompurify';

/** Only pictures inside the document are kept. Every other address is removed, including those of links. */
const INLINE_PICTURE = /^data:image\/(?:png|jpeg|gif|webp);base64,[a-z0-9+/=\s]+$/i;

// The library accepts every `data:` address for pictures, whatever the pattern says.
DOMPurify.addHook('uponSanitizeAttribute', (_, attribute) => {
  if (attribute.attrName === 'src' && !INLINE_PICTURE.test(attribute.attrValue)) attribute.keepAttr = false;
});

/**
 * Sanitizes untrusted HTML: removes scripts, styles, forms, frames, links and outside content.
 *
 * The result is still shown only in a frame with an empty `sandbox`, and the document in that frame forbids everything but inline pictures.
 * Each of the three protections would be enough alone.
 */
export function harmlessHtml(source: string): string {
  const body = DOMPurify.sanitize(source, {
    USE_PROFILES: { html: true },
    FORBID_TAGS: [
      'style',
      'link',
      'meta',
      'base',
      'form',
      'input',
      'button',
      'select',
      'textarea',
      'dialog',
      'audio',
      'video',
      'source',
      'picture',
    ],
    FORBID_ATTR: ['style', 'srcset', 'href', 'action', 'target', 'ping', 'autofocus', 'tabindex', 'id', 'name'],
    ALLOWED_URI_REGEXP: INLINE_PICTURE,
    // The library compares every attribute value with that pattern. These attributes contain no address.
    ADD_URI_SAFE_ATTR: ['colspan', 'rowspan', 'dir', 'start', 'lang', 'span', 'width', 'height', 'align', 'valign'],
    ALLOW_DATA_ATTR: false,
    ALLOW_ARIA_ATTR: false,
  });
  const policy = `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:">`;
  return `<!doctype html><html><head><meta charset="utf-8">${policy}<title>document</title></head><body>${body}</body></html>`;
}
