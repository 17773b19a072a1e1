/** Reads values of JSON that anybody may have written: what is not as expected is nothing. Knows no format. */
export type Json = Readonly<Record<string, unknown>>;

/** The object that a text is; null where it is none. */
export function jsonLine(line: string): Json | null {
  if (!line.trimStart().startsWith("{")) return null;
  try {
    return record(JSON.parse(line));
  } catch {
    return null;
  }
}

export function record(value: unknown): Json {
  return value !== null && typeof value === "object" && !Array.isArray(value) ? (value as Json) : {};
}

export function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

export function text(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}

export function number(value: unknown): number | null {
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}
