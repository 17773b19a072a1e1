/**
 * What a test asks, and of which relation: of a generic test what dbt says of it, of a singular one what its SQL says.
 * Knows no rules and no rows.
 */
import type { Project, Resource } from "../model/project.js";
import type { Dialect } from "../model/warehouse.js";
import { type Check, checkOf, conditionCheck } from "./check.js";
import type { ColumnLineage } from "./column-lineage.js";
import { expand } from "./inside.js";
import type { Reference } from "./shape.js";
import { singularOf } from "./singular.js";
import { type Part, Workspace } from "./workspace.js";

export interface Subject {
  readonly tested: Resource;
  readonly check: Exclude<Check, { kind: "none" }>;
  /** Rows that the test looks at, as a condition over the tested relation. */
  readonly where: string | null;
  /** With the CTEs of a singular test as resources. */
  readonly project: Project;
  readonly parts: ReadonlyMap<string, Part>;
}

export interface SubjectRequest {
  readonly project: Project;
  readonly test: string;
  readonly dialect: Dialect;
  readonly lineage: ColumnLineage;
  readonly parts?: ReadonlyMap<string, Part>;
}

/** A text says why the test cannot be followed. */
export function subjectOf(request: SubjectRequest): Subject | string {
  const { project, dialect, lineage } = request;
  const test = project.resources.get(request.test);
  if (test === undefined || test.test === null) return "the manifest does not know this test";
  const parts = request.parts ?? new Map<string, Part>();
  if (test.test.kind === "singular") return ofSingular(request, test, parts);
  const check = checkOf(test, dialect, lineage);
  if (check.kind === "none") return check.reason;
  const tested = project.resources.get(test.test.attachedTo ?? "");
  if (tested === undefined) return "the manifest does not say which relation is tested";
  return { tested, check, where: test.test.where, project, parts };
}

function ofSingular(request: SubjectRequest, test: Resource, given: ReadonlyMap<string, Part>): Subject | string {
  const { dialect, lineage } = request;
  const sql = test.compiledCode;
  if (sql === null || sql.trim() === "") return "there is no compiled SQL of the test";
  const found = singularOf(sql, dialect.name, lineage);
  if (typeof found === "string") return found;
  const expanded = expand(request.project, { ...test, type: "model" }, dialect);
  const project = expanded?.project ?? request.project;
  const parts = new Map([...given, ...(expanded?.parts ?? [])]);
  const names = new Workspace({ ...request, project, parts, query: never, describe: never, maxQueries: 0 });
  const resolve = (reference: Reference) => names.resolve(reference, test);
  const tested = resolve(found.relation);
  if (tested === null) return `the test reads ${found.relation.name}, which the project does not know`;
  if (found.kind === "key") {
    const check = { kind: "key", columns: found.columns, skipsNulls: false } as const;
    return { tested, check, where: found.where, project, parts };
  }
  if (found.kind === "reference") {
    const to = resolve(found.to);
    if (to === null) return `the test reads ${found.to.name}, which the project does not know`;
    const check = { kind: "reference", column: found.column, to: to.id, field: found.field } as const;
    return { tested, check, where: null, project, parts };
  }
  return { tested, check: conditionCheck(found.condition, dialect, lineage), where: null, project, parts };
}

/** Names are resolved without a query. */
const never = () => Promise.reject(new Error("BUG: a name was looked up in the warehouse"));
