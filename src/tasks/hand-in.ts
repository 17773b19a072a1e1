/**
 * Takes what an agent that nobody here has started answers for its task: each finding goes through the same admission as
 * any other. Knows no claim and no file that it came in.
 */
import { missingCases } from "../findings/admit.js";
import type { Case } from "../model/case.js";
import type { Objection } from "../model/finding.js";
import type { Facts, Parts } from "../model/graph.js";
import type { Failure } from "../model/result.js";
import { openDesk } from "./admission.js";
import { gatedQueries } from "./gated.js";
import { repoRoots } from "./investigate.js";
import type { Session } from "./session.js";

export interface TakenUp {
  /** Ids of the cases whose findings are durable now. */
  readonly admitted: readonly string[];
  /** What is wrong, and what is still missing; empty: every case has its finding. */
  readonly objections: readonly Objection[];
  /** Ids of cases that had their finding before: it stays, and what came for them now was not looked at. */
  readonly hadFinding: readonly string[];
  /** The world refused. */
  readonly failure: Failure | null;
}

export async function takeAnswer(
  answer: string,
  options: {
    readonly session: Session;
    readonly node: string;
    readonly owner: string;
    /** Cases that need a finding. */
    readonly open: readonly Case[];
    /** All cases of the task that were open when it was claimed. */
    readonly cases: readonly Case[];
    readonly partsOf: (item: Case) => Parts;
    readonly factsOf: (item: Case) => Facts;
    /** Milliseconds from the claim to the answer. */
    readonly took: number;
  },
): Promise<TakenUp> {
  const { open } = options;
  const isOpen = new Set(open.map(({ id }) => id));
  const known = new Map(options.cases.map((item) => [nameOf(item.test.name, item.group.key), item.id]));
  const caseOf = (draft: unknown): string | undefined => {
    const { test, group } = (draft ?? {}) as { readonly test?: unknown; readonly group?: unknown };
    return known.get(nameOf(test, group));
  };
  const read = findingsIn(answer);
  const named = (read ?? []).flatMap((draft) => caseOf(draft) ?? []);
  const hadFinding = [...new Set(named)].filter((id) => !isOpen.has(id));
  const nothing = { admitted: [], objections: [], hadFinding, failure: null };
  if (open.length === 0) return nothing;
  if (read === null) return { ...nothing, objections: [{ case: null, code: "schema", message: shape }] };
  const warehouse = await options.session.warehouse();
  if (!warehouse.ok) return { ...nothing, failure: warehouse.failure };
  const { session } = options;
  const artifacts = await session.artifacts();
  if (!artifacts.ok) return { ...nothing, failure: artifacts.failure };
  const { config, signal } = session;
  const room = { config, signal, project: artifacts.value.project, cases: options.cases };
  const desk = openDesk({
    session,
    node: options.node,
    // What is admitted is the agent's that handed it in, whatever agent the config names.
    answeredBy: options.owner,
    cases: open,
    partsOf: options.partsOf,
    factsOf: options.factsOf,
    query: gatedQueries(warehouse.value, room).query,
    repos: repoRoots(session),
  });
  for (const draft of read) {
    const id = caseOf(draft);
    if (id !== undefined && !isOpen.has(id)) continue;
    await desk.submit(draft, Math.round(options.took / read.length));
    if (desk.failure !== null) break;
  }
  const refused = new Set(desk.objections.map((objection) => objection.case));
  const missing = missingCases(
    open.filter(({ id }) => !refused.has(id)),
    desk.answered,
  );
  // A case that was refused first and admitted then is in order.
  const left = desk.objections.filter((objection) => objection.case === null || !desk.answered.has(objection.case));
  const isWhole = open.every(({ id }) => desk.answered.has(id));
  return {
    admitted: [...desk.answered],
    objections: isWhole ? [] : [...left, ...missing],
    hadFinding,
    failure: desk.failure,
  };
}

const shape =
  'the answer is no JSON of findings: give {"findings": [...]}, a list of findings, or one finding; `audit-run schema finding` prints its schema';

/** Null where it is neither an answer, nor a list of findings, nor one finding. */
function findingsIn(text: string): readonly unknown[] | null {
  try {
    const value: unknown = JSON.parse(text.replace(/^\uFEFF/, ""));
    if (Array.isArray(value)) return value;
    if (value === null || typeof value !== "object") return null;
    const { findings } = value as { readonly findings?: unknown };
    if (findings === undefined) return [value];
    return Array.isArray(findings) ? findings : null;
  } catch {
    return null;
  }
}

function nameOf(test: unknown, group: unknown): string {
  return JSON.stringify([test, group]);
}
