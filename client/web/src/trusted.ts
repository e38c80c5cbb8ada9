/**
 * The page's default Trusted Types policy. It accepts a string as the address of a worker only if it names a file of the page's own origin.
 * It creates no HTML and no script, so everything else stays forbidden (`require-trusted-types-for 'script'`). Import this file before
 * anything that starts a worker.
 */
interface PolicyFactory {
  createPolicy(name: string, rules: { createScriptURL: (url: string) => string }): unknown;
}

const factory = (globalThis as { trustedTypes?: PolicyFactory }).trustedTypes;
factory?.createPolicy('default', {
  createScriptURL(url) {
    const { protocol, origin, pathname } = new URL(url, location.href);
    // A `blob:` address has the origin of the page that made it. Therefore only addresses that are fetched from a server count.
    const isFetched = protocol === 'https:' || protocol === 'http:';
    const isBuilt = !import.meta.env.PROD || pathname.includes('/assets/');
    if (!isFetched || !isBuilt || origin !== location.origin) {
      throw new TypeError('a worker comes from our own origin only');
    }
    return url;
  },
});

export {};
