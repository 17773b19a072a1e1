/**
 * Admission: nobody's word is taken. A draft becomes a finding only when its shape, its meaning and its evidence hold.
 * Pure: it asks for queries and files, the caller answers, `decide` judges. Knows no warehouse, no disk and no clock.
 */
import type { Case } from "../model/case.js";
import type { CategoryConfig } from "../model/config.js";
import type { AcceptedException, Evidence, Finding, FindingDraft, Objection, Provenance } from "../model/finding.js";
import type { Failure, FailureCode, Result } from "../model/result.js";
import type { QueryResult } from "../model/warehouse.js";
import { caseNamed, parseDraft } from "./draft.js";
import { checkEvidence, citedQueries } from "./evidence.js";
import { applyExceptions } from "./exceptions.js";
import { checkLocations, type FileQuestion, type Objecting } from "./locations.js";
import { cleanText, isPlaceholder, quoted } from "./text.js";

export interface AdmissionContext {
  /** All cases of the task, answered ones too. */
  readonly cases: readonly Case[];
  /** Ids of the cases that have a finding. */
  readonly answered: ReadonlySet<string>;
  readonly categories: readonly CategoryConfig[];
  readonly exceptions: readonly AcceptedException[];
  /** ISO date in UTC. */
  readonly today: string;
  /** Names of the repositories of the config; `dbt` is one of them. */
  readonly repos: readonly string[];
  /** Words that the prompt's template uses as slots, such as `description`. */
  readonly templateWords: readonly string[];
  /** SQL of a query that was run for this task, by its query_id; null for any other. Default: none was. */
  readonly sqlOf?: (queryId: string) => string | null;
  readonly provenance: Provenance;
}

/** What the caller found, in the order of the questions. */
export interface Answers {
  readonly results: readonly Result<QueryResult>[];
  readonly files: readonly boolean[];
}

export type Decision =
  | { readonly kind: "admitted"; readonly finding: Finding }
  | { readonly kind: "rejected"; readonly objections: readonly Objection[] }
  /** The world refused, not the agent: asking it again would be wrong. */
  | { readonly kind: "failed"; readonly failure: Failure };

export type Admission =
  | Decision
  | {
      readonly kind: "needs-queries";
      /** One for each evidence, in order. To be run through the gate. */
      readonly sqls: readonly string[];
      readonly files: readonly FileQuestion[];
      readonly decide: (answers: Answers) => Decision;
    };

/** Not the agent's fault, whatever it asked. */
const notTheAgents: ReadonlySet<FailureCode> = new Set(["aborted", "warehouse-auth", "warehouse-unreachable"]);

/** First half of an admission: everything that needs no look at the world, and the questions that do. */
export function admit(input: unknown, context: AdmissionContext): Admission {
  const parsed = parseDraft(input, context.cases);
  if (!parsed.ok) return { kind: "rejected", objections: parsed.objections };
  const { draft } = parsed;
  const subject = caseNamed(draft.test, draft.group, context.cases);
  if (subject === undefined || context.answered.has(subject.id)) {
    return { kind: "rejected", objections: [wrongCase(draft, subject, context)] };
  }
  const object = (code: Objection["code"], message: string): Objection => ({ case: subject.id, code, message });
  const located = checkLocations(draft.locations ?? [], context.repos, object);
  const cited = citedQueries(draft, context.sqlOf ?? (() => null), object);
  const objections = [...checkMeaning(draft, subject, context, object), ...located.objections, ...cited.objections];
  const sqls = cited.queries.map(({ sql }) => sql);
  const decide = (answers: Answers): Decision => {
    if (answers.results.length !== sqls.length || answers.files.length !== located.questions.length) {
      throw new Error("BUG: an admission got fewer or more answers than it asked for");
    }
    const outage = answers.results.find((result) => !result.ok && notTheAgents.has(result.failure.code));
    if (outage !== undefined && !outage.ok) return { kind: "failed", failure: outage.failure };
    const proved = checkEvidence(cited.queries, answers.results, object);
    const missing = located.questions
      .filter((_, index) => answers.files[index] === false)
      .map(({ repo, file }) =>
        object("unknown-file", `There is no file ${quoted(file)} in repository ${quoted(repo)}.`),
      );
    const all = [...objections, ...missing, ...proved.objections];
    if (all.length > 0) return { kind: "rejected", objections: all };
    return { kind: "admitted", finding: finish(draft, subject, located.locations, proved.evidence, context) };
  };
  if (sqls.length === 0 && located.questions.length === 0) return decide({ results: [], files: [] });
  return { kind: "needs-queries", sqls, files: located.questions, decide };
}

/** Objections to what a whole answer left out. */
export function missingCases(cases: readonly Case[], answered: ReadonlySet<string>): readonly Objection[] {
  return cases
    .filter((each) => !answered.has(each.id))
    .map((each) => ({
      case: each.id,
      code: "missing-case",
      message: `There is no finding for test ${quoted(each.test.name)} in group ${quoted(each.group.key)}.`,
    }));
}

function checkMeaning(
  draft: FindingDraft,
  subject: Case,
  context: AdmissionContext,
  object: Objecting,
): readonly Objection[] {
  const objections: Objection[] = [];
  const category = context.categories.find(({ id }) => id === draft.classification);
  if (category === undefined) {
    const known = context.categories.map(({ id }) => id).join(", ");
    objections.push(
      object("unknown-category", `classification is ${quoted(draft.classification)}; it must be one of: ${known}.`),
    );
  }
  for (const field of ["root_cause", "recommendation"] as const) {
    if (isPlaceholder(draft[field], context.templateWords)) {
      objections.push(
        object("placeholder", `${field} is ${quoted(draft[field])}, which says nothing; write at least one sentence.`),
      );
    }
  }
  if (draft.evidence.length === 0 && category !== undefined && category.role !== "unclear") {
    objections.push(
      object("no-evidence", `${category.id} needs at least one query as evidence; give one SELECT that shows it.`),
    );
  }
  if (draft.failures !== undefined && draft.failures !== subject.failures) {
    objections.push(
      object(
        "count-differs",
        `failures is ${draft.failures}, but this test fails ${subject.failures} times in this group; correct it or leave it out.`,
      ),
    );
  }
  return objections;
}

function finish(
  draft: FindingDraft,
  subject: Case,
  locations: Finding["locations"],
  evidence: readonly Evidence[],
  context: AdmissionContext,
): Finding {
  const role = context.categories.find(({ id }) => id === draft.classification)?.role;
  const accepted = applyExceptions([subject], context.exceptions, context.today).excepted.length > 0;
  return {
    case: subject.id,
    test: subject.test,
    group: subject.group,
    failures: subject.failures,
    rows: subject.rows,
    classification: draft.classification,
    confidence: draft.confidence,
    rootCause: cleanText(draft.root_cause).trim(),
    recommendation: cleanText(draft.recommendation).trim(),
    evidence,
    locations,
    alternatives: (draft.alternatives ?? []).map((text) => cleanText(text).trim()).filter((text) => text !== ""),
    proposedException: role === "exception" && !accepted,
    provenance: context.provenance,
  };
}

function wrongCase(draft: FindingDraft, subject: Case | undefined, context: AdmissionContext): Objection {
  const open = context.cases.filter(({ id }) => !context.answered.has(id));
  const listed = open.slice(0, 10).map((each) => `${quoted(each.test.name)} in ${quoted(each.group.key)}`);
  const more = open.length > listed.length ? ` and ${open.length - listed.length} more` : "";
  const rest = open.length === 0 ? "No case is open." : `Open cases: ${listed.join(", ")}${more}.`;
  const named = `test ${quoted(draft.test)} in group ${quoted(draft.group)}`;
  if (subject === undefined) {
    return { case: null, code: "unknown-case", message: `This task has no ${named}. ${rest}` };
  }
  return { case: subject.id, code: "duplicate-case", message: `There is a finding for ${named} already. ${rest}` };
}
