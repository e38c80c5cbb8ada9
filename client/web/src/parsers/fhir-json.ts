/** Reads untrusted JSON safely: every value may have another type than expected. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** Returns the value at a path of keys, else `null`. */
export function get(value: Json | undefined, ...path: readonly (string | number)[]): Json {
  let here: Json = value ?? null;
  for (const step of path) {
    if (here === null || typeof here !== 'object') return null;
    if (Array.isArray(here)) here = typeof step === 'number' ? ((here as readonly Json[])[step] ?? null) : null;
    else {
      const object = here as { readonly [key: string]: Json };
      here = Object.hasOwn(object, String(step)) ? (object[String(step)] ?? null) : null;
    }
  }
  return here;
}

/** Returns the text at a path; `null` for anything else. */
export function text(value: Json | undefined, ...path: readonly (string | number)[]): string | null {
  const found = get(value, ...path);
  return typeof found === 'string' && found.trim() !== '' ? found : null;
}

/** Returns the number at a path; `null` for anything else. */
export function number(value: Json | undefined, ...path: readonly (string | number)[]): number | null {
  const found = get(value, ...path);
  return typeof found === 'number' && Number.isFinite(found) ? found : null;
}

/** Returns the items of the array at a path; an empty list if there is no array. */
export function items(value: Json | undefined, ...path: readonly (string | number)[]): readonly Json[] {
  const found = get(value, ...path);
  return Array.isArray(found) ? (found as readonly Json[]) : [];
}
