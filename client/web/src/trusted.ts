/**
 * The page's default Trusted Types policy: a string may become the address of a worker only when it names a file of
 * our own origin. It makes no HTML and no script, so that every other sink stays closed
 * (`require-trusted-types-for 'script'`). Import this before anything that starts a worker.
 */
interface PolicyFactory {
  createPolicy(name: string, rules: { createScriptURL: (url: string) => string }): unknown;
}

const factory = (globalThis as { trustedTypes?: PolicyFactory }).trustedTypes;
factory?.createPolicy('default', {
  createScriptURL(url) {
    const { protocol, origin, pathname } = new URL(url, location.href);
    // A `blob:` address has the origin of whoever made it: only what was fetched from a server counts.
    const isFetched = protocol === 'https:' || protocol === 'http:';
    const isBuilt = !import.meta.env.PROD || pathname.includes('/assets/');
    if (!isFetched || !isBuilt || origin !== location.origin) {
      throw new TypeError('a worker comes from our own origin only');
    }
    return url;
  },
});

export {};
