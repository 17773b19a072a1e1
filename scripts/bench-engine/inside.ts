/**
 * What is measured inside of one process, with the program's own modules: a bundle of this is made for the bench.
 * Times in milliseconds. And `prefabricate`, so that an audit of 10,000 findings need not be paid for to be repeated.
 */
import { assignCases } from "../../src/audit/inputs.js";
import { type AuditRequest, loadAudit } from "../../src/audit/load.js";
import { loadArtifacts, openAudit } from "../../src/audit/open.js";
import { runAudit } from "../../src/audit/run.js";
import { registries } from "../../src/audit.js";
import { createStage } from "../../src/execution/listr.js";
import { runGraph } from "../../src/execution/loop.js";
import { createPools } from "../../src/execution/pools.js";
import { type JudgedTask, longestFirst } from "../../src/graph/assign.js";
import { compile, expansion, investigateNode, union } from "../../src/graph/compile.js";
import { fingerprint } from "../../src/graph/judge.js";
import { makespan } from "../../src/graph/makespan.js";
import { createSchedule } from "../../src/graph/schedule.js";
import type { Case, Export } from "../../src/model/case.js";
import type { Finding } from "../../src/model/finding.js";
import type { ProgressView } from "../../src/model/progress.js";
import { createTerminalView } from "../../src/reporters/terminal/index.js";

const silent: ProgressView = { open: () => {}, event: () => {}, close: () => {} };

/** Summary and export are really run in `folder`; each case then gets a finding as its agent would have left it. */
export async function prefabricate(folder: string): Promise<void> {
  const request: AuditRequest = {
    configFile: `${folder}/audit.config.yaml`,
    cwd: folder,
    env: process.env,
    argv: [],
    program: [],
    version: "bench",
    now: () => new Date(),
    signal: new AbortController().signal,
    targets: [],
    selection: { groups: [], tests: [] },
    retry: false,
    failFast: false,
    failOn: null,
    strategy: null,
  };
  const loaded = await loadAudit({ ...request, targets: ["export"] }, registries);
  if ("diagnostics" in loaded) throw new Error(JSON.stringify(loaded));
  const exporting = await openAudit(loaded, registries, silent);
  if ("diagnostics" in exporting) throw new Error(JSON.stringify(exporting));
  await runAudit(exporting);
  const opened = await openAudit(loaded, registries, silent);
  if ("diagnostics" in opened) throw new Error(JSON.stringify(opened));
  const { traces } = opened.session;
  const [exportTrace] = traces.find("export");
  const artifacts = await loadArtifacts(loaded.config);
  if (exportTrace === undefined || !artifacts.ok) throw new Error("nothing was exported");
  const exported = (await traces.read(exportTrace)) as Export;
  const { partsOf, factsOf } = await assignCases({
    config: loaded.config,
    agent: loaded.agent,
    template: loaded.template.digest,
    traces,
    exported,
    project: artifacts.value.project,
    exceptions: [],
    selection: request.selection,
    data: null,
    requery: null,
    today: "2026-02-03",
  });
  const at = request.now().toISOString();
  await Promise.all(
    exported.cases.map((item) => {
      const parts = partsOf(item);
      const trace = { subject: item.id, fingerprint: fingerprint(parts), parts, facts: factsOf(item), observed: {} };
      return traces.commit({ ...trace, run: "bench", at }, findingOf(item, at));
    }),
  );
  await opened.close();
}

function findingOf({ id, test, group, failures, rows }: Case, at: string): Finding {
  return {
    case: id,
    test,
    group,
    failures,
    rows,
    classification: "needs_investigation",
    confidence: "low",
    rootCause: "The row came late.",
    recommendation: "Ask the sender.",
    evidence: [],
    locations: [],
    alternatives: [],
    proposedException: false,
    provenance: { agent: "command", model: null, run: "bench", at },
  };
}

/** `export` adds nodes: making them, and the schedule taking them in. */
export function expansionTime(nodes: number): number {
  const tasks = Array.from({ length: nodes }, (_, index) => ({ id: `S${index}`, pools: ["warehouse"] as const }));
  const schedule = createSchedule(compile());
  for (const id of ["setup", "summary", "export"]) {
    schedule.takeReady();
    if (id !== "export") schedule.settle(id, "executed");
  }
  const start = performance.now();
  schedule.add(expansion(tasks));
  return performance.now() - start;
}

/** Milliseconds of CPU for a run of trivial nodes on 8 places, with or without a window of 80 × `rows` that is drawn. */
export async function viewTime(nodes: number, rows: number | null): Promise<number> {
  const stream = { isTTY: true, columns: 80, rows: rows ?? 24, write: () => true, on: () => {}, off: () => {} };
  const environment = { TERM: "xterm-256color" };
  const view =
    rows === null
      ? silent
      : createTerminalView({ renderer: "window", stream: stream as unknown as NodeJS.WriteStream, environment });
  const tasks = Array.from({ length: nodes }, (_, index) => ({ id: `S${index}`, pools: ["warehouse"] as const }));
  const stage = await createStage(view);
  const before = process.cpuUsage();
  await runGraph({
    graph: compile(),
    runNode: async ({ kind }) => {
      await new Promise((resolve) => setImmediate(resolve));
      return { outcome: "executed", ...(kind === "export" ? { adds: expansion(tasks) } : {}) };
    },
    pools: createPools({ agent: 8, slots: 1, warehouse: 8 }),
    stage,
    emit: (event) => view.event(event),
    signal: new AbortController().signal,
    clock: () => performance.now(),
  });
  view.close();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

/**
 * Simulated: nodes that take as long as they took the last time, in the order and by the schedule of a real run, and the
 * bound that no order can beat: the longest node, or the work shared by all slots.
 */
export function recordedMakespan(
  durations: readonly number[],
  slots: number,
): { readonly time: number; readonly bound: number } {
  const tasks = longestFirst(durations.map(judgedTask));
  const took = new Map(tasks.map(({ task, cases }) => [investigateNode(task.id), cases[0]?.earlier?.took ?? 0]));
  const graph = union(compile(), expansion(tasks.map(({ task }) => ({ id: task.id, pools: ["slots"] }))));
  const time = makespan(graph, (node) => took.get(node) ?? 0, { agent: 1, slots, warehouse: 1 });
  const work = durations.reduce((sum, duration) => sum + duration, 0);
  return { time, bound: Math.max(work / slots, ...durations) };
}

function judgedTask(took: number, index: number): JudgedTask {
  const group = { kind: "value", key: `S${index}`, value: `S${index}` } as const;
  const item: Case = {
    id: `late@S${index}`,
    test: {
      id: "late",
      name: "late",
      kind: "singular",
      severity: "error",
      attachedTo: null,
      file: null,
      description: "",
    },
    group,
    failures: 1,
    rows: 1,
    rowsDigest: "",
    failingRows: { sql: "select 1", groupColumn: "state", source: "stored", relation: null },
  };
  const judged = {
    case: item,
    parts: {},
    verdict: { kind: "run", reasons: [] },
    earlier: { took, cost: null, bySameAgent: true },
    selected: true,
  } as const;
  return { task: { id: group.key, title: group.key, axis: "group", cases: [item] }, cases: [judged], open: [judged] };
}
