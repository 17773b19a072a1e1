/**
 * `${NAME}` in values of text → the environment variable. `$${` is a plain `${`. Nothing is substituted in keys.
 * Values of variables may be secrets: they are in no message made here.
 */
import type { Path } from "./source-text.js";

export interface Substituted {
  readonly value: unknown;
  /** Variables that were used, with their values: what a redactor has to hide. */
  readonly used: ReadonlyMap<string, string>;
  /** Where each of them stands. */
  readonly uses: ReadonlyMap<string, readonly Path[]>;
  readonly problems: readonly VariableProblem[];
}

export interface VariableProblem {
  readonly path: Path;
  /** As written, `${NAME}`. */
  readonly reference: string;
  readonly kind: "missing" | "malformed";
  /** Null where the reference is malformed. */
  readonly name: string | null;
}

const reference = /\$\$\{|\$\{([^}]*)\}?/g;
const validName = /^[A-Za-z_][A-Za-z0-9_]*$/;

export function substituteVariables(value: unknown, env: Readonly<Record<string, string | undefined>>): Substituted {
  const used = new Map<string, string>();
  const uses = new Map<string, Path[]>();
  const problems: VariableProblem[] = [];

  const inText = (text: string, path: Path): string =>
    text.replaceAll(reference, (written: string, name: string | undefined) => {
      if (written === "$${") return "${";
      if (name === undefined || !written.endsWith("}") || !validName.test(name)) {
        problems.push({ path, reference: written, kind: "malformed", name: null });
        return written;
      }
      const found = Object.hasOwn(env, name) ? env[name] : undefined;
      if (found === undefined) {
        problems.push({ path, reference: written, kind: "missing", name });
        return written;
      }
      used.set(name, found);
      uses.set(name, [...(uses.get(name) ?? []), path]);
      return found;
    });

  const walk = (part: unknown, path: Path): unknown => {
    if (typeof part === "string") return inText(part, path);
    if (Array.isArray(part)) return part.map((item, index) => walk(item, [...path, index]));
    if (typeof part !== "object" || part === null) return part;
    return Object.fromEntries(Object.entries(part).map(([key, item]) => [key, walk(item, [...path, key])]));
  };
  return { value: walk(value, []), used, uses, problems };
}
