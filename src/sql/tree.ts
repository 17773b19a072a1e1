/**
 * A parsed statement as plain data, and how to look into it. Knows the form of the parser's tree, but not the parser.
 */

/** A node of the parser's tree: an object with one key, its kind (`{select: {…}}`, `{column: {…}}`). */
export type Node = Readonly<Record<string, unknown>>;

export function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Content of a node of that kind; null for any other. */
export function content(value: unknown, kind: string): Node | null {
  if (!isNode(value)) return null;
  const inside = value[kind];
  return isNode(inside) ? inside : null;
}

/** Items of an array; of anything else none. */
export function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** Text of an identifier, which the tree holds as `{name}` or as bare text. */
export function identifier(value: unknown): string | null {
  if (typeof value === "string") return value;
  return isNode(value) && typeof value.name === "string" ? value.name : null;
}

const queryKinds = ["select", "union", "except", "intersect", "subquery", "values"] as const;

export function isQuery(value: unknown): boolean {
  return isNode(value) && queryKinds.some((kind) => content(value, kind) !== null);
}

/** Calls `visit` for every object in the tree; it says whether to go on below. */
export function walk(value: unknown, visit: (node: Node) => boolean): void {
  if (Array.isArray(value)) {
    for (const item of value) walk(item, visit);
    return;
  }
  if (!isNode(value) || !visit(value)) return;
  for (const item of Object.values(value)) walk(item, visit);
}
