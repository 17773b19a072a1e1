/**
 * A sample of each case's failing rows, of many tests in few statements. Knows no file.
 */
import type { Case, Group } from "../model/case.js";
import { ok, type Result } from "../model/result.js";
import type { Cell, Column, Dialect, Query } from "../model/warehouse.js";
import { cellTexts, describeBatch, groupPredicate, queryBatch, type Rows } from "../sql/index.js";
import { type Redactor, redactStrings } from "../support/redact.js";
import { maskColumns } from "./mask.js";

export const sampleSize = 20;

interface Sample {
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly Cell[])[];
  /** Why there are no rows; null where there are. */
  readonly problem: string | null;
}

/** A longer value is cut where it is shown: no more of it is asked for. */
const longest = 500;

/** The cases of one test, which share their SQL. */
interface Sharing {
  readonly cases: readonly Case[];
  readonly sql: string;
  readonly groupColumn: string | null;
}

/**
 * Case id → sample, hidden columns masked; two statements for up to twenty tests. Failure codes: aborted,
 * warehouse-unreachable; another refusal is told in the sample.
 */
async function sampleRows(
  cases: readonly Case[],
  query: Query,
  dialect: Dialect,
  redactColumns: readonly string[],
): Promise<Result<ReadonlyMap<string, Sample>>> {
  const byTest = new Map<string, Case[]>();
  for (const item of cases) {
    const key = JSON.stringify([item.failingRows.sql, item.failingRows.groupColumn]);
    byTest.set(key, [...(byTest.get(key) ?? []), item]);
  }
  const tests = [...byTest.values()].flatMap((own): Sharing[] => {
    const [first] = own;
    return first === undefined ? [] : [{ cases: own, ...first.failingRows }];
  });
  const sampled = await sampleTests(tests, query, dialect);
  if (!sampled.ok) return sampled;
  const samples = new Map<string, Sample>();
  for (const [index, test] of tests.entries()) {
    const own = sampled.value[index];
    if (own === undefined) continue;
    if (!own.ok && own.failure.code === "warehouse-unreachable") return own;
    for (const item of test.cases) samples.set(item.id, maskColumns(sampleFor(item, own), redactColumns));
  }
  return ok(samples);
}

/** Each row is the group's text, then the cells of the columns, then nulls. */
interface SampledTest {
  readonly columns: readonly Column[];
  readonly rows: Rows;
}

async function sampleTests(
  tests: readonly Sharing[],
  query: Query,
  dialect: Dialect,
): Promise<Result<readonly Result<SampledTest>[]>> {
  const described = await describeBatch(
    tests.map(({ sql }) => sql),
    { query, dialect },
  );
  if (!described.ok) return described;
  const known = tests.flatMap((test, index) => {
    const columns = described.value[index];
    return columns?.ok ? [{ test, columns: columns.value }] : [];
  });
  const width = Math.max(0, ...known.map(({ columns }) => columns.length));
  const maxRows = Math.max(1, ...tests.map(({ cases }) => cases.length)) * sampleSize;
  const answers = await queryBatch(
    known.map(({ test, columns }) => sampleSelect(test, columns, width, dialect)),
    { query, dialect, maxRows },
  );
  if (!answers.ok) return answers;
  const sampled = described.value.map((columns): Result<SampledTest> => {
    return columns.ok ? ok({ columns: columns.value, rows: [] }) : columns;
  });
  for (const [index, { test, columns }] of known.entries()) {
    const rows = answers.value[index];
    if (rows !== undefined) sampled[tests.indexOf(test)] = rows.ok ? ok({ columns, rows: rows.value }) : rows;
  }
  return ok(sampled);
}

function sampleFor({ group }: Case, sampled: Result<SampledTest>): Sample {
  if (!sampled.ok) {
    return { columns: [], rows: [], problem: `The failing rows could not be read: ${sampled.failure.message}` };
  }
  const { columns, rows } = sampled.value;
  const own = rows.filter(([text = null]) => isOf(group, text));
  return { columns, rows: own.map(([, ...cells]) => cells.slice(0, columns.length)), problem: null };
}

/** Up to so many rows of each group, all as text: the group's, then its cells, as many as the widest test of all has. */
function sampleSelect(
  { cases, sql, groupColumn }: Sharing,
  columns: readonly Column[],
  width: number,
  dialect: Dialect,
): string {
  const cells = cellTexts(columns, { of: "numbered", width, dialect }).map(
    (text, index) => `substr(${text}, 1, ${longest + 1}) as cell_${index}`,
  );
  const from = (group: string, rows: string) =>
    `select ${[`${group} as audit_group`, ...cells].join(", ")}\nfrom (\n${rows}\n) as numbered`;
  if (groupColumn === null) return `${from(dialect.toText("null"), sql)}\nlimit ${sampleSize}`;
  const own = dialect.toText(`failing.${dialect.quote(groupColumn)}`);
  const anyGroup = cases.map((item) => groupPredicate(dialect, groupColumn, item.group)).join(" or ");
  const numbered = `select failing.*, row_number() over (partition by ${own} order by ${own}) as audit_run_row
from (\n${sql}\n) as failing where ${anyGroup}`;
  const group = dialect.toText(`numbered.${dialect.quote(groupColumn)}`);
  return `${from(group, numbered)}\nwhere audit_run_row <= ${sampleSize}`;
}

function isOf(group: Group, text: Cell): boolean {
  return group.kind === "all" || (group.kind === "null" ? null : (group.value ?? "")) === text;
}

/** The same as text, for files and prompts. */
export async function sampleTexts(
  cases: readonly Case[],
  query: Query,
  dialect: Dialect,
  redactColumns: readonly string[],
  redact: Redactor,
): Promise<Result<ReadonlyMap<string, string>>> {
  const sampled = await sampleRows(cases, query, dialect, redactColumns);
  if (!sampled.ok) return sampled;
  // Before a value is cut and put in quotes: a secret in it would look like another text then.
  return ok(new Map([...sampled.value].map(([id, sample]) => [id, sampleCsv(redactStrings(sample, redact))])));
}

/** As CSV (RFC 4180), rows sorted; SQL NULL is nothing, an empty text is `""`; a long value is cut. */
function sampleCsv({ columns, rows, problem }: Sample): string {
  if (problem !== null) return `${problem}\n`;
  const header = columns.map(({ name }) => csvCell(name)).join(",");
  const lines = rows.map((row) => row.map(csvCell).join(","));
  return `${[header, ...lines.sort()].join("\n")}\n`;
}

function csvCell(value: Cell): string {
  if (value === null) return "";
  const text = value.length > longest ? `${value.slice(0, longest)}…` : value;
  return text === "" || /[",\r\n]/.test(text) || text.trim() !== text ? `"${text.replaceAll('"', '""')}"` : text;
}
