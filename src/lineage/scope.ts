/**
 * Scopes of a parsed query: which columns of which base relations every output column is made of, through CTEs,
 * subqueries, stars, unions and joins. Knows no parser, no manifest and no warehouse.
 *
 * Every mention of a base relation is an instance of its own, so the two sides of a self join stay apart,
 * and an instance lies in one branch of a union only.
 */
import { distinctColumns, kindOf, lookUp, type Source, substitute, type Table, unknownOrigin } from "./origins.js";
import {
  type ColumnsOf,
  type Equality,
  ephemeralPrefix,
  find,
  type Instance,
  type Join,
  type Origin,
  type OutputColumn,
  type Shape,
} from "./shape.js";
import {
  columnNode,
  columnReference,
  conjuncts,
  content,
  identifier,
  isNode,
  isQuery,
  list,
  type Node,
  traits,
  unwrap,
} from "./syntax.js";

interface Cte {
  readonly query: unknown;
  readonly names: readonly string[];
  readonly scope: Ctes;
}

type Ctes = ReadonlyMap<string, Cte>;

const opaqueTable: Table = { columns: [], opaque: true };

const mostInstances = 300;

/** Null where the query is too tangled to be taken apart (over 300 mentions of relations, or no query at all). */
export function resolveShape(statement: unknown, columnsOf: ColumnsOf): Shape | null {
  const resolver = new Resolver(columnsOf);
  if (!isQuery(statement)) return null;
  const table = resolver.query(statement, new Map());
  if (resolver.instances.size > mostInstances) return null;
  return { columns: table.columns, instances: resolver.instances, joins: resolver.joins };
}

class Resolver {
  readonly instances = new Map<string, Instance>();
  readonly joins: Join[] = [];
  readonly #columnsOf: ColumnsOf;
  readonly #open = new Set<unknown>();

  constructor(columnsOf: ColumnsOf) {
    this.#columnsOf = columnsOf;
  }

  query(value: unknown, outer: Ctes): Table {
    const select = content(value, "select");
    if (select !== null) return this.#select(select, withCtes(select, outer));
    for (const kind of ["union", "except", "intersect"]) {
      const operation = content(value, kind);
      if (operation !== null) return this.#setOperation(kind, operation, withCtes(operation, outer));
    }
    const subquery = content(value, "subquery");
    if (subquery !== null) return this.query(subquery.this, withCtes(subquery, outer));
    return opaqueTable;
  }

  #setOperation(kind: string, operation: Node, ctes: Ctes): Table {
    const left = this.query(operation.left, ctes);
    const right = this.query(operation.right, ctes);
    if (kind !== "union") return left;
    const byName = operation.by_name === true;
    const columns = left.columns.map((column, index) => {
      const other = byName ? find(right.columns, column.name) : right.columns[index];
      return { name: column.name, origins: [...column.origins, ...(other?.origins ?? [])] };
    });
    const more = byName ? right.columns.filter((column) => find(left.columns, column.name) === undefined) : [];
    return { columns: [...columns, ...more], opaque: left.opaque || right.opaque };
  }

  #select(select: Node, ctes: Ctes): Table {
    const sources: Source[] = [];
    for (const item of list(content(select, "from")?.expressions)) sources.push(this.#source(item, ctes));
    for (const item of list(select.joins)) if (isNode(item)) this.#join(item, sources, ctes);
    this.#equalitiesOf(content(select, "where_clause")?.this, sources);
    const columns: OutputColumn[] = [];
    let opaque = false;
    for (const item of list(select.expressions)) {
      const star = content(item, "star");
      if (star !== null) {
        const expanded = this.#star(star, sources, ctes, columns);
        columns.push(...expanded.columns);
        opaque ||= expanded.opaque;
        continue;
      }
      const alias = content(item, "alias");
      const expression = alias === null ? item : alias.this;
      const name = (alias === null ? columnReference(unwrap(expression))?.name : identifier(alias.alias)) ?? "";
      columns.push({ name, origins: this.#origins(expression, sources, ctes, columns) });
    }
    return { columns, opaque };
  }

  #source(item: unknown, ctes: Ctes): Source {
    const before = new Set(this.instances.keys());
    const { table, alias, names } = this.#read(item, ctes);
    const added = new Set([...this.instances.keys()].filter((id) => !before.has(id)));
    return { alias, table: renamed(table, names), instances: added };
  }

  #read(item: unknown, ctes: Ctes): { table: Table; alias: string | null; names: readonly string[] } {
    const relation = content(item, "table");
    if (relation !== null) {
      const name = identifier(relation.name) ?? "";
      const alias = identifier(relation.alias) ?? name;
      return { table: this.#relation(relation, name, ctes), alias, names: identifiers(relation.column_aliases) };
    }
    const subquery = content(item, "subquery");
    if (subquery !== null) {
      const names = identifiers(subquery.column_aliases);
      return {
        table: this.query(subquery.this, withCtes(subquery, ctes)),
        alias: identifier(subquery.alias),
        names,
      };
    }
    const paren = content(item, "paren");
    if (paren !== null) return this.#read(paren.this, ctes);
    const inside = content(item, "alias") ?? content(item, "lateral");
    return { table: opaqueTable, alias: identifier(inside?.alias), names: [] };
  }

  #relation(relation: Node, name: string, ctes: Ctes): Table {
    const reference = { catalog: identifier(relation.catalog), schema: identifier(relation.schema), name };
    const cte =
      reference.schema === null && !name.startsWith(ephemeralPrefix) ? ctes.get(name.toLowerCase()) : undefined;
    if (cte !== undefined) {
      if (this.#open.has(cte.query) || this.instances.size > mostInstances) return opaqueTable;
      this.#open.add(cte.query);
      const table = renamed(this.query(cte.query, cte.scope), cte.names);
      this.#open.delete(cte.query);
      return table;
    }
    const id = `n${this.instances.size + 1}`;
    this.instances.set(id, { id, reference, nullable: false });
    const columns = this.#columnsOf(reference);
    return {
      columns: (columns ?? []).map((column) => ({
        name: column,
        origins: [{ kind: "direct", node: columnNode(id, column), columns: [{ instance: id, column }] }],
      })),
      opaque: columns === null,
    };
  }

  #join(join: Node, sources: Source[], ctes: Ctes): void {
    const right = this.#source(join.this, ctes);
    const left = [...sources];
    const kind = joinKind(join.kind);
    sources.push(right);
    const leftIds = left.flatMap((source) => [...source.instances]);
    if (kind === "left" || kind === "full") this.#makeNullable(right.instances);
    if (kind === "right" || kind === "full") this.#makeNullable(leftIds);
    const natural = join.kind === "Natural" ? shared(left, right) : [];
    const using = [...identifiers(join.using), ...natural];
    const equalities: Equality[] = [];
    let more = false;
    for (const name of using) {
      const one = left.flatMap((source) => find(source.table.columns, name)?.origins ?? [])[0];
      const other = find(right.table.columns, name)?.origins[0];
      if (one !== undefined && other !== undefined) equalities.push({ left: one, right: other });
    }
    for (const condition of join.on === null || join.on === undefined ? [] : conjuncts(join.on)) {
      const equality = this.#equality(condition, sources, right.instances);
      if (equality === null) more = true;
      else equalities.push(equality);
    }
    this.joins.push({ kind, right: right.instances, equalities, more });
  }

  /** `from a, b where a.id = b.id` is a join as well. */
  #equalitiesOf(condition: unknown, sources: readonly Source[]): void {
    if (condition === undefined || sources.length < 2) return;
    for (const source of sources.slice(1)) {
      const equalities = conjuncts(condition).flatMap((item) => this.#equality(item, sources, source.instances) ?? []);
      if (equalities.length > 0) this.joins.push({ kind: "inner", right: source.instances, equalities, more: false });
    }
  }

  #equality(condition: unknown, sources: readonly Source[], right: ReadonlySet<string>): Equality | null {
    const equal = content(condition, "eq") ?? content(condition, "null_safe_eq");
    if (equal === null) return null;
    const one = this.#origins(equal.left, sources, new Map(), [])[0];
    const other = this.#origins(equal.right, sources, new Map(), [])[0];
    if (one === undefined || other === undefined) return null;
    const on = (origin: Origin) =>
      origin.columns.length > 0 && origin.columns.every((column) => right.has(column.instance));
    const off = (origin: Origin) =>
      origin.columns.length > 0 && !origin.columns.some((column) => right.has(column.instance));
    if (on(other) && off(one)) return { left: one, right: other };
    if (on(one) && off(other)) return { left: other, right: one };
    return null;
  }

  #makeNullable(ids: Iterable<string>): void {
    for (const id of ids) {
      const instance = this.instances.get(id);
      if (instance !== undefined) instance.nullable = true;
    }
  }

  #star(star: Node, sources: readonly Source[], ctes: Ctes, earlier: readonly OutputColumn[]): Table {
    const qualifier = identifier(star.table)?.toLowerCase();
    const chosen = sources.filter((source) => qualifier === undefined || source.alias?.toLowerCase() === qualifier);
    const except = new Set(identifiers(star.except).map((name) => name.toLowerCase()));
    const columns: OutputColumn[] = [];
    for (const column of chosen.flatMap((source) => source.table.columns)) {
      if (except.has(column.name.toLowerCase())) continue;
      const replaced = list(star.replace).find(
        (item) => isNode(item) && identifier(item.alias)?.toLowerCase() === column.name.toLowerCase(),
      );
      const origins = isNode(replaced) ? this.#origins(replaced.this, sources, ctes, earlier) : column.origins;
      columns.push({ name: newName(star, column.name), origins });
    }
    return { columns, opaque: chosen.length === 0 || chosen.some((source) => source.table.opaque) };
  }

  #origins(
    expression: unknown,
    sources: readonly Source[],
    ctes: Ctes,
    earlier: readonly OutputColumn[],
  ): readonly Origin[] {
    const bare = unwrap(expression);
    const single = columnReference(bare);
    if (single !== null) return lookUp(single, sources, earlier) ?? [unknownOrigin];
    const found = traits(bare);
    const inner = found.queries.flatMap((query) => this.query(query, ctes).columns[0]?.origins ?? []);
    const references = found.columns.map((reference) => lookUp(reference, sources, earlier) ?? [unknownOrigin]);
    const branches = Math.max(1, ...references.map((origins) => origins.length));
    const even = references.every((origins) => origins.length === 1 || origins.length === branches);
    const innerColumns = inner.flatMap((origin) => origin.columns);
    if (!even) {
      const columns = distinctColumns([...references.flat().flatMap((origin) => origin.columns), ...innerColumns]);
      return [{ kind: "unknown", node: null, columns }];
    }
    return Array.from({ length: branches }, (_, branch) => {
      const parts = references.map((origins) => (origins.length === 1 ? origins[0] : origins[branch]) ?? unknownOrigin);
      const columns = distinctColumns([...parts.flatMap((origin) => origin.columns), ...innerColumns]);
      const kind = kindOf(found, parts, columns.length);
      const computable =
        kind === "expression" && found.queries.length === 0 && parts.every((part) => part.node !== null);
      return { kind, node: computable ? substitute(bare, found.columns, parts) : null, columns };
    });
  }
}

function withCtes(query: Node, outer: Ctes): Ctes {
  const definitions = list(content(query, "with")?.ctes);
  if (definitions.length === 0) return outer;
  const recursive = content(query, "with")?.recursive === true;
  let scope: Ctes = outer;
  for (const definition of definitions) {
    const name = isNode(definition) ? identifier(definition.alias) : null;
    if (!isNode(definition) || name === null) continue;
    const cte = { query: definition.this, names: identifiers(definition.columns), scope };
    const next = new Map(scope).set(name.toLowerCase(), cte);
    scope = recursive ? next.set(name.toLowerCase(), { ...cte, scope: next }) : next;
  }
  return scope;
}

function renamed(table: Table, names: readonly string[]): Table {
  if (names.length === 0) return table;
  return {
    ...table,
    columns: table.columns.map((column, index) => ({ ...column, name: names[index] ?? column.name })),
  };
}

function identifiers(value: unknown): readonly string[] {
  return list(value).flatMap((item) => identifier(item) ?? columnReference(item)?.name ?? []);
}

function newName(star: Node, name: string): string {
  for (const item of list(star.rename)) {
    const [from, to] = Array.isArray(item) ? item : [];
    const folded = identifier(from)?.toLowerCase();
    if (folded === name.toLowerCase()) return identifier(to) ?? name;
  }
  return name;
}

function shared(left: readonly Source[], right: Source): readonly string[] {
  return right.table.columns
    .map((column) => column.name)
    .filter((name) => left.some((source) => find(source.table.columns, name) !== undefined));
}

function joinKind(value: unknown): Join["kind"] {
  const text = String(value).toLowerCase();
  if (text.includes("left")) return "left";
  if (text.includes("right")) return "right";
  return text.includes("full") || text.includes("outer") ? "full" : "inner";
}
