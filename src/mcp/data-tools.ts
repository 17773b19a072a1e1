/**
 * Tools that look at data: rows of a case, any SELECT, the columns of a relation. What may be asked, the gate behind
 * `query` decides; here it is counted, recorded and cut into pages.
 */
import { z } from "zod";
import { caseNamed } from "../findings/draft.js";
import type { Project, Relation } from "../model/project.js";
import { relationKey, relationText } from "../model/relation.js";
import { groupPredicate } from "../sql/index.js";
import { closest } from "../support/suggest.js";
import type { ToolContext } from "./context.js";
import { parseCursor, rowsPage } from "./rows.js";
import { answered, defineTool, failedAnswer, largestAnswer, refused, type ToolAnswer } from "./tool.js";

/** A task that asks more is lost in itself, or means no good. */
const mostQueries = 2_000;

const Cursor = z
  .string()
  .max(40)
  .describe("next_cursor of an earlier answer: goes on there. Give nothing else with it.");
const Most = z.int().min(1).max(1_000).optional().describe("Rows a page. Default: 100, or as many as fit.");

export const getFailingRows = defineTool({
  name: "get_failing_rows",
  description:
    "Failing rows of one case, page by page. Its query_id may be cited as evidence. For counts or parts of many rows, use run_sql.",
  input: z.strictObject({
    test: z.string().optional().describe("As get_task gives it."),
    group: z.string().optional().describe("As get_task gives it."),
    limit: Most,
    cursor: Cursor.optional(),
  }),
  readOnly: true,
  async run({ test, group, limit, cursor }, context, signal) {
    if (cursor !== undefined) return goOn(cursor, limit, context, signal);
    const item = caseNamed(test, group, context.cases);
    if (item === undefined) return unknownCase(context);
    const where = groupPredicate(context.dialect, item.failingRows.groupColumn, item.group);
    const sql = `select * from (\n${item.failingRows.sql}\n) as failing where ${where}`;
    return ask("get_failing_rows", sql, limit, context, signal);
  },
});

export const runSql = defineTool({
  name: "run_sql",
  description:
    "Runs one SELECT (or WITH … SELECT), read-only. At most 1,000 rows: count and group rather than list. The query_id that comes back may be cited in a finding's evidence instead of the SQL.",
  input: z.strictObject({
    sql: z.string().min(1).max(100_000).optional().describe("One SELECT in the warehouse's SQL."),
    limit: Most,
    cursor: Cursor.optional(),
  }),
  readOnly: true,
  async run({ sql, limit, cursor }, context, signal) {
    if (cursor !== undefined) return goOn(cursor, limit, context, signal);
    if (sql === undefined) return refused("Give sql, or the cursor of an earlier answer.");
    return ask("run_sql", sql, limit, context, signal);
  },
});

async function ask(
  tool: string,
  sql: string,
  limit: number | undefined,
  context: ToolContext,
  signal: AbortSignal,
): Promise<ToolAnswer> {
  const { queries, query } = context;
  if (queries.count >= mostQueries) {
    return refused(`This task has run ${mostQueries} queries, which is the limit. Hand in what you know.`);
  }
  const result = await query(sql, { signal });
  const id = await queries.record(tool, sql, result);
  return result.ok ? page(id, 0, limit, context) : failedAnswer(result.failure);
}

async function goOn(
  cursor: string,
  limit: number | undefined,
  context: ToolContext,
  signal: AbortSignal,
): Promise<ToolAnswer> {
  const place = parseCursor(cursor);
  const sql = place === null ? null : context.queries.sqlOf(place.id);
  if (place === null || sql === null) return refused(`There is no cursor ${JSON.stringify(cursor)} in this task.`);
  if (context.queries.resultOf(place.id) !== null) return page(place.id, place.from, limit, context);
  const result = await context.query(sql, { signal });
  if (!result.ok) return failedAnswer(result.failure);
  // A query of its own, since without ORDER BY the rows may come in another order now.
  const id = await context.queries.record("run_sql", sql, result);
  return page(id, place.from, limit, context);
}

function page(id: string, from: number, most = 100, { queries, redact }: ToolContext): ToolAnswer {
  const result = queries.resultOf(id);
  if (result === null) throw new Error(`BUG: the result of ${id} is not held`);
  const made = rowsPage({ id, result, from, most, bytes: largestAnswer, redact });
  return made === null
    ? refused(`The result has ${result.columns.length} columns, which is too much to show. Select fewer.`)
    : answered(made);
}

export function unknownCase({ cases, isOpen }: ToolContext): ToolAnswer {
  const open = cases.filter(({ id }) => isOpen(id)).slice(0, 20);
  const listed = open.map(({ test, group }) => JSON.stringify({ test: test.name, group: group.key }));
  return refused(
    `There is no such case in this task. test and group must be as get_task gives them: ${listed.join(", ")}`,
  );
}

export const describeRelation = defineTool({
  name: "describe_relation",
  description: "Columns of a table or view, with their types in the warehouse.",
  input: z.strictObject({
    relation: z
      .string()
      .min(1)
      .max(1_000)
      .describe('As SQL names it, such as db.schema.name or "db"."schema"."name", or a dbt unique_id.'),
  }),
  readOnly: true,
  async run({ relation: text }, context) {
    const known = knownRelations(context);
    const relation = known.get(text) ?? parseRelation(text);
    if (relation === null) return refused(`${JSON.stringify(text)} is no name of a relation.`);
    const found = [...known.values()].find((each) => matches(relation, each));
    // The catalog tells of schemas that this audit has no business with.
    if (found === undefined && context.project !== null) {
      const names = [...new Set([...known.values()].map(relationText))];
      const near = closest(relationText(relation), names);
      const hint = near === undefined ? "get_lineage names those that matter." : `Did you mean ${near}?`;
      return refused(`The project has no relation ${JSON.stringify(text)}. ${hint}`);
    }
    const asked = found ?? relation;
    const described = await context.describe([asked]);
    if (!described.ok) return failedAnswer(described.failure);
    const columns = described.value.get(relationKey(asked));
    if (columns === undefined) return refused(`The warehouse has no relation ${relationText(asked)}.`);
    return answered({ relation: relationText(asked), columns: columns.map(({ name, type }) => `${name} ${type}`) });
  },
});

/** By everything that they may be called. */
function knownRelations({ project, cases }: ToolContext): ReadonlyMap<string, Relation> {
  const known = new Map<string, Relation>();
  for (const { failingRows, test } of cases)
    if (failingRows.relation !== null) known.set(test.id, failingRows.relation);
  for (const { id, relation } of (project as Project | null)?.resources.values() ?? []) {
    if (relation !== null) known.set(id, relation);
  }
  return known;
}

/** Parts that are not given may be any; names differ in case between dbt and the warehouses. */
function matches(asked: Relation, known: Relation): boolean {
  const same = (left: string | null, right: string | null): boolean =>
    left === null || left.toLowerCase() === right?.toLowerCase();
  return same(asked.name, known.name) && same(asked.schema, known.schema) && same(asked.database, known.database);
}

/** `a.b.c`, quoted or not; null for what is no name. */
function parseRelation(text: string): Relation | null {
  const parts = [...text.matchAll(/\s*(?:"((?:[^"]|"")+)"|([^".\s][^".]*?))\s*(?:\.|$)/gy)];
  if (parts.map(([whole]) => whole).join("") !== text || parts.length < 1 || parts.length > 3) return null;
  const names = parts.map(([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain ?? "");
  const name = names.at(-1);
  return name === undefined ? null : { name, schema: names.at(-2) ?? null, database: names.at(-3) ?? null };
}
