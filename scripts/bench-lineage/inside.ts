/**
 * The program's own part of the benchmark: cases as `export` makes them, walks as the lineage agent has them, and the two
 * baselines. A bundle of this is made for the bench. Knows no fault and no truth.
 */
import type { DuckDBConnection } from "@duckdb/node-api";
import { runSelect } from "../../src/adapters/warehouses/duckdb-query.js";
import { readProject } from "../../src/dbt/artifacts.js";
import { checkOf } from "../../src/lineage/check.js";
import { type ColumnLineage, loadColumnLineage } from "../../src/lineage/column-lineage.js";
import { sharedWalk } from "../../src/lineage/shared-walk.js";
import { tell } from "../../src/lineage/tell.js";
import { type Standing, standingOf } from "../../src/lineage/verdict.js";
import { Workspace } from "../../src/lineage/workspace.js";
import type { Case } from "../../src/model/case.js";
import { defaultCategories, type SourceRepoConfig } from "../../src/model/config.js";
import { allRows, groupOf } from "../../src/model/group.js";
import type { Project, Relation, Resource } from "../../src/model/project.js";
import { relationKey } from "../../src/model/relation.js";
import { ok } from "../../src/model/result.js";
import type { Column, Query } from "../../src/model/warehouse.js";
import { duckdb } from "../../src/sql/duckdb.js";
import { type Attached, planSplit, type SplitPlan, whole } from "../../src/tasks/export/split.js";

export function projectOf(manifest: unknown): Project {
  const project = readProject(JSON.stringify(manifest));
  if (!project.ok) throw new Error(project.failure.message);
  return project.value;
}

/** What differs from the project as dbt last saw it. */
export interface Edit {
  readonly id: string;
  readonly rawCode?: string;
  readonly compiledCode?: string;
  readonly kwargs?: Readonly<Record<string, unknown>>;
}

export function edited(project: Project, edits: readonly Edit[]): Project {
  const resources = new Map(project.resources);
  for (const { id, kwargs, ...code } of edits) {
    const resource = resources.get(id);
    if (resource === undefined) throw new Error(`no ${id}`);
    const test = resource.test === null || kwargs === undefined ? resource.test : { ...resource.test, kwargs };
    resources.set(id, { ...resource, ...code, test });
  }
  return { ...project, resources };
}

/** One state of a project's database, and how it is asked: each query has a connection of its own, as in an audit. */
export interface Room {
  readonly project: Project;
  readonly connect: () => Promise<DuckDBConnection>;
  readonly groupColumns: readonly string[];
  readonly sourceRepos: readonly Pick<SourceRepoConfig, "name" | "loads">[];
  /** What changed since things were well; for a walk that takes such evidence. */
  readonly changes: Changes | null;
}

export interface Changes {
  /** The project as an earlier manifest has it. */
  readonly earlier: Project;
  /** Table (`schema.name`) → rows at the last audit. */
  readonly counts: ReadonlyMap<string, number>;
  /** Makes a git repository of the dbt project, the latest change on top, and gives its folder. */
  readonly repository: () => Promise<string>;
}

export function queryOf(room: Pick<Room, "connect">): Query {
  return async (sql, options = {}) => {
    const connection = await room.connect();
    try {
      return await runSelect(connection, sql, options);
    } finally {
      connection.closeSync();
    }
  };
}

async function catalogOf(query: Query): Promise<ReadonlyMap<string, readonly Column[]>> {
  const answer = await query(
    "select database_name, schema_name, table_name, column_name, data_type from duckdb_columns() where database_name <> 'base' order by database_name, schema_name, table_name, column_index",
    { maxRows: 100_000 },
  );
  if (!answer.ok) throw new Error("the catalog cannot be read");
  const catalog = new Map<string, Column[]>();
  for (const [database = null, schema = null, name, column, type] of answer.value.rows) {
    const key = relationKey({ database, schema, name: name ?? "" });
    const columns = catalog.get(key) ?? [];
    columns.push({ name: column ?? "", type: type ?? "" });
    catalog.set(key, columns);
  }
  return catalog;
}

/** The cases of a failing test, as `export` splits it. */
export interface Split {
  readonly test: Resource;
  readonly cases: readonly Case[];
}

/** Asks of one state of the database. Memoises the catalog. */
export class Bench {
  readonly #room: Room;
  readonly #query: Query;
  #catalog: Promise<ReadonlyMap<string, readonly Column[]>> | null = null;

  constructor(room: Room) {
    this.#room = room;
    this.#query = queryOf(room);
  }

  #columns(): Promise<ReadonlyMap<string, readonly Column[]>> {
    this.#catalog ??= catalogOf(this.#query);
    return this.#catalog;
  }

  async split(testId: string): Promise<Split> {
    const { project, groupColumns } = this.#room;
    const test = project.resources.get(testId);
    if (test?.compiledCode == null) throw new Error(`${testId} was not compiled`);
    const sql = `select * from (\n${test.compiledCode.trim()}\n) as failing`;
    const probe = await this.#query(`${sql}\nlimit 0`);
    if (!probe.ok) throw new Error(probe.failure.message);
    const source = { kind: "compiled" as const, sql, columns: probe.value.columns, relation: null };
    const settings = { dialect: duckdb, groupColumns, groupMap: {}, isIgnored: () => false, maxGroups: 1_000 };
    const plan = planSplit(source, test.test, await this.#attached(test), settings);
    const measured = await this.#measure(plan);
    if (measured !== null) return { test, cases: casesOf(test, plan, measured) };
    // As `export` does where a join back does not work out.
    const instead = whole(source, "the join failed", settings);
    return { test, cases: casesOf(test, instead, (await this.#measure(instead)) ?? []) };
  }

  async #attached(test: Resource): Promise<Attached | null> {
    const id = test.test?.attachedTo ?? null;
    const relation = id === null ? null : (this.#room.project.resources.get(id)?.relation ?? null);
    const columns = relation === null ? undefined : (await this.#columns()).get(relationKey(relation));
    return relation === null || columns === undefined ? null : { relation, columns };
  }

  async #measure(plan: SplitPlan): Promise<readonly (readonly (string | null)[])[] | null> {
    const answer = await this.#query(plan.measure);
    return answer.ok ? answer.value.rows : null;
  }

  /** Walks one test for all its groups. */
  async investigate(split: Split): Promise<Investigated> {
    const [first] = split.cases;
    if (first === undefined) throw new Error(`${split.test.id} has no case`);
    const { project, sourceRepos, changes } = this.#room;
    const catalog = await this.#columns();
    const describe = async (relations: readonly Relation[]) => {
      const keys = relations.map(relationKey);
      return ok(new Map([...catalog].filter(([key]) => keys.includes(key))));
    };
    const started = performance.now();
    const walked = await sharedWalk(
      {
        project:
          changes === null ? project : { ...project, earlier: { project: changes.earlier, says: "the last audit" } },
        dialect: duckdb,
        query: this.#query,
        describe,
        maxQueries: 40,
        item: first,
        signal: new AbortController().signal,
      },
      new Map(),
    );
    const seconds = (performance.now() - started) / 1000;
    if (!walked.ok) throw new Error(walked.failure.message);
    const walk = walked.value;
    const repos = sourceRepos.map((repo) => ({ ...repo, path: "/", dir: ".", slot: false }));
    const answers = split.cases.map((item): Answer => {
      const told = tell({ item, walk, project, categories: defaultCategories, sourceRepos: repos, dialect: duckdb });
      const key = walk.grouped && item.group.kind !== "null" ? item.group.value : null;
      const verdict = walk.verdicts.get(key);
      const outcome: Standing = verdict === undefined ? "undecided" : standingOf(verdict);
      return {
        group: item.group.key,
        outcome,
        node: outcome === "undecided" ? null : (verdict?.node ?? null),
        reached: verdict?.node ?? null,
        situation: verdict?.situation ?? "undecided",
        confidence: verdict?.confidence ?? "low",
        category: outcome === "undecided" ? "undecided" : (told?.draft.classification ?? "undecided"),
        path: verdict?.path.map((hop) => hop.resource) ?? [],
        inside: told?.lines == null ? null : { lines: told.lines, cte: verdict?.inside?.cte ?? null },
        reason: verdict?.reason ?? "",
        text: told?.draft.root_cause ?? "",
      };
    });
    return { answers, queries: walk.queries, seconds };
  }

  /** Blames the tested model, and whatever is wrong furthest upstream by the same rule over whole tables. */
  async baselines(split: Split): Promise<{ readonly testedModel: string | null; readonly wholeTable: string | null }> {
    const { project } = this.#room;
    const testedModel = split.test.test?.attachedTo ?? null;
    const catalog = await this.#columns();
    const workspace = new Workspace({
      project,
      dialect: duckdb,
      lineage: await lineageOf(),
      query: this.#query,
      describe: async (relations) => {
        const keys = relations.map(relationKey);
        return ok(new Map([...catalog].filter(([key]) => keys.includes(key))));
      },
      maxQueries: 200,
    });
    const tested = testedModel === null ? undefined : project.resources.get(testedModel);
    if (tested === undefined) return { testedModel, wholeTable: null };
    return { testedModel, wholeTable: await wholeTableWalk(workspace, split.test, tested) };
  }
}

let lineage: Promise<ColumnLineage> | null = null;

function lineageOf(): Promise<ColumnLineage> {
  lineage ??= loadColumnLineage("duckdb");
  return lineage;
}

export interface Answer {
  readonly group: string;
  readonly outcome: Standing;
  readonly node: string | null;
  /** How far the rows could be followed, also where that is undecided. */
  readonly reached: string | null;
  readonly situation: string;
  readonly confidence: "high" | "medium" | "low";
  /** Id of the category; `undecided` where the walk says so. */
  readonly category: string;
  readonly path: readonly string[];
  /** Lines of the blamed model's file, and the CTE that they are in. */
  readonly inside: {
    readonly lines: { readonly first: number; readonly last: number };
    readonly cte: string | null;
  } | null;
  readonly reason: string;
  readonly text: string;
}

export interface Investigated {
  readonly answers: readonly Answer[];
  readonly queries: number;
  readonly seconds: number;
}

function casesOf(test: Resource, plan: SplitPlan, rows: readonly (readonly (string | null)[])[]): readonly Case[] {
  const isWhole = plan.failingRows.groupColumn === null;
  const of = (kind: string) => rows.filter((row) => row[0] === kind && Number(row[2]) > 0);
  const failures = new Map(of("failures").map((row) => [row[1], Number(row[2])]));
  return of("rows").map((row): Case => {
    const group = isWhole ? allRows : groupOf(row[1] ?? null);
    return {
      id: `${test.name}@${group.key}`,
      test: {
        id: test.id,
        name: test.name,
        kind: test.test?.kind ?? "singular",
        severity: test.test?.severity ?? "error",
        attachedTo: test.test?.attachedTo ?? null,
        file: test.file,
        description: test.description,
      },
      group,
      failures: failures.get(row[1] ?? null) ?? Number(row[2]),
      rows: Number(row[2]),
      rowsDigest: row[3] ?? "",
      failingRows: plan.failingRows,
    };
  });
}

/**
 * What a person does with a few queries: ask each parent, as a whole, whether the column that the value comes from has the
 * same fault anywhere, and go on where it has.
 */
async function wholeTableWalk(workspace: Workspace, test: Resource, tested: Resource): Promise<string> {
  const check = checkOf(test, workspace.dialect, workspace.lineage);
  if (check.kind === "none") return tested.id;
  const quote = workspace.dialect.quote;
  const failing = async (resource: Resource, columns: readonly string[]): Promise<boolean> => {
    const from = workspace.from(resource);
    if (from === null) return false;
    const names = columns.map((name) => `r.${quote(name)}`);
    let sql: string;
    if (check.kind === "row") {
      const byName = new Map(check.columns.map((name, index) => [name, names[index] ?? "null"]));
      sql = `select count(*) from ${from} as r where ${check.fails((name) => byName.get(name) ?? "null")}`;
    } else if (check.kind === "key") {
      sql = `select count(*) from (select 1 from ${from} as r group by ${names.join(", ")} having count(*) > 1)`;
    } else {
      const target = workspace.project.resources.get(check.to);
      const other = target === undefined ? null : workspace.from(target);
      if (other === null) return false;
      sql = `select count(*) from ${from} as r where ${names[0]} not in (select x.${quote(check.field)} from ${other} as x where x.${quote(check.field)} is not null)`;
    }
    const answer = await workspace.query(sql);
    return answer.ok && Number(answer.value.rows[0]?.[0]) > 0;
  };
  let at = tested;
  let columns: readonly string[] = check.kind === "reference" ? [check.column] : check.columns;
  for (let hops = 0; hops < 20; hops += 1) {
    const next = await firstFailingParent(workspace, at, columns, failing);
    if (next === null) break;
    at = next.resource;
    columns = next.columns;
  }
  return at.id;
}

async function firstFailingParent(
  workspace: Workspace,
  at: Resource,
  columns: readonly string[],
  failing: (resource: Resource, columns: readonly string[]) => Promise<boolean>,
): Promise<{ readonly resource: Resource; readonly columns: readonly string[] } | null> {
  if (at.type === "source" || at.type === "seed") return null;
  const shape = await workspace.shape(at);
  if (!shape.ok) return null;
  const { shape: parts, parents } = shape.value;
  for (const [instance, parent] of parents) {
    const upstream = columns.flatMap((name) => {
      const output = parts.columns.find((column) => column.name.toLowerCase() === name.toLowerCase());
      const own =
        output?.origins.flatMap((origin) => origin.columns.filter((each) => each.instance === instance)) ?? [];
      return own.slice(0, 1).map((each) => each.column);
    });
    if (upstream.length === columns.length && (await failing(parent, upstream)))
      return { resource: parent, columns: upstream };
  }
  return null;
}
