/**
 * The failing tests according to a summary table: a row per test (and group) with a count.
 * Its names are checked against the manifest; its counts only say that a test fails, for we count ourselves.
 */

import { parseRelation } from "../../dbt/relation-name.js";
import type { Config } from "../../model/config.js";
import type { Project, Relation, Resource } from "../../model/project.js";
import { relationKey, relationText } from "../../model/relation.js";
import { failed, ok, type Result } from "../../model/result.js";
import type { Cell, Column, Warehouse } from "../../model/warehouse.js";
import { closest } from "../../support/suggest.js";
import { type FailingTest, isIncluded, knownNames, knownTest, testNames, unknownTest } from "./failing-test.js";
import type { Selection } from "./from-results.js";

type Table = NonNullable<Config["summary"]["table"]>;

export interface SummaryInput {
  readonly config: Config;
  readonly table: Table;
  readonly project: Project | null;
  readonly warehouse: Warehouse;
  readonly signal: AbortSignal;
}

/** Failure codes: relation-missing, column-missing, artifacts-unreadable, and those of a query. */
export async function selectFromSummary(input: SummaryInput): Promise<Result<Selection>> {
  const rows = await readRows(input);
  if (!rows.ok) return rows;
  const { config, project } = input;
  const context = { config, adapter: input.warehouse.dialect.name };
  const find = finder(project);
  const nameOf = testNames(project);
  const included = isIncluded(config);
  const failing = new Map<string, FailingTest>();
  const claimedGroups = new Map<string, Set<string | null>>();
  const orphans = new Set<string>();
  const seen = new Set<string>();
  const leftOut = new Set<string>();
  const names = knownNames(project);
  const passing = new Set<string>();
  for (const { name, group, failures } of rows.value) {
    if (name !== null) seen.add(name);
    const resource = name === null ? null : find(name);
    if (name !== null && project === null) names.add(name);
    if (failures === 0) {
      if (resource !== null) passing.add(resource.id);
      continue;
    }
    if (name === null || (resource === null && project !== null)) {
      orphans.add(name ?? "(null)");
      continue;
    }
    const test =
      resource === null
        ? unknownTest(`summary.${name}`, name, null, context)
        : knownTest(resource, nameOf(resource), null, context);
    if (!included(test.ref) || !config.tests.severity.includes(test.ref.severity)) {
      leftOut.add(test.ref.id);
      continue;
    }
    failing.set(test.ref.id, failing.get(test.ref.id) ?? test);
    const groups = claimedGroups.get(test.ref.id) ?? new Set();
    if (group !== undefined) claimedGroups.set(test.ref.id, groups.add(group));
  }
  for (const id of failing.keys()) passing.delete(id);
  return ok({
    failing: [...failing.values()],
    broken: [],
    orphans: [...orphans].sort(),
    testsSeen: seen.size,
    leftOut: leftOut.size,
    names,
    passing,
    claimedGroups,
  });
}

interface SummaryRow {
  readonly name: string | null;
  /** Undefined where the table has no group column. */
  readonly group: string | null | undefined;
  readonly failures: number;
}

async function readRows({ config, table, project, warehouse, signal }: SummaryInput): Promise<Result<SummaryRow[]>> {
  const relation = locate(table.relation, project, warehouse.dialect.name);
  if (relation === null) {
    return failed("relation-missing", `summary.table names no relation: '${table.relation}'`, {
      hint: "write NAME, SCHEMA.NAME or DATABASE.SCHEMA.NAME",
    });
  }
  const described = await warehouse.describe([relation]);
  if (!described.ok) return described;
  const columns = described.value.get(relationKey(relation));
  if (columns === undefined) {
    return failed("relation-missing", `there is no summary table '${relationText(relation)}' in the warehouse`, {
      hint: "build it with dbt first, or correct summary.table in audit.config.yaml",
    });
  }
  const mapped = mapColumns(table, config.groupBy.columns, columns, relationText(relation));
  if (!mapped.ok) return mapped;
  const { dialect } = warehouse;
  const { test, group, failures } = mapped.value;
  const texts = [test, failures, ...(group === null ? [] : [group])].map((name) => dialect.toText(dialect.quote(name)));
  const result = await warehouse.query(`select ${texts.join(", ")} from ${dialect.relation(relation)}`, {
    maxRows: 1_000_000,
    maxBytes: 512 * 1024 * 1024,
    timeout: config.timeouts.query,
    signal,
  });
  if (!result.ok) return result;
  if (result.value.truncated) {
    return failed("query-failed", `the summary table '${relationText(relation)}' has more than a million rows`, {
      hint: "it should have one row for each test and group",
    });
  }
  const rows: SummaryRow[] = [];
  for (const row of result.value.rows) {
    const count = readCount(row[1] ?? null);
    if (count === null) {
      return failed(
        "artifacts-unreadable",
        `column '${failures}' of the summary table '${relationText(relation)}' holds '${row[1]}', which is no count`,
        { hint: "map summary.table.columns.failures to the column that counts failures" },
      );
    }
    rows.push({ name: row[0] ?? null, group: group === null ? undefined : (row[2] ?? null), failures: count });
  }
  return ok(rows);
}

function readCount(cell: Cell): number | null {
  if (cell === null) return 0;
  const count = cell.trim() === "" ? Number.NaN : Number(cell);
  return Number.isFinite(count) && count >= 0 ? count : null;
}

/** A single word may be a dbt model's name. */
function locate(text: string, project: Project | null, adapter: string): Relation | null {
  for (const resource of project?.resources.values() ?? []) {
    const isTable = resource.type !== "test" && resource.relation !== null;
    if (isTable && resource.name.toLowerCase() === text.toLowerCase()) return resource.relation;
  }
  return parseRelation(text, adapter);
}

interface MappedColumns {
  readonly test: string;
  readonly failures: string;
  readonly group: string | null;
}

function mapColumns(
  table: Table,
  groupColumns: readonly string[],
  columns: readonly Column[],
  relation: string,
): Result<MappedColumns> {
  const byName = new Map(columns.map((column) => [column.name.toLowerCase(), column.name]));
  const actual = (name: string) => byName.get(name.toLowerCase());
  const wanted = [
    table.columns.test,
    table.columns.failures,
    ...(table.columns.group === null ? [] : [table.columns.group]),
  ];
  const missing = wanted.filter((name) => actual(name) === undefined);
  if (missing.length > 0) {
    const names = columns.map((column) => column.name);
    const guesses = missing.flatMap((name) => {
      const near = closest(name, names);
      return near === undefined ? [] : [`'${near}' for '${name}'`];
    });
    return failed(
      "column-missing",
      `the summary table '${relation}' has no column ${missing.map((name) => `'${name}'`).join(", ")}; it has ${names.slice(0, 50).join(", ")}`,
      {
        hint: `${guesses.length > 0 ? `did you mean ${guesses.join(", ")}? ` : ""}Map them in summary.table.columns of audit.config.yaml.`,
      },
    );
  }
  return ok({
    test: actual(table.columns.test) ?? "",
    failures: actual(table.columns.failures) ?? "",
    group:
      [table.columns.group, ...groupColumns].flatMap((name) => (name === null ? [] : (actual(name) ?? [])))[0] ?? null,
  });
}

/** By unique_id, name, package-qualified name, or the name of its failures table; at last without regard to case. */
function finder(project: Project | null): (name: string) => Resource | null {
  const exact = new Map<string, Resource>();
  const folded = new Map<string, Resource>();
  const tests = [...(project?.resources.values() ?? [])].filter((resource) => resource.test !== null);
  // Where two packages share a name, the project's own test is meant.
  const ownFirst = tests.sort((left, right) => Number(isForeign(left, project)) - Number(isForeign(right, project)));
  const spellings = (test: Resource) => [
    test.id,
    test.name,
    `${test.packageName}.${test.name}`,
    ...(test.alias === undefined ? [] : [test.alias]),
    ...(test.relation === null ? [] : [test.relation.name]),
  ];
  for (const test of ownFirst) {
    for (const spelling of spellings(test)) {
      if (!exact.has(spelling)) exact.set(spelling, test);
      if (!folded.has(spelling.toLowerCase())) folded.set(spelling.toLowerCase(), test);
    }
  }
  return (name) => exact.get(name) ?? folded.get(name.toLowerCase()) ?? null;
}

function isForeign(resource: Resource, project: Project | null): boolean {
  return resource.packageName !== project?.name;
}
