/**
 * A sample of each case's failing rows: one query for all cases of a test where it can be. Knows no file.
 */
import type { Case } from "../model/case.js";
import { ok, type Result } from "../model/result.js";
import type { Cell, Column, Dialect, Query } from "../model/warehouse.js";
import { groupPredicate } from "../sql/index.js";
import { maskColumns } from "./mask.js";

export const sampleSize = 20;

interface Sample {
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly Cell[])[];
  /** Why there are no rows; null where there are. */
  readonly problem: string | null;
}

const rowNumber = "audit_run_row";
const mostCases = 40;

/** Case id → sample, hidden columns masked. Failure codes: aborted, warehouse-unreachable; another refusal is told in the sample. */
async function sampleRows(
  cases: readonly Case[],
  query: Query,
  dialect: Dialect,
  redactColumns: readonly string[],
): Promise<Result<ReadonlyMap<string, Sample>>> {
  const samples = new Map<string, Sample>();
  const batches = new Map<string, Case[]>();
  for (const item of cases) {
    const key = JSON.stringify([item.failingRows.sql, item.failingRows.groupColumn]);
    batches.set(key, [...(batches.get(key) ?? []), item]);
  }
  for (const batch of batches.values()) {
    for (let from = 0; batch.length > 1 && from < batch.length; from += mostCases) {
      for (const [id, sample] of await sampleTogether(batch.slice(from, from + mostCases), query, dialect)) {
        samples.set(id, maskColumns(sample, redactColumns));
      }
    }
    // Alone, or what the batch could not give: it was cut off, or the warehouse refused it.
    for (const item of batch) {
      if (samples.has(item.id)) continue;
      const sample = await sampleOne(item, query, dialect);
      if (!sample.ok) return sample;
      samples.set(item.id, maskColumns(sample.value, redactColumns));
    }
  }
  return ok(samples);
}

async function sampleTogether(cases: readonly Case[], query: Query, dialect: Dialect): Promise<Map<string, Sample>> {
  const samples = new Map<string, Sample>();
  const [first] = cases;
  const column = first?.failingRows.groupColumn ?? null;
  if (first === undefined || column === null) return samples;
  const group = dialect.toText(dialect.quote(column));
  const anyGroup = cases.map((item) => groupPredicate(dialect, column, item.group)).join(" or ");
  const numbered = `row_number() over (partition by ${group} order by ${group}) as ${rowNumber}`;
  const inner = `select failing.*, ${numbered} from (\n${first.failingRows.sql}\n) as failing where ${anyGroup}`;
  const sql = `select * from (\n${inner}\n) as numbered where ${rowNumber} <= ${sampleSize}`;
  const result = await query(sql, { maxRows: cases.length * sampleSize, maxBytes: 8 * 1024 * 1024 });
  if (!result.ok) return samples;
  const { columns, rows } = result.value;
  const groupAt = columns.findIndex(({ name }) => name.toLowerCase() === column.toLowerCase());
  const kept = columns.map((_column, at) => at).filter((at) => columns[at]?.name.toLowerCase() !== rowNumber);
  for (const item of cases) {
    const own = rows.filter((row) => (item.group.kind === "null" ? null : (item.group.value ?? "")) === row[groupAt]);
    if (own.length === 0) continue;
    samples.set(item.id, {
      columns: kept.flatMap((at) => columns[at] ?? []),
      rows: own.map((row) => kept.map((at) => row[at] ?? null)),
      problem: null,
    });
  }
  return samples;
}

async function sampleOne({ failingRows, group }: Case, query: Query, dialect: Dialect): Promise<Result<Sample>> {
  const where = groupPredicate(dialect, failingRows.groupColumn, group);
  const sql = `select * from (\n${failingRows.sql}\n) as failing where ${where}`;
  const result = await query(sql, { maxRows: sampleSize });
  if (result.ok) return ok({ columns: result.value.columns, rows: result.value.rows, problem: null });
  const { code, message } = result.failure;
  if (code === "aborted" || code === "warehouse-unreachable") return result;
  return ok({ columns: [], rows: [], problem: `The failing rows could not be read: ${message}` });
}

/** The same as text, for files and prompts. */
export async function sampleTexts(
  cases: readonly Case[],
  query: Query,
  dialect: Dialect,
  redactColumns: readonly string[],
): Promise<Result<ReadonlyMap<string, string>>> {
  const sampled = await sampleRows(cases, query, dialect, redactColumns);
  if (!sampled.ok) return sampled;
  return ok(new Map([...sampled.value].map(([id, sample]) => [id, sampleCsv(sample)])));
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
  const text = value.length > 500 ? `${value.slice(0, 500)}…` : value;
  return text === "" || /[",\r\n]/.test(text) || text.trim() !== text ? `"${text.replaceAll('"', '""')}"` : text;
}
