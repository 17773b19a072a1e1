/**
 * Compiled SQL in, shape out (which base columns make each output column), and resolved expressions back to SQL.
 * Why not the parser's own lineage function: it folds quoted names to lower case and
 * recurses where an alias is called like a CTE, so only its parser and generator are used; the scopes are ours.
 * Knows no manifest and no warehouse.
 */
import type { Dialect } from "../model/warehouse.js";
import { loadParser } from "../sql/parser.js";
import { withStoredNames } from "../sql/stored-names.js";
import { resolveShape } from "./scope.js";
import { type ColumnsOf, ephemeralPrefix, type Reference, type Shape } from "./shape.js";
import {
  type ColumnReference,
  content,
  identifier,
  isNode,
  list,
  mapColumns,
  type Node,
  traits,
  walk,
} from "./syntax.js";

/** A relation's name where it stands in the SQL: characters of the text, and whether an alias follows. */
export interface Mention extends Reference {
  readonly start: number;
  readonly end: number;
  readonly hasAlias: boolean;
}

export interface ColumnLineage {
  /** Every base relation that the query reads; null where the SQL cannot be parsed. */
  references(sql: string): readonly Reference[] | null;
  /** Every name that stands where a relation may, subqueries in conditions and names of CTEs included. */
  mentions(sql: string): readonly Mention[];
  shape(sql: string, columnsOf: ColumnsOf): Shape | null;
  /** SQL of a resolved expression; null where the generator refuses. */
  expression(node: Node): string | null;
  /** Columns that an expression of a test mentions; null where it cannot be parsed. */
  columnsOfExpression(sql: string): readonly ColumnReference[] | null;
  /** The expression with every column replaced by the SQL given for it; null where it cannot be parsed. */
  rewrite(sql: string, column: (name: string) => string): string | null;
}

/** dbt writes these itself, always in the same way, and they are no names of the warehouse. */
const isEphemeral = (name: string) => name.startsWith(ephemeralPrefix);

/** Loads the parser (0.3–0.7 s, once a process). */
export async function loadColumnLineage(dialect: Dialect["name"]): Promise<ColumnLineage> {
  const { parse, generate } = await loadParser(dialect);
  const statements = new Map<string, unknown>();

  /** The parsed query; null where it is not exactly one statement. */
  function parsed(sql: string): unknown {
    if (!statements.has(sql)) statements.set(sql, withStoredNames(parse(sql), dialect, isEphemeral));
    return statements.get(sql);
  }

  function expressionOf(sql: string): unknown {
    const first = list(content(parsed(`select ${sql} as checked`), "select")?.expressions)[0];
    return content(first, "alias")?.this ?? null;
  }

  /** SQL that is nested a thousand levels deep overflows the stack; it counts as not readable. */
  function resolved(sql: string, columnsOf: ColumnsOf): Shape | null {
    try {
      return resolveShape(parsed(sql), columnsOf);
    } catch {
      return null;
    }
  }

  return {
    references(sql) {
      const shape = resolved(sql, () => null);
      return shape === null ? null : [...shape.instances.values()].map((instance) => instance.reference);
    },
    mentions(sql) {
      const found: Mention[] = [];
      // The parser counts code points.
      const points = /[\ud800-\udbff]/.test(sql) ? [...sql] : null;
      const offset = (point: number) => (points === null ? point : points.slice(0, point).join("").length);
      walk(parsed(sql), (node) => {
        const table = content(node, "table");
        const name = table === null ? null : identifier(table.name);
        if (table === null || name === null) return true;
        const parts = [table.catalog, table.schema, table.name].filter(isNode);
        const spans = parts.flatMap((part) => (isNode(part.span) ? [part.span] : []));
        const [start, end] = [spans[0]?.start, spans.at(-1)?.end];
        if (typeof start !== "number" || typeof end !== "number") return true;
        const reference = { catalog: identifier(table.catalog), schema: identifier(table.schema), name };
        found.push({ ...reference, start: offset(start), end: offset(end), hasAlias: table.alias !== null });
        return true;
      });
      return found;
    },
    shape: resolved,
    expression: (node) => generate(node),
    columnsOfExpression(sql) {
      const expression = expressionOf(`(${sql})`);
      const found = expression === null ? null : traits(expression);
      return found === null || found.queries.length > 0 ? null : found.columns;
    },
    rewrite(sql, column) {
      const expression = expressionOf(`(${sql})`);
      if (expression === null) return null;
      const replacement = (reference: ColumnReference): Node => {
        const node = expressionOf(column(reference.name));
        return isNode(node) ? node : { column: { name: { name: reference.name, quoted: true } } };
      };
      return generate(mapColumns(expression, replacement));
    },
  };
}
