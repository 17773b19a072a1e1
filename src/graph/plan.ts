/**
 * What a run would do, node by node, and why. Made of the same verdicts that the run acts upon. Pure.
 */
import type { NodeId, NodeKind, PoolName, Reason, Verdict } from "../model/graph.js";
import { type Assignment, type JudgedTask, longestFirst } from "./assign.js";
import { compile, expansion, investigateNode, union } from "./compile.js";
import { type Estimate, estimator, nothing, sum } from "./estimate.js";
import { makespan } from "./makespan.js";

export interface PlanRow {
  readonly node: NodeId;
  readonly kind: NodeKind;
  readonly verdict: Verdict["kind"];
  /** One phrase for each reason, most telling first. */
  readonly because: readonly string[];
  /** Set on investigations: how many of its cases an agent would look at, and how many findings are used again. */
  readonly cases: { readonly open: number; readonly reused: number; readonly failures: number } | null;
  /** What its work may take; null where it is no work to speak of. */
  readonly expected: Estimate | null;
  /** Estimated tokens of the prompts that it sends first; null where it sends none. What tools answer comes on top. */
  readonly tokens: number | null;
}

/** What all of it may take. */
export interface ExpectedTotal extends Estimate {
  /** Milliseconds from start to end with so many investigations at a time; null where some node's duration is not known. */
  readonly makespan: number | null;
  readonly places: number;
}

export interface Plan {
  readonly rows: readonly PlanRow[];
  /** Set where the investigations are those of the last export, because the summary has yet to run; then they are undecided. */
  readonly assumes: string | null;
  readonly strategy: string | null;
  readonly notes: readonly string[];
  readonly totals: {
    readonly investigations: number;
    readonly open: number;
    readonly reused: number;
    readonly excepted: number;
    /** `duration` is the sum over all nodes. */
    readonly expected: ExpectedTotal;
    /** Estimated tokens of all prompts, and of the text in them that is the same in each; null where there is no prompt. */
    readonly tokens: { readonly prompts: number; readonly shared: number } | null;
    /** Queries that lineage walks may send; `max` is the run's limit, null for none. Null where nothing is to be walked. */
    readonly queries: { readonly expected: number; readonly max: number | null } | null;
  };
}

/** What the agent takes: places in pools, and money perhaps. */
export interface AgentUse {
  readonly isFree: boolean;
  readonly pools: readonly PoolName[];
  readonly places: Readonly<Record<PoolName, number>>;
}

export interface PlanInput {
  readonly summary: Verdict;
  readonly export: Verdict;
  /** Null where nothing was ever exported. */
  readonly assignment: Assignment | null;
  readonly excepted: number;
  readonly agent: AgentUse;
  /** Estimated tokens of what a task is asked first, by task id. Default: its agent reads no prompt. */
  readonly prompts?: ReadonlyMap<string, { readonly tokens: number; readonly shared: number }>;
  /** Queries of one usual walk, and the limit of all (null: none). Default: nobody walks. */
  readonly walks?: { readonly each: number; readonly max: number | null };
  /** Milliseconds that they took the last time; null where they never ran. */
  readonly took: { readonly summary: number | null; readonly export: number | null };
}

export function makePlan(input: PlanInput): Plan {
  const { assignment } = input;
  const assumed = input.export.kind !== "reuse";
  // What the user narrowed the run away from is no node of it.
  const tasks = (assignment?.tasks ?? []).filter((task) => task.cases.some((item) => item.selected));
  const open = tasks.reduce((sum, task) => sum + task.open.length, 0);
  const reused = tasks.reduce((sum, task) => sum + reusedIn(task), 0);
  const before = (["setup", "summary", "export"] as const).map((node) => fixedRow(node, input, open));
  const after = (["collect", "cleanup"] as const).map((node) => fixedRow(node, input, open));
  const estimate = estimator(
    tasks.flatMap((task) => task.cases),
    input.agent.isFree,
  );
  const prompts = input.prompts ?? new Map();
  const rowOf = (task: JudgedTask): PlanRow => {
    return taskRow(task, estimate(task.open), assumed, prompts.get(task.task.id)?.tokens ?? null);
  };
  const rows = [...before, ...tasks.map(rowOf), ...after];
  const queries = queryTotal(tasks, input.walks);
  return {
    rows,
    assumes: assumed && assignment !== null ? assumption : null,
    strategy: assignment?.packing.strategy ?? null,
    notes: [assignment?.packing.why, assignment?.packing.tooSmall, queryNote(queries)].filter(
      (note) => note !== null && note !== undefined,
    ),
    totals: {
      investigations: tasks.filter((task) => task.open.length > 0).length,
      open,
      reused,
      excepted: input.excepted,
      expected: expectedTotal(rows, tasks, input),
      tokens: promptTotal(tasks, prompts),
      queries,
    },
  };
}

function fixedRow(
  node: "setup" | "summary" | "export" | "collect" | "cleanup",
  input: PlanInput,
  open: number,
): PlanRow {
  const row = { node, kind: node, cases: null, expected: null, tokens: null };
  if (node === "summary" || node === "export") {
    const verdict = input[node];
    const expected = verdict.kind === "reuse" ? nothing : { ...nothing, duration: input.took[node] };
    return { ...row, verdict: verdict.kind, because: phrases(verdict), expected };
  }
  const why = { setup: "prepares the audit folder", collect: "writes the report", cleanup: "releases slots" }[node];
  return { ...row, verdict: "run", because: open === 0 && node === "cleanup" ? ["nothing to release"] : [why] };
}

/** One walk a test, for all its cases. */
function queryTotal(tasks: readonly JudgedTask[], walks: PlanInput["walks"]): Plan["totals"]["queries"] {
  const tests = new Set(tasks.flatMap(({ open }) => open.map(({ case: item }) => item.test.id)));
  return walks === undefined || tests.size === 0 ? null : { expected: walks.each * tests.size, max: walks.max };
}

function queryNote(queries: Plan["totals"]["queries"]): string | null {
  if (queries === null) return null;
  const { expected, max } = queries;
  const limit =
    max === null ? "" : `, at most ${max}${max < expected ? ": not all tests may be followed in one run" : ""}`;
  return `The lineage walks may send about ${expected} queries${limit}.`;
}

function promptTotal(
  tasks: readonly JudgedTask[],
  prompts: NonNullable<PlanInput["prompts"]>,
): Plan["totals"]["tokens"] {
  const own = tasks.flatMap(({ task }) => prompts.get(task.id) ?? []);
  if (own.length === 0) return null;
  const sumOf = (pick: (each: (typeof own)[number]) => number) => own.reduce((total, each) => total + pick(each), 0);
  return { prompts: sumOf(({ tokens }) => tokens), shared: sumOf(({ shared }) => shared) };
}

/** By the schedule of a real run: the sum alone tells nobody how long to wait. */
function expectedTotal(rows: readonly PlanRow[], tasks: readonly JudgedTask[], { agent }: PlanInput): ExpectedTotal {
  const known = rows.flatMap(({ expected }) => (expected === null ? [] : [expected]));
  const duration = sum(known.map((each) => each.duration));
  const durations = new Map(rows.map(({ node, expected }) => [node, expected?.duration ?? 0]));
  const open = longestFirst(tasks).filter((task) => task.open.length > 0);
  const graph = union(compile(), expansion(open.map(({ task }) => ({ id: task.id, pools: agent.pools }))));
  return {
    duration,
    cost: sum(known.map(({ cost }) => cost)),
    guessed: known.some(({ guessed }) => guessed),
    makespan: duration === null ? null : makespan(graph, (node) => durations.get(node) ?? 0, agent.places),
    places: Math.min(...agent.pools.map((pool) => agent.places[pool])),
  };
}

const assumption =
  "The investigations are those of the last export, if the next one finds the same: the summary has yet to run.";

/** A promise is made only where nothing before it has yet to run. */
function taskRow(judged: JudgedTask, expected: Estimate, assumed: boolean, tokens: number | null): PlanRow {
  const failures = judged.task.cases.reduce((sum, item) => sum + item.failures, 0);
  return {
    node: investigateNode(judged.task.id),
    kind: "investigate",
    verdict: assumed ? "undecided" : taskVerdict(judged),
    because: assumed ? [`as of the last export: ${taskReasons(judged).join("; ")}`] : taskReasons(judged),
    cases: { open: judged.open.length, reused: reusedIn(judged), failures },
    expected,
    tokens,
  };
}

function taskVerdict({ open }: JudgedTask): Verdict["kind"] {
  if (open.length === 0) return "reuse";
  return open.every((item) => item.verdict.kind === "undecided") ? "undecided" : "run";
}

function taskReasons(judged: JudgedTask): readonly string[] {
  if (judged.open.length === 0) {
    return ["all findings are used again"];
  }
  const counts = new Map<string, number>();
  for (const { verdict } of judged.open) {
    // A model that changed is one reason, however many of its ancestors' macros changed with it.
    for (const phrase of new Set(phrases(verdict))) counts.set(phrase, (counts.get(phrase) ?? 0) + 1);
  }
  return [...counts]
    .sort(([, left], [, right]) => right - left)
    .map(([phrase, cases]) =>
      cases === judged.cases.length ? phrase : `${phrase} (${cases} of ${judged.cases.length})`,
    );
}

function reusedIn(judged: JudgedTask): number {
  return judged.cases.filter((item) => item.verdict.kind === "reuse").length;
}

export function phrases(verdict: Verdict): readonly string[] {
  switch (verdict.kind) {
    case "reuse":
      return ["unchanged"];
    case "undecided":
      return [
        verdict.trace === undefined
          ? `waits for ${verdict.awaiting}`
          : "used again if the queries that it cites give the same",
      ];
    case "run":
      return verdict.reasons.map(phrase);
  }
}

function phrase({ part, change, detail }: Reason): string {
  switch (change) {
    case "no-trace":
      return "never finished before";
    case "always":
      return "runs every time";
    case "asked":
      return "asked for";
    case "output-missing":
      return "its earlier result is gone";
    case "new":
    case "changed":
    case "removed":
      if (part === "refused") return "the warehouse refused a part of it";
      return `${partText(part)} ${verbs[change]}${detail === undefined ? "" : ` (${detail})`}`;
  }
}

const verbs = { new: "appeared", changed: "changed", removed: "disappeared" } as const;

const partTexts: Readonly<Record<string, string>> = {
  rows: "failing rows",
  agent: "agent",
  model: "model of the agent",
  prompt: "prompt template",
  knowledge: "knowledge",
  categories: "categories",
  vars: "dbt vars",
  repository: "dbt repository",
  loads: "source repositories",
  state: "earlier state of the project",
  artifacts: "dbt artifacts",
  watermark: "watermark",
  settings: "settings",
  summary: "summary",
};

function partText(part: string): string {
  const known = Object.hasOwn(partTexts, part) ? partTexts[part] : undefined;
  if (part.startsWith("query:")) return "the result of a query that it cites";
  return known ?? part.replace(/^resource:/, "").replace(/^(macro|file):/, "$1 ");
}
