/**
 * Messages: text with `{name}` places, in one form or in one form for each plural class of the language (CLDR, through `Intl.PluralRules`).
 * The other languages must have the keys and places of the English dictionary; the types enforce it.
 */

/** One text for each plural class of the language; `{count}` decides which is used. */
type Plural = { readonly other: string } & { readonly [C in Exclude<Intl.LDMLPluralRule, 'other'>]?: string };

/** A message of any language. */
export type Message = string | Plural;

/** The names in braces in a text. */
type Places<Text> = Text extends `${string}{${infer Name}}${infer Rest}` ? Name | Places<Rest> : never;

/** The values that a message needs: a number for `count`, text or a number for every other place. */
type Values<M> = M extends string
  ? { [P in Places<M>]: string | number }
  : M extends Plural
    ? { [P in Exclude<Places<M['other']>, 'count'>]: string | number } & { count: number }
    : never;

/** The arguments after the key; none for a text without places. */
export type Rest<M> = [keyof Values<M>] extends [never] ? [] : [values: Values<M>];

/** The type of the other languages: the same keys, a text for a text and a plural for a plural. */
export type Translation<Source> = { readonly [K in keyof Source]: Source[K] extends string ? string : Plural };

const FIRST_STRONG_ISOLATE = '\u2068';
const POP_ISOLATE = '\u2069';
/** Letters of right-to-left scripts, and characters that change the direction. */
const TURNS = /[\u0590-\u08ff\u200f\u202a-\u202e\u2066-\u2069\ufb1d-\ufdff\ufe70-\ufefc]/;

/**
 * Inserts values into a message.
 *
 * In right-to-left languages, every inserted text is isolated, so that a Latin name or a number does not move the words around it to the
 * wrong side (Unicode UAX 9). In the other languages, a text is isolated if it contains right-to-left characters.
 */
export function render(
  message: Message,
  values: Readonly<Record<string, string | number>>,
  plural: Intl.PluralRules,
  number: Intl.NumberFormat,
  rightToLeft: boolean,
): string {
  const count = values['count'];
  const text =
    typeof message === 'string' ? message : (message[typeof count === 'number' ? plural.select(count) : 'other'] ?? message.other);
  return text.replace(/\{(\w+)\}/g, (place, name: string) => {
    const value = values[name];
    if (value === undefined) return place;
    const shown = typeof value === 'number' ? number.format(value) : value;
    return rightToLeft || TURNS.test(shown) ? FIRST_STRONG_ISOLATE + shown + POP_ISOLATE : shown;
  });
}
