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

/** `test: unique_id, group: VA`: what a tool is called with, for a person. Null is left out, and so is what is deep inside. */
export function inWords(value: unknown, depth = 0): string {
  if (value === null || typeof value !== "object") return String(value ?? "");
  if (depth === 4) return "…";
  if (Array.isArray(value)) return value.map((each) => inWords(each, depth + 1)).join("; ");
  const told = Object.entries(value).filter(([, each]) => each !== null && each !== undefined);
  return told.map(([name, each]) => `${name}: ${inWords(each, depth + 1)}`).join(", ");
}
