/**
 * What a walk works with: the project's resources as things that can be read by SQL, with columns and shapes memoised,
 * and a query function that counts. Knows no rules.
 */
import type { Project, Relation, Resource } from "../model/project.js";
import { relationKey } from "../model/relation.js";
import { failed, ok, type Result } from "../model/result.js";
import type { Column, Dialect, Query, QueryResult } from "../model/warehouse.js";
import type { ColumnLineage } from "./column-lineage.js";
import { ephemeralPrefix, find, type Reference, type Shape } from "./shape.js";

/** Answers by the SQL that was asked. */
export type Answers = Map<string, Promise<Result<QueryResult>>>;

export type Describe = (relations: readonly Relation[]) => Promise<Result<ReadonlyMap<string, readonly Column[]>>>;

/** A resource's shape, with every instance of a base relation matched to a resource where the project has one. */
export interface ResourceShape {
  readonly shape: Shape;
  /** Instance id → resource; absent where the SQL names a relation that the project does not know. */
  readonly parents: ReadonlyMap<string, Resource>;
}

/** A query inside a model, as a resource of its own: one of its CTEs, or what is left of the model without them. */
export interface Part {
  /** The query alone: names of other CTEs stand in it as if they were relations. */
  readonly body: string;
  /** These names, in lower case, and the parts behind them. */
  readonly reads: ReadonlyMap<string, Resource>;
}

export class Workspace {
  readonly project: Project;
  readonly dialect: Dialect;
  readonly lineage: ColumnLineage;
  readonly #query: Query;
  readonly #describe: Describe;
  readonly #maxQueries: number;
  readonly #parts: ReadonlyMap<string, Part>;
  readonly #names: ReadonlyMap<string, string>;
  readonly #byRelation = new Map<string, Resource>();
  readonly #columns = new Map<string, Promise<readonly Column[] | null>>();
  readonly #shapes = new Map<string, Promise<Result<ResourceShape>>>();
  readonly #answers: Answers;
  queries = 0;

  constructor(parts: {
    readonly project: Project;
    readonly dialect: Dialect;
    readonly lineage: ColumnLineage;
    readonly query: Query;
    readonly describe: Describe;
    readonly maxQueries: number;
    /** Parts by the id of their resource, where a model is taken apart. */
    readonly parts?: ReadonlyMap<string, Part>;
    /** Names that stand for resources whose rows are computed anew; see recompute.ts. */
    readonly names?: ReadonlyMap<string, string>;
    /** What another walk on the same data has been told already. */
    readonly answers?: Answers;
  }) {
    this.project = parts.project;
    this.dialect = parts.dialect;
    this.lineage = parts.lineage;
    this.#query = parts.query;
    this.#describe = parts.describe;
    this.#maxQueries = parts.maxQueries;
    this.#parts = parts.parts ?? new Map();
    this.#names = parts.names ?? new Map();
    this.#answers = parts.answers ?? new Map();
    for (const resource of parts.project.resources.values()) {
      if (resource.relation === null || resource.type === "test") continue;
      for (const key of keysOf(resource.relation)) this.#byRelation.set(key, resource);
    }
  }

  /** Runs one SELECT, unless the budget of the test is spent; the same SQL is run once. */
  query(sql: string): Promise<Result<QueryResult>> {
    const known = this.#answers.get(sql);
    if (known !== undefined) return known;
    if (this.queries >= this.#maxQueries) {
      return Promise.resolve(
        failed("query-refused", `the budget of ${this.#maxQueries} queries for this test is spent`),
      );
    }
    this.queries += 1;
    const answer = this.#query(sql, { maxRows: 100_000 }).then((result) =>
      result.ok && result.value.truncated
        ? failed("query-failed", "the answer has too many groups to be read whole")
        : result,
    );
    this.#answers.set(sql, answer);
    return answer;
  }

  /** What stands behind FROM for a resource; null where it has neither a relation nor compiled SQL. */
  from(resource: Resource): string | null {
    const name = this.#names.get(resource.id);
    if (name !== undefined) return name;
    if (resource.relation !== null && resource.materialized !== "ephemeral")
      return this.dialect.relation(resource.relation);
    return this.compiled(resource);
  }

  /** The compiled SQL as a derived table. */
  compiled(resource: Resource): string | null {
    const sql = resource.compiledCode?.trim().replace(/;\s*$/, "");
    // The line break ends a comment that the SQL may close with.
    return sql === undefined || sql === "" ? null : `(\n${sql}\n)`;
  }

  /** Null where the warehouse does not know the relation (or may not show it). */
  columns(resource: Resource): Promise<readonly Column[] | null> {
    const known = this.#columns.get(resource.id);
    if (known !== undefined) return known;
    const columns = this.#readColumns(resource);
    this.#columns.set(resource.id, columns);
    return columns;
  }

  async #readColumns(resource: Resource): Promise<readonly Column[] | null> {
    if (resource.relation !== null && resource.materialized !== "ephemeral") {
      const key = relationKey(resource.relation);
      const described = await this.#describe([resource.relation]);
      return described.ok ? (described.value.get(key) ?? null) : null;
    }
    const shape = await this.shape(resource);
    if (!shape.ok) return null;
    return shape.value.shape.columns.map((column) => ({ name: column.name, type: "" }));
  }

  /** The actual spelling of a column; null where the resource has no such column. */
  async column(resource: Resource, name: string): Promise<Column | null> {
    return find((await this.columns(resource)) ?? [], name) ?? null;
  }

  /** Columns, in lower case, by which no row can be told from another: documents in a type without equality, say. */
  async incomparable(resource: Resource): Promise<readonly string[]> {
    const columns = (await this.columns(resource)) ?? [];
    return columns.filter(({ type }) => !this.dialect.isComparable(type)).map(({ name }) => name.toLowerCase());
  }

  shape(resource: Resource): Promise<Result<ResourceShape>> {
    const known = this.#shapes.get(resource.id);
    if (known !== undefined) return known;
    const shape = this.#readShape(resource);
    this.#shapes.set(resource.id, shape);
    return shape;
  }

  async #readShape(resource: Resource): Promise<Result<ResourceShape>> {
    if (resource.language === "python") return failed("query-refused", `${resource.name} is a Python model`);
    const sql = this.#parts.get(resource.id)?.body ?? resource.compiledCode;
    if (sql === null || sql.trim() === "")
      return failed("artifacts-missing", `there is no compiled SQL of ${resource.name}`);
    const references = this.lineage.references(sql);
    if (references === null)
      return failed("query-refused", `the compiled SQL of ${resource.name} cannot be taken apart`);
    const columns = new Map<Resource, readonly Column[] | null>();
    for (const reference of references) {
      const parent = this.resolve(reference, resource);
      // An incremental model reads itself: that is no parent.
      if (parent !== null && parent.id !== resource.id) columns.set(parent, await this.columns(parent));
    }
    const columnsOf = (reference: Reference) => {
      const parent = this.resolve(reference, resource);
      return (parent === null ? null : columns.get(parent))?.map((column) => column.name) ?? null;
    };
    const shape = this.lineage.shape(sql, columnsOf);
    if (shape === null) return failed("query-refused", `the compiled SQL of ${resource.name} cannot be taken apart`);
    const parents = new Map<string, Resource>();
    for (const instance of shape.instances.values()) {
      const parent = this.resolve(instance.reference, resource);
      if (parent !== null && parent.id !== resource.id) parents.set(instance.id, parent);
    }
    return ok({ shape, parents });
  }

  /** The resource behind a relation's name in the SQL of `reader`. */
  resolve(reference: Reference, reader: Resource): Resource | null {
    if (reference.schema === null) {
      const part = this.#parts.get(reader.id)?.reads.get(reference.name.toLowerCase());
      if (part !== undefined) return part;
    }
    if (reference.schema === null && reference.name.startsWith(ephemeralPrefix)) {
      const name = reference.name.slice(ephemeralPrefix.length);
      const all = [...this.project.resources.values()].filter((item) => item.type === "model" && item.name === name);
      return all.find((item) => reader.dependsOn.includes(item.id)) ?? all[0] ?? null;
    }
    const relation = { database: reference.catalog, schema: reference.schema, name: reference.name };
    const key = relationKey(relation);
    for (const id of reader.dependsOn) {
      const parent = this.project.resources.get(id);
      if (parent?.relation && keysOf(parent.relation).includes(key)) return parent;
    }
    return this.#byRelation.get(key) ?? null;
  }

  /** Sets of columns that a test declares unique, in lower case. */
  uniqueKeys(resource: Resource): readonly (readonly string[])[] {
    const keys: string[][] = [];
    for (const item of this.project.resources.values()) {
      const test = item.test;
      if (test === null || test.attachedTo !== resource.id) continue;
      if (test.kind === "unique" && test.column !== null) keys.push([test.column.toLowerCase()]);
      const combination = test.kwargs.combination_of_columns;
      if (Array.isArray(combination)) keys.push(combination.map((column) => String(column).toLowerCase()));
    }
    return keys;
  }
}

/** SQL may leave the database out. */
function keysOf(relation: { readonly database: string | null; readonly schema: string | null; readonly name: string }) {
  return [relationKey(relation), relationKey({ ...relation, database: null })];
}

/** Bare text of a column's name as SQL tests give it: `"Quoted"` or plain. */
export function bareName(text: string): string {
  const quoted = /^\s*(["`])(.*)\1\s*$/s.exec(text);
  return quoted?.[2] === undefined ? text.trim() : quoted[2].replaceAll('""', '"');
}

export function isRaw(resource: Resource): boolean {
  return resource.type === "source" || resource.type === "seed";
}
