/**
 * A dbt project in which as many tests fail as wanted, each in every state, in the shares that public projects have of each kind:
 * its tables as plain SQL that DuckDB and Postgres both take, its artifacts, and the statements that an audit of it sent, counted.
 */
import type { Query, Warehouse } from "../../src/model/warehouse.js";

export interface FailingProject {
  /** Tables of the schemas `main` and `failures`, which must be there. */
  readonly tables: readonly string[];
  readonly manifest: object;
  readonly runResults: object;
}

interface Kind {
  readonly kind: string | null;
  readonly column?: string;
  /** Out of a hundred tests. */
  readonly share: number;
  /** dbt's SQL for it. */
  readonly sql: (model: string) => string;
  readonly isStored: boolean;
}

const kinds: readonly Kind[] = [
  {
    kind: "not_null",
    column: "vendor",
    share: 54,
    isStored: true,
    sql: (model) => `select * from ${model} where vendor is null`,
  },
  {
    kind: "unique",
    column: "ref",
    share: 22,
    isStored: true,
    sql: (model) =>
      `select ref as unique_field, count(*) as n_records from ${model} where ref is not null group by ref having count(*) > 1`,
  },
  {
    kind: "unique_combination_of_columns",
    share: 16,
    isStored: true,
    sql: (model) => `select ref, status from ${model} group by ref, status having count(*) > 1`,
  },
  {
    kind: "relationships",
    column: "vendor_id",
    share: 2,
    isStored: true,
    sql: (model) =>
      `select child.vendor_id as from_field from ${model} as child left join {schema}.vendors as parent on child.vendor_id = parent.vendor_id where parent.vendor_id is null`,
  },
  {
    kind: "accepted_values",
    column: "status",
    share: 2,
    isStored: true,
    sql: (model) =>
      `select status as value_field, count(*) as n_records from ${model} where status <> 'open' group by status`,
  },
  { kind: null, share: 4, isStored: false, sql: (model) => `select * from ${model} where amount < 0 -- too little` },
];

export function failingProject(
  count: number,
  { states = 50, models = 20, rows = 1_000, database = "demo" } = {},
): FailingProject {
  const relation = (schema: string, name: string) => `"${database}"."${schema}"."${name}"`;
  const metadata = { invocation_id: "failing", generated_at: "2026-02-03T00:00:00Z" };
  const nodes: object[] = [];
  const results: object[] = [];
  const tables = [
    "create table main.digits as select i from (values (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)) as d(i)",
    "create table main.vendors as select 'V' || i as vendor_id from main.digits",
  ];
  for (let index = 0; index < models; index++) {
    const name = `bids_${index}`;
    tables.push(`create table main.${name} as ${bids(rows, states)}`);
    nodes.push(node("model", name, relation("main", name), `select * from raw.${name}`, {}));
  }
  const ofKind = kinds.flatMap((kind) => Array.from({ length: kind.share }, () => kind));
  for (let index = 0; index < count; index++) {
    // A prime apart, so that ten tests are of several kinds already.
    const kind = ofKind[(index * 37) % ofKind.length];
    if (kind === undefined) throw new Error("BUG: the shares are not a hundred");
    const model = `bids_${index % models}`;
    const name = `${kind.kind ?? "assert"}_${model}_${index}`;
    const sql = kind.sql(relation("main", model)).replace("{schema}", `"${database}"."main"`);
    if (kind.isStored) tables.push(`create table failures.${name} as ${sql}`);
    nodes.push(
      node("test", name, kind.isStored ? relation("failures", name) : null, sql, {
        attached_node: kind.kind === null ? null : `model.failing.${model}`,
        test_metadata: kind.kind === null ? null : { name: kind.kind, kwargs: { column_name: kind.column } },
        depends_on: { nodes: [`model.failing.${model}`], macros: [] },
      }),
    );
    results.push({ unique_id: `test.failing.${name}`, status: "fail", failures: states });
  }
  return {
    tables,
    manifest: {
      metadata: { ...metadata, project_name: "failing", adapter_type: "duckdb" },
      nodes: Object.fromEntries(nodes.map((each) => [(each as { unique_id: string }).unique_id, each])),
      sources: {},
      macros: {},
    },
    runResults: { metadata, results },
  };
}

/** Every state has rows without vendor, keys that come twice, an unknown vendor, another status and a negative amount. */
function bids(rows: number, states: number): string {
  const power = Math.max(1, Math.ceil(Math.log10(rows)));
  const places = Array.from({ length: power }, (_, place) => `d${place}.i * ${10 ** place}`).join(" + ");
  const from = Array.from({ length: power }, (_, place) => `main.digits as d${place}`).join(" cross join ");
  const half = Math.floor(rows / 2);
  return `select n as bid_id, 'S' || mod(n, ${states}) as state,
case when mod(n, ${half}) < ${2 * states} then 'R' || mod(n, ${half}) else 'U' || n end as ref,
case when mod(n, ${half}) >= ${2 * states} and mod(n, ${half}) < ${3 * states} then 'odd ' || n else 'open' end as status,
case when mod(n, ${half}) < ${2 * states} then null else 'vendor ' || n end as vendor,
case when mod(n, ${half}) < ${states} then 'gone ' || n else 'V' || mod(n, 10) end as vendor_id,
case when mod(n, ${half}) < ${states} then -n - 1 else n end as amount
from (select ${places} as n from ${from}) as numbers where n < ${rows}`;
}

function node(type: string, name: string, relation: string | null, sql: string, more: object): object {
  return {
    unique_id: `${type}.failing.${name}`,
    resource_type: type,
    name,
    package_name: "failing",
    alias: name,
    relation_name: relation,
    original_file_path: `${type}s/${name}.sql`,
    raw_code: sql,
    compiled_code: sql,
    depends_on: { nodes: [], macros: [] },
    config: { materialized: type === "test" ? "test" : "table", store_failures: relation !== null, severity: "ERROR" },
    columns: {},
    ...more,
  };
}

/** What a statement of an audit is asked for; those of agents and walks are `other`. */
export const statementKinds = ["catalog", "count again", "columns", "groups", "samples", "evidence", "other"] as const;
export type StatementKind = (typeof statementKinds)[number];

function kindOf(sql: string): StatementKind {
  if (sql.startsWith("select 0 as audit_member_0")) return "columns";
  if (!sql.startsWith("select 0 as item")) return "other";
  if (sql.includes("'rows' as kind")) return "groups";
  if (sql.includes(" as audit_group")) return "samples";
  if (sql.includes(") as cited\nlimit ")) return "evidence";
  return sql.includes(" as n from (") ? "count again" : "other";
}

/** The same warehouse, which counts what it is asked. */
export function counting(warehouse: Warehouse): {
  readonly warehouse: Warehouse;
  readonly counts: Record<StatementKind, number>;
} {
  const counts = Object.fromEntries(statementKinds.map((kind) => [kind, 0])) as Record<StatementKind, number>;
  const query: Query = (sql, options) => {
    counts[kindOf(sql)] += 1;
    return warehouse.query(sql, options);
  };
  const describe: Warehouse["describe"] = (relations) => {
    counts.catalog += 1;
    return warehouse.describe(relations);
  };
  return { counts, warehouse: { ...warehouse, query, describe } };
}
