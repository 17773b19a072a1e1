/**
 * Runs the real audit (src/audit) in a temp folder, with a warehouse in memory and an agent that answers by what decides
 * a case and by nothing else. It can be made to fail, to be stopped and to die at any moment; it keeps count of what was
 * finished, and hears of it when a finished case is asked about again.
 */
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { slots } from "../../src/adapters/slots/index.js";
import { type AuditRequest, type LoadedAudit, loadAudit, type Registries } from "../../src/audit/load.js";
import { openAudit } from "../../src/audit/open.js";
import { type PlannedAudit, planAudit } from "../../src/audit/plan.js";
import { type AuditEnd, runAudit } from "../../src/audit/run.js";
import type { AgentAdapter, InvestigationRequest } from "../../src/model/agent.js";
import { sha256 } from "../../src/model/digest.js";
import type { FindingDraft } from "../../src/model/finding.js";
import type { AuditReport } from "../../src/model/report.js";
import { failed, ok, type Result } from "../../src/model/result.js";
import { memoryWarehouse } from "../fakes/memory-warehouse.js";
import {
  citesFile,
  citesProbe,
  configOf,
  dataOf,
  dateOf,
  deciding,
  exceptionsOf,
  firstWorld,
  manifestOf,
  promptOf,
  runResultsOf,
  type TestName,
  type World,
} from "./oracle-world.js";

/** What goes wrong in a run, and at which moment: moments are statements at the warehouse and cases before the agent. */
export interface Trouble {
  readonly kind:
    | "agent-fails"
    | "agent-throws"
    | "answer-missing"
    | "answer-invalid"
    | "warehouse-fails"
    | "cancelled"
    | "killed";
  readonly at: number;
  /** Moments for which a slow warehouse stays slow; bytes of a line that a killed run leaves at the journal's end. */
  readonly size: number;
}

export interface RunOptions {
  readonly groups: readonly string[];
  readonly tests: readonly string[];
  readonly retry: boolean;
  readonly failFast: boolean;
  readonly trouble: Trouble | null;
}

export const undisturbed: RunOptions = { groups: [], tests: [], retry: false, failFast: false, trouble: null };

export interface Rig {
  world: World;
  /** Case and all that decides it, once a finding is durable. */
  readonly finished: ReadonlySet<string>;
  /** Cases that the agent was asked about, in the newest run. */
  readonly asked: ReadonlySet<string>;
  plan(options: RunOptions): Promise<PlannedAudit>;
  /** Null where the run was refused, or died. */
  run(options: RunOptions): Promise<AuditEnd | null>;
  remove(): void;
}

/** The agent's own bug; not one of the program's. */
class AgentBug extends Error {}

export function openRig(): Rig {
  const shared = "/dev/shm";
  const folder = mkdtempSync(join(existsSync(shared) ? shared : tmpdir(), "audit-run-oracle-"));
  const dir = join(folder, ".audit");
  const copy = join(folder, "killed");
  let clock = 0;
  let moment = 0;
  let trouble: Trouble | null = null;
  let stop = new AbortController();
  let finished = new Set<string>();
  let asked = new Set<string>();
  let finishedWhenKilled: Set<string> | null = null;

  /** Counts the moments of a run, and lets the trouble begin when it is due. */
  const strikes = (): Trouble["kind"] | null => {
    moment += 1;
    if (trouble === null || moment < trouble.at) return null;
    if (trouble.kind === "warehouse-fails" && moment <= trouble.at + (trouble.size % 8)) return trouble.kind;
    if (moment > trouble.at) return null;
    if (trouble.kind === "cancelled") stop.abort("SIGINT");
    if (trouble.kind === "killed") {
      cpSync(dir, copy, { recursive: true });
      finishedWhenKilled = new Set(finished);
      // What it does from now on happens to files that nobody sees again.
      stop.abort("SIGKILL");
    }
    return trouble.kind;
  };

  const rig = {
    world: firstWorld,
    get finished() {
      return finished;
    },
    get asked() {
      return asked;
    },
    async plan(options: RunOptions) {
      [moment, trouble, stop] = [0, null, new AbortController()];
      const planned = await planAudit(await load(options), registries);
      if ("diagnostics" in planned) throw new Error(JSON.stringify(planned));
      return planned;
    },
    async run(options: RunOptions) {
      [moment, trouble, stop, asked, finishedWhenKilled] = [0, options.trouble, new AbortController(), new Set(), null];
      const opened = await openAudit(await load(options), registries, silent);
      if ("diagnostics" in opened) return null;
      const end = await runAudit(opened).catch((error: unknown) => {
        if (error instanceof AgentBug) return null;
        throw error;
      });
      if (finishedWhenKilled === null) return end;
      finished = finishedWhenKilled;
      leaveAsKilled(trouble?.size ?? 0);
      return null;
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };

  const leaveAsKilled = (torn: number): void => {
    rmSync(dir, { recursive: true });
    cpSync(copy, dir, { recursive: true });
    rmSync(copy, { recursive: true });
    const lock = join(dir, "run.lock");
    if (existsSync(lock)) {
      // No process of this machine: its number is above the highest that there may be.
      writeFileSync(lock, JSON.stringify({ ...JSON.parse(readFileSync(lock, "utf8")), pid: 2 ** 22 + 1 }));
    }
    const journal = join(dir, "traces/journal.jsonl");
    const line = existsSync(journal) ? (readFileSync(journal, "utf8").split("\n").at(-2) ?? "") : "";
    if (torn > 0 && line !== "") appendFileSync(journal, line.slice(0, Math.min(torn, line.length - 1)));
  };

  const answer = (world: World, test: TestName, group: string): FindingDraft => ({
    test,
    group,
    classification: sha256(deciding(world, test, group)) < "8" ? "needs_fix" : "source_data_issue",
    confidence: "high",
    root_cause: `It is so because of ${deciding(world, test, group)}.`,
    recommendation: "Mend what is broken.",
    evidence: [{ sql: `select n from "memory"."probes"."${citesProbe(test) ? "volume" : "constant"}"` }],
    locations: citesFile(test) ? [{ repo: "sync", file: "load.py" }] : [],
  });

  const investigate = async (request: InvestigationRequest): Promise<Result<void>> => {
    for (const { id, test, group } of request.cases) {
      const { world } = rig;
      const name = test.name as TestName;
      const key = `${id} ${deciding(world, name, group.key)}`;
      const struck = strikes();
      if (request.signal.aborted) return failed("aborted", "the agent was stopped");
      if (finished.has(key)) throw new Error(`paid twice: ${key}`);
      asked.add(id);
      if (struck === "agent-fails") return failed("agent-failed", "the agent died");
      if (struck === "agent-throws") throw new AgentBug("the agent threw");
      // Not once but in this round and the next ones.
      if (struck === "answer-missing" || struck === "answer-invalid") stubborn.set(id, struck);
      const mood = stubborn.get(id);
      if (mood === "answer-missing") continue;
      const draft = answer(world, name, group.key);
      const admission = await request.submit(mood === undefined ? draft : { ...draft, classification: "whatever" });
      if (admission.admitted) finished.add(key);
    }
    return ok(undefined);
  };
  const stubborn = new Map<string, string>();

  const agent: AgentAdapter<Record<string, never>> = {
    id: "scripted",
    settings: z.strictObject({}) as unknown as z.ZodType<Record<string, never>>,
    create: async () => {
      stubborn.clear();
      return ok({
        id: "scripted",
        needsSlot: rig.world.slots,
        readsPrompt: true,
        parts: {},
        model: `model-${rig.world.model}`,
        investigate,
        close: async () => {},
      });
    },
  };

  const registries: Registries = {
    agents: { scripted: agent },
    warehouses: {
      memory: memoryWarehouse(
        () => dataOf(rig.world),
        () => (strikes() === "warehouse-fails" ? failed("query-timeout", "the warehouse was slow") : null),
      ),
    },
    slots,
    reporters: {},
  };

  const load = async (options: RunOptions): Promise<LoadedAudit> => {
    const { world } = rig;
    write("audit.config.yaml", configOf(world));
    write("audit.exceptions.yaml", exceptionsOf(world));
    write("project/target/manifest.json", manifestOf(world));
    write("project/target/run_results.json", runResultsOf(world));
    writeFileSync(join(folder, "prompt.md"), promptOf(world));
    writeFileSync(join(folder, "sync/load.py"), `version = ${world.cited}\n`);
    const request: AuditRequest = {
      configFile: join(folder, "audit.config.yaml"),
      cwd: folder,
      env: {},
      argv: [],
      version: "0.0.0",
      now: () => new Date(dateOf(world.day).getTime() + ++clock),
      signal: stop.signal,
      targets: [],
      selection: { groups: options.groups, tests: options.tests },
      retry: options.retry,
      failFast: options.failFast,
      failOn: null,
      strategy: null,
    };
    const loaded = await loadAudit(request, registries);
    if ("diagnostics" in loaded) throw new Error(JSON.stringify(loaded));
    return loaded;
  };

  const write = (path: string, value: object): void => writeFileSync(join(folder, path), JSON.stringify(value));
  for (const each of ["project/target", "sync"]) mkdirSync(join(folder, each), { recursive: true });
  return rig;
}

const silent = { open() {}, event() {}, close() {} };

/** What must not differ between two ways to the same end: all but times, ids, what was reused, and what history tells. */
export function essence(report: AuditReport | null): unknown {
  if (report === null) return null;
  const { run: _run, at: _at, retryCommand: _retry, ...rest } = report;
  return {
    ...rest,
    // What passes now and failed in an earlier export is history.
    export: { ...rest.export, noLongerFailing: [] },
    cases: rest.cases.map(({ report: each, ...subject }) => {
      if (each.status !== "found") return { ...subject, report: each };
      const { provenance, ...finding } = each.finding;
      return { ...subject, report: { status: "found", finding, agent: provenance.agent, model: provenance.model } };
    }),
  };
}
