/**
 * Which columns may split the failing tests into groups: in how many tests' tables each is, and how many values it has. Asks
 * the catalog, and the tables in one statement; knows no config.
 */
import type { Project, Relation, Resource } from "../../model/project.js";
import { relationKey } from "../../model/relation.js";
import type { Column, Warehouse } from "../../model/warehouse.js";
import { queryBatch } from "../../sql/index.js";

export interface GroupColumn {
  readonly column: string;
  /** Failing tests whose failures, or whose tested table, have it. */
  readonly tests: number;
  /** Most values that it has in one of the tables looked at; null where they were not counted. */
  readonly values: number | null;
}

/** What a person would most likely group by. */
const usual = [
  "state",
  "tenant",
  "tenant_id",
  "market",
  "region",
  "country",
  "client",
  "brand",
  "site",
  "source_system",
];
/** What is measured, or names one row. */
const unlikelyName =
  /(^|_)(id|key|uuid|hash|at|on|date|time|timestamp|amount|total|value|price|count|number|no|sk|pk)$|^n_/i;
const unlikelyType =
  /DATE|TIME|FLOAT|DOUBLE|REAL|BOOL|JSON|VARIANT|OBJECT|ARRAY|STRUCT|BINARY|BLOB|BYTEA|DECIMAL\(\d+,\s*[1-9]/i;
/** Columns that dbt makes for the failures of its own tests. */
const ofDbt = new Set(["unique_field", "value_field", "from_field", "n_records"]);

const mostCounted = 10;
const tablesEach = 3;

/** The likeliest first. @param warehouse null: by what the manifest documents, without counts of values. */
export async function groupColumns(
  tests: readonly Resource[],
  project: Project,
  warehouse: Warehouse | null,
): Promise<readonly GroupColumn[]> {
  const described = await describeTables(tests, project, warehouse);
  const found = new Map<string, Seen>();
  for (const test of tests) {
    const own = new Map<string, { readonly column: Column; readonly relation: Relation | null }>();
    for (const { columns, relation } of tablesOf(test, project, described)) {
      for (const column of columns) own.set(column.name.toLowerCase(), { column, relation });
    }
    for (const [key, { column, relation }] of own) {
      const seen = found.get(key) ?? { name: column.name, type: column.type, tests: 0, relations: new Map() };
      if (relation !== null) seen.relations.set(relationKey(relation), { relation, name: column.name });
      found.set(key, { ...seen, tests: seen.tests + 1 });
    }
  }
  const likely = [...found.values()]
    .filter(
      ({ name, type }) =>
        isUsual(name) || !(ofDbt.has(name.toLowerCase()) || unlikelyName.test(name) || unlikelyType.test(type)),
    )
    .sort((left, right) => guess(right, tests.length, null) - guess(left, tests.length, null))
    .slice(0, mostCounted);
  const values = warehouse === null ? new Map<Seen, number>() : await countValues(likely, warehouse);
  const rank = (seen: Seen) => guess(seen, tests.length, values.get(seen) ?? null);
  return likely
    .filter((seen) => (values.get(seen) ?? 2) > 1)
    .sort((left, right) => rank(right) - rank(left))
    .map((seen) => ({ column: seen.name, tests: seen.tests, values: values.get(seen) ?? null }));
}

/** The one to propose. Null: each would leave most failing tests without a group, and a person has to say. */
export function likelyColumn(columns: readonly GroupColumn[], failing: number): string | null {
  return columns.find(({ tests }) => 2 * tests >= failing)?.column ?? null;
}

interface Seen {
  readonly name: string;
  readonly type: string;
  readonly tests: number;
  /** Where it is, by key. */
  readonly relations: Map<string, { readonly relation: Relation; readonly name: string }>;
}

function isUsual(name: string): boolean {
  return usual.includes(name.toLowerCase());
}

function guess({ name, tests }: Seen, all: number, values: number | null): number {
  const share = all === 0 ? 0 : tests / all;
  const fits = values === null ? 0 : values <= 100 ? 0.3 : values <= 1_000 ? 0 : -2;
  return share + (isUsual(name) ? 0.5 : 0) + fits;
}

type Described = ReadonlyMap<string, readonly Column[]>;

async function describeTables(
  tests: readonly Resource[],
  project: Project,
  warehouse: Warehouse | null,
): Promise<Described> {
  if (warehouse === null) return new Map();
  const relations = tests.flatMap((test) => [test.relation, testedBy(test, project)?.relation ?? null]);
  const distinct = new Map(relations.flatMap((each) => (each === null ? [] : [[relationKey(each), each] as const])));
  const described = await warehouse.describe([...distinct.values()].slice(0, 1_000));
  return described.ok ? described.value : new Map();
}

/** As an export would split it: by its failures' own columns, else by those of the table that it is attached to. */
function* tablesOf(test: Resource, project: Project, described: Described) {
  const tested = testedBy(test, project);
  for (const resource of [test, tested]) {
    const { relation = null } = resource ?? {};
    const columns = relation === null ? undefined : described.get(relationKey(relation));
    if (columns !== undefined) yield { columns, relation };
  }
  if (described.size === 0 && tested !== null) {
    yield { columns: tested.columns.map((name) => ({ name, type: "" })), relation: null };
  }
}

function testedBy(test: Resource, project: Project): Resource | null {
  return project.resources.get(test.test?.attachedTo ?? "") ?? null;
}

async function countValues(columns: readonly Seen[], warehouse: Warehouse): Promise<ReadonlyMap<Seen, number>> {
  const { dialect, query } = warehouse;
  const asked = columns.flatMap((seen) =>
    [...seen.relations.values()].slice(-tablesEach).map(({ relation, name }) => ({
      seen,
      sql: `select ${dialect.toText(`count(distinct ${dialect.quote(name)})`)} as n from ${dialect.relation(relation)}`,
    })),
  );
  const answers = await queryBatch(
    asked.map(({ sql }) => sql),
    { query, dialect, maxRows: 1, each: { timeout: 30_000, label: "init" } },
  );
  const counts = new Map<Seen, number>();
  if (!answers.ok) return counts;
  for (const [index, { seen }] of asked.entries()) {
    const answer = answers.value[index];
    const count = answer?.ok ? Number(answer.value[0]?.[0]) : Number.NaN;
    if (Number.isFinite(count)) counts.set(seen, Math.max(count, counts.get(seen) ?? 0));
  }
  return counts;
}
