/**
 * Tools about the dbt project: the SQL of tests and models, and what lies upstream of a test with the lineage agent's verdict.
 */
import { posix } from "node:path";
import { z } from "zod";
import type { Case } from "../model/case.js";
import type { Project, Resource } from "../model/project.js";
import { relationText } from "../model/relation.js";
import { closest } from "../support/suggest.js";
import type { ToolContext } from "./context.js";
import { unknownCase } from "./data-tools.js";
import {
  answered,
  defineTool,
  jsonBytes,
  largestAnswer,
  Offset,
  pageOf,
  refused,
  type ToolAnswer,
  textPart,
} from "./tool.js";

const TestName = z.string().describe("As get_task gives it.");
const noManifest = "There is no manifest of dbt, so nothing is known of the project's SQL.";

export const getTestSql = defineTool({
  name: "get_test_sql",
  description: "What a test checks: its SQL, compiled and as written, and the SELECT that gives its failing rows.",
  input: z.strictObject({ test: TestName, offset: Offset.describe("next_offset of an earlier answer.") }),
  readOnly: true,
  async run({ test: name, offset = 0 }, context) {
    const item = context.cases.find(({ test }) => test.name === name);
    if (item === undefined) return unknownCase(context);
    const { test, failingRows } = item;
    const resource = context.project?.resources.get(test.id);
    const definition = resource?.test;
    return answered({
      test: name,
      unique_id: test.id,
      checks: test.kind,
      severity: test.severity,
      ...fileOf(test.file, context),
      ...(test.attachedTo === null ? {} : { attached_to: test.attachedTo }),
      ...(definition?.column ? { column: definition.column } : {}),
      ...(definition?.where ? { where: context.redactValues(definition.where) } : {}),
      ...(test.description === "" ? {} : { description: context.redact(test.description).slice(0, 1_000) }),
      failing_rows: { sql: sqlPart(failingRows.sql, 0, context, 4_000), group_column: failingRows.groupColumn },
      ...sqlOf(resource, offset, context),
    });
  },
});

export const getModelSql = defineTool({
  name: "get_model_sql",
  description:
    "SQL of a model, snapshot or other resource of the dbt project, compiled and as written, with what it reads.",
  input: z.strictObject({
    model: z.string().min(1).max(1_000).describe("dbt's unique_id, such as model.shop.orders, or the name alone."),
    offset: Offset.describe("next_offset of an earlier answer."),
  }),
  readOnly: true,
  async run({ model, offset = 0 }, context) {
    const { project } = context;
    if (project === null) return refused(noManifest);
    const found = find(model, project);
    if (found.length > 1) {
      const names = found.slice(0, 20).map(({ id }) => id);
      return refused(`${JSON.stringify(model)} may be any of ${names.join(", ")}: give the unique_id.`);
    }
    const [resource] = found;
    if (resource === undefined) return unknownResource(model, project);
    return answered({ ...summaryOf(resource, context), ...sqlOf(resource, offset, context) });
  },
});

export const getLineage = defineTool({
  name: "get_lineage",
  description:
    "What lies upstream of a test: resources with their files and relations, nearest first. With a group also the verdict of an algorithm that follows the failing rows upstream: a lead to be checked, not the truth.",
  input: z.strictObject({
    test: TestName,
    group: z.string().optional().describe("As get_task gives it; default: no verdict."),
    offset: Offset.describe("next_offset of an earlier answer."),
  }),
  readOnly: true,
  async run({ test: name, group, offset = 0 }, context): Promise<ToolAnswer> {
    const ofTest = context.cases.filter(({ test }) => test.name === name);
    const [first] = ofTest;
    const item = ofTest.find((each) => each.group.key === group);
    if (first === undefined || (group !== undefined && item === undefined)) return unknownCase(context);
    if (context.project === null) return refused(noManifest);
    const verdict = item === undefined || offset > 0 ? {} : await verdictOf(item, context);
    const upstream = upstreamOf(first, context.project).map((resource) => summaryOf(resource, context));
    const { items, next } = pageOf(upstream, offset, largestAnswer - jsonBytes(verdict) - 300);
    return answered({ test: name, ...verdict, upstream: items, ...(next === null ? {} : { next_offset: next }) });
  },
});

/** A case without a verdict has still a lineage. */
async function verdictOf(item: Case, context: ToolContext) {
  const told = await context.verdict(item);
  if (!told.ok) return { verdict: `none: ${told.failure.message}` };
  if (told.value === null) return { verdict: "none" };
  const { redact, redactValues } = context;
  const { classification, confidence, root_cause, recommendation, alternatives = [], evidence } = told.value;
  return {
    verdict: {
      classification,
      confidence,
      root_cause: redact(root_cause).slice(0, 6_000),
      recommendation: redact(recommendation).slice(0, 2_000),
      alternatives: alternatives.map((each) => redact(each).slice(0, 500)),
      evidence: evidence.map(({ title, sql = "", value }) => ({
        title,
        value,
        sql: redactValues(sql).slice(0, 3_000),
      })),
    },
  };
}

/** Breadth first, so that what is near the test comes first. */
function upstreamOf({ test }: Case, project: Project): readonly Resource[] {
  const starts = test.attachedTo === null ? (project.resources.get(test.id)?.dependsOn ?? []) : [test.attachedTo];
  const found = new Map<string, Resource>();
  const queue = [...starts];
  for (let id = queue.shift(); id !== undefined; id = queue.shift()) {
    const resource = project.resources.get(id);
    if (resource === undefined || found.has(id)) continue;
    found.set(id, resource);
    queue.push(...resource.dependsOn);
  }
  return [...found.values()];
}

function summaryOf(resource: Resource, context: ToolContext) {
  const { id, type, materialized, relation, patchFile, dependsOn, file } = resource;
  return {
    unique_id: id,
    type: type === "model" ? `${type} (${materialized})` : type,
    ...(relation === null ? {} : { relation: relationText(relation) }),
    ...fileOf(file, context),
    ...(patchFile === null ? {} : { yaml: posix.join(context.dbtDir, patchFile) }),
    reads: dependsOn.slice(0, 100),
  };
}

/** As a finding's locations want it: from the root of the repository. */
function fileOf(file: string | null, { dbtDir }: ToolContext) {
  return file === null ? {} : { file: posix.join(dbtDir, file) };
}

/** Where the compiled SQL is short, the raw one comes with it; of long ones each on its own pages, compiled first. */
function sqlOf(resource: Resource | undefined, offset: number, context: ToolContext) {
  if (resource === undefined) return {};
  const { rawCode, compiledCode } = resource;
  return {
    ...(compiledCode === null ? {} : { compiled: sqlPart(compiledCode, offset, context) }),
    ...(rawCode === "" ? {} : { as_written: sqlPart(rawCode, offset, context) }),
  };
}

/** Text alone where that is all of it. */
function sqlPart(sql: string, offset: number, { redactValues }: ToolContext, length = 10_000) {
  const part = textPart(redactValues(sql), offset, length);
  return offset === 0 && part.next_offset === undefined ? part.text : part;
}

function find(name: string, project: Project): readonly Resource[] {
  const exact = project.resources.get(name);
  if (exact !== undefined) return [exact];
  return [...project.resources.values()].filter(
    (resource) => resource.type !== "test" && resource.name.toLowerCase() === name.toLowerCase(),
  );
}

function unknownResource(name: string, project: Project): ToolAnswer {
  const names = [...project.resources.values()].flatMap(({ id, name: short, type }) =>
    type === "test" ? [] : [id, short],
  );
  const near = closest(name, names);
  return refused(
    `The project has no resource ${JSON.stringify(name)}. ${near === undefined ? "get_lineage names those that matter." : `Did you mean ${near}?`}`,
  );
}
