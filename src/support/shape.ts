/**
 * Whether a value that was read has the shape that its type says, for files into which others may write. Says yes or no,
 * and not what is wrong: where a person is to mend it, zod's schemas tell more.
 */

export type Shape<Value> = (value: unknown) => value is Value;

export const text: Shape<string> = (value) => typeof value === "string";
export const truth: Shape<boolean> = (value) => typeof value === "boolean";
/** What JSON has as numbers is finite, but for 1e999. */
export const number: Shape<number> = (value): value is number => Number.isFinite(value);
/** A number that is no further from 0. */
export function within(most: number): Shape<number> {
  return (value): value is number => number(value) && Math.abs(value) <= most;
}
/** A whole number from 0. */
export const count: Shape<number> = (value): value is number => Number.isSafeInteger(value) && Number(value) >= 0;

export function textLike(pattern: RegExp): Shape<string> {
  return (value): value is string => text(value) && pattern.test(value);
}

export function exactly<const Value>(...allowed: readonly Value[]): Shape<Value> {
  return (value): value is Value => allowed.includes(value as Value);
}

export function either<A, B>(a: Shape<A>, b: Shape<B>): Shape<A | B> {
  return (value): value is A | B => a(value) || b(value);
}

export function listOf<Value>(each: Shape<Value>): Shape<readonly Value[]> {
  return (value): value is readonly Value[] => Array.isArray(value) && value.every(each);
}

export function mapOf<Value>(each: Shape<Value>): Shape<Readonly<Record<string, Value>>> {
  return (value): value is Readonly<Record<string, Value>> => isObject(value) && Object.values(value).every(each);
}

/** Has all of these; what it has besides is of a later version. */
export function object<Value extends object>(
  fields: { readonly [Key in keyof Value]-?: Shape<Value[Key]> },
): Shape<Value> {
  const named = Object.entries(fields) as [string, Shape<unknown>][];
  return (value): value is Value => isObject(value) && named.every(([name, shape]) => shape(value[name]));
}

/** The value that the text is JSON of, where it has the shape; null else. */
export function readShape<Value>(json: string | null, shape: Shape<Value>): Value | null {
  try {
    const value: unknown = json === null ? null : JSON.parse(json);
    return shape(value) ? value : null;
  } catch {
    return null;
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
