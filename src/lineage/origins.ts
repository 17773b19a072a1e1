/**
 * How the value of an expression comes from the columns that stand in it, in one scope of a query.
 */
import { type BaseColumn, find, type Origin, type OriginKind, type OutputColumn } from "./shape.js";
import { columnNode, columnReference, isNode, mapColumns, type Node, type Traits } from "./syntax.js";

export interface Table {
  readonly columns: readonly OutputColumn[];
  /** It may have columns that we do not know. */
  readonly opaque: boolean;
}

export interface Source {
  readonly alias: string | null;
  readonly table: Table;
  readonly instances: ReadonlySet<string>;
}

export const unknownOrigin: Origin = { kind: "unknown", node: null, columns: [] };

export function kindOf(found: Traits, parts: readonly Origin[], columns: number): OriginKind {
  if (found.window || parts.some((part) => part.kind === "window")) return "window";
  if (found.aggregate || parts.some((part) => part.kind === "aggregate")) return "aggregate";
  if (parts.some((part) => part.kind === "unknown")) return "unknown";
  if (found.volatile || columns === 0) return "generated";
  return "expression";
}

export function substitute(
  expression: unknown,
  references: readonly { readonly table: string | null; readonly name: string }[],
  parts: readonly Origin[],
): Node | null {
  let position = 0;
  const replaced = mapColumns(expression, (reference) => {
    const index = references.findIndex(
      (item, at) => at >= position && item.name === reference.name && item.table === reference.table,
    );
    position = index === -1 ? position : index + 1;
    const part = parts[index === -1 ? references.findIndex((item) => item.name === reference.name) : index];
    return part?.node === null || part === undefined ? columnNode("", reference.name) : parenthesised(part.node);
  });
  return isNode(replaced) ? replaced : null;
}

function parenthesised(node: Node): Node {
  return columnReference(node) === null ? { paren: { this: node, trailing_comments: [] } } : node;
}

export function lookUp(
  reference: { readonly table: string | null; readonly name: string },
  sources: readonly Source[],
  earlier: readonly OutputColumn[],
): readonly Origin[] | null {
  if (reference.table !== null) {
    const table = reference.table.toLowerCase();
    const source = sources.find((item) => item.alias?.toLowerCase() === table);
    return source === undefined ? null : (find(source.table.columns, reference.name)?.origins ?? null);
  }
  for (const source of sources) {
    const column = find(source.table.columns, reference.name);
    if (column !== undefined) return column.origins;
  }
  return find(earlier, reference.name)?.origins ?? null;
}

export function distinctColumns(columns: readonly BaseColumn[]): readonly BaseColumn[] {
  return [...new Map(columns.map((column) => [JSON.stringify([column.instance, column.column]), column])).values()];
}
