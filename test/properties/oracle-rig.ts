/**
 * Runs the real audit (src/audit) on a disk in memory, with a warehouse in memory, a dbt that is a function, and an agent
 * that answers by what decides a case and by nothing else. Any of them can be made to fail, and the run to be stopped or
 * to die, at any moment; it keeps count of what was finished, and hears of it when a finished case is asked about again.
 */
import { dirname, join } from "node:path";
import { z } from "zod";
import { slots } from "../../src/adapters/slots/index.js";
import { summaryOf } from "../../src/audit/end-summary.js";
import { exitCodes } from "../../src/audit/exit-codes.js";
import { type AuditRequest, type LoadedAudit, loadAudit, type Registries } from "../../src/audit/load.js";
import { openAudit } from "../../src/audit/open.js";
import { type PlannedAudit, planAudit } from "../../src/audit/plan.js";
import { type AuditEnd, runAudit } from "../../src/audit/run.js";
import { stillWhole, type WholeEnd } from "../../src/audit/whole-trace.js";
import type { AgentAdapter, InvestigationRequest } from "../../src/model/agent.js";
import { sha256 } from "../../src/model/digest.js";
import type { FindingDraft } from "../../src/model/finding.js";
import { failed, ok, type Result } from "../../src/model/result.js";
import type { SlotAdapter } from "../../src/model/slot.js";
import { memoryWarehouse } from "../fakes/memory-warehouse.js";
import { type Damage, damage } from "./machine/damage.js";
import * as disk from "./machine/files.js";
import { installPrograms } from "./machine/programs.js";
import { configOf, exceptionsOf, manifestOf, projectFileOf, promptOf, runResultsOf } from "./oracle-files.js";
import {
  asBuilt,
  citesFile,
  citesProbe,
  dataOf,
  dateOf,
  deciding,
  firstWorld,
  gitOf,
  isUpToDate,
  type TestName,
  type World,
} from "./oracle-world.js";

/** What goes wrong in a run, and at which moment. */
export interface Trouble {
  readonly kind:
    | "agent-fails"
    | "agent-throws"
    | "answer-missing"
    | "answer-invalid"
    | "warehouse-slow"
    | "warehouse-away"
    | "no-slot"
    | "dbt-fails"
    | "disk-full"
    | "cancelled"
    | "killed";
  /** For the last three, moments are changes of the disk, too; else only what is asked of agent, warehouse, slots and dbt. */
  readonly at: number;
  /** Moments for which it lasts; bytes of what was being written that a killed run leaves. */
  readonly size: number;
}

export interface RunOptions {
  readonly groups: readonly string[];
  readonly tests: readonly string[];
  readonly targets: readonly string[];
  readonly retry: boolean;
  readonly failFast: boolean;
  readonly trouble: Trouble | null;
}

export const undisturbed: RunOptions = {
  groups: [],
  tests: [],
  targets: [],
  retry: false,
  failFast: false,
  trouble: null,
};

export interface Rig {
  world: World;
  /** The world that an audit sees: what dbt builds is that of its last run. */
  readonly visible: World;
  /** Whether dbt has built the world as it is. */
  readonly isUpToDate: boolean;
  /** Cases that the agent was asked about, in the newest run. */
  readonly asked: ReadonlySet<string>;
  /** Null where it was refused: nothing fails in the groups that it is narrowed to. */
  plan(options: RunOptions): Promise<PlannedAudit | null>;
  /** Null where the run was refused, or died. */
  run(options: RunOptions): Promise<AuditEnd | null>;
  /** Between two runs. */
  damage(what: Damage): void;
  remove(): void;
}

/** The agent's own bug; not one of the program's. */
class AgentBug extends Error {}

const agentSettings = z.strictObject({ model: z.number(), slots: z.boolean() });
type AgentSettings = z.infer<typeof agentSettings>;

/** Only one audit from scratch at a time, beside the one that it is compared with. */
export function openRig(folder = "/oracle/audit"): Rig {
  const dir = join(folder, ".audit");
  let clock = 0;
  let built: World | null = null;
  let builds = 0;
  let trouble: Trouble | null = null;
  let asks = 0;
  let moments = 0;
  let stop = new AbortController();
  let finished = new Set<string>();
  let asked = new Set<string>();
  /** What is left of a run that was killed. */
  let remains: disk.Folder | null = null;

  const begin = (wanted: Trouble | null): void => {
    [asks, moments, trouble, remains, stop, asked] = [0, 0, wanted, null, new AbortController(), new Set()];
    disk.beginTurns(sha256(JSON.stringify([clock, wanted])).charCodeAt(0) * 7919 + clock);
    disk.watchChanges(changes);
    installPrograms({ run: dbt, git: (args) => gitOf(visible(), args) });
  };

  const visible = (): World => asBuilt(rig.world, built ?? rig.world);

  /** Whatever happens, happens here. */
  const moment = (change: disk.Change | null): void => {
    moments += 1;
    if (trouble === null || moments !== trouble.at) return;
    if (trouble.kind === "cancelled") stop.abort("SIGINT");
    if (trouble.kind !== "killed") return;
    remains = disk.copyOf(disk.getFolder(folder));
    if (change?.content) leaveTorn(change, change.content.subarray(0, trouble.size));
    stop.abort("SIGKILL");
  };

  const leaveTorn = (change: disk.Change, torn: Buffer): void => {
    const kept = disk.getFolder(folder);
    disk.put(folder, remains ?? kept);
    const before = change.what === "append" ? disk.getFile(change.path).content : Buffer.alloc(0);
    disk.put(change.path, disk.newFile(Buffer.concat([before, torn])));
    disk.put(folder, kept);
  };

  const changes = (change: disk.Change): void => {
    if (!change.path.startsWith(folder)) return;
    if (remains === null) moment(change);
    // The dead write nothing.
    if (remains !== null) throw new disk.DiskError("EKILLED", change.path);
    if (trouble?.kind !== "disk-full") return;
    if (moments >= trouble.at && moments <= trouble.at + (trouble.size % 4)) {
      throw new disk.DiskError("ENOSPC", change.path);
    }
  };

  /** Counts what is asked of agent, warehouse, slots and dbt, and lets the trouble begin when it is due. */
  const strikes = (lasting: Trouble["kind"] | null = null): Trouble["kind"] | null => {
    if (remains === null) moment(null);
    asks += 1;
    if (trouble === null || asks < trouble.at) return null;
    if (trouble.kind === lasting) return asks <= trouble.at + (trouble.size % 8) ? lasting : null;
    return asks === trouble.at ? trouble.kind : null;
  };

  const dbt = async ({ command }: { readonly command: string | readonly string[] }): Promise<number | null> => {
    if (command[0] !== "dbt") return 0;
    const { world } = rig;
    const struck = strikes("dbt-fails");
    if (remains !== null) return null;
    if (struck === "dbt-fails" && (trouble?.size ?? 0) % 2 === 0) return 2;
    build({ ...world, invocation: 1_000 + ++builds });
    strikes();
    if (remains !== null) return null;
    if (struck === "dbt-fails") return 2;
    const passes = Object.values(world.rows).every(({ count }) => count === 0);
    return passes || world.source !== "results" ? 0 : 1;
  };

  /** All at once: no run of dbt is ever half done here. */
  const build = (world: World): void => {
    built = world;
    leaveArtifacts();
  };

  const leaveArtifacts = (): void => {
    if (built === null) return;
    write("project/target/run_results.json", JSON.stringify(runResultsOf(built)));
    if (rig.world.source === "coarse") disk.take(join(folder, "project/target/manifest.json"));
    else write("project/target/manifest.json", JSON.stringify(manifestOf(built)));
  };

  const rig = {
    world: firstWorld,
    get visible() {
      return visible();
    },
    get isUpToDate() {
      return built !== null && isUpToDate(rig.world, built);
    },
    get asked() {
      return asked;
    },
    async plan(options: RunOptions) {
      begin(null);
      const planned = await planAudit(await load(options), registries);
      if (!("diagnostics" in planned)) return planned;
      if (planned.exitCode === exitCodes.usage) return null;
      throw new Error(JSON.stringify(planned));
    },
    async run(options: RunOptions) {
      begin(options.trouble);
      const loaded = await load(options);
      const realNow = Date.now;
      Date.now = () => loaded.request.now().getTime();
      try {
        const unchanged = stillWhole(loaded.config.file, {}, Date.now());
        const end = await attempt(loaded).catch((error: unknown) => {
          // The dead tell no tales; what a full disk does to the state, the next run will show.
          const isExpected = remains !== null || (error as { code?: string }).code === "ENOSPC";
          if (isExpected || error instanceof AgentBug) return null;
          throw error;
        });
        if (unchanged !== null && isWhole(options)) expectNothingDone(unchanged.end, end, asked);
        if (remains !== null) disk.put(folder, remains);
        disownLock();
        return remains === null ? end : null;
      } finally {
        Date.now = realNow;
      }
    },
    damage(what: Damage) {
      // Nobody knows any more what was durable.
      if (damage(dir, what)) finished = new Set();
    },
    remove: () => disk.take(folder),
  };

  const attempt = async (loaded: LoadedAudit): Promise<AuditEnd | null> => {
    const opened = await openAudit(loaded, registries, silent);
    return "diagnostics" in opened ? null : runAudit(opened);
  };

  /** No process of this machine holds it: its number is above the highest that there may be. */
  const disownLock = (): void => {
    const file = join(dir, "run.lock");
    const lock = disk.find(file);
    if (lock === null || lock instanceof Map || lock.content.length === 0) return;
    const holder = { ...JSON.parse(lock.content.toString()), pid: 2 ** 22 + 1 };
    disk.put(file, disk.rewritten(lock, Buffer.from(JSON.stringify(holder))));
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
      const world = visible();
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

  const agent: AgentAdapter<AgentSettings> = {
    id: "scripted",
    settings: agentSettings,
    create: async ({ model, slots: needsSlot }) => {
      stubborn.clear();
      return ok({
        id: "scripted",
        needsSlot,
        readsPrompt: true,
        parts: {},
        model: `model-${model}`,
        investigate,
        close: async () => {},
      });
    },
  };

  const warehouseRefuses = (): Result<never> | null => {
    const struck = strikes(trouble?.kind === "warehouse-away" ? "warehouse-away" : "warehouse-slow");
    if (struck === "warehouse-slow") return failed("query-timeout", "the warehouse was slow");
    return struck === "warehouse-away" ? failed("warehouse-unreachable", "the warehouse was away") : null;
  };

  const slotsOfOurs: SlotAdapter = {
    ...slots.none,
    async create(settings, context) {
      const made = await slots.none.create(settings as Record<string, never>, context);
      if (!made.ok) return made;
      const create: typeof made.value.create = async (number, signal) =>
        strikes("no-slot") === "no-slot" ? failed("slot-failed", "git lost a race") : made.value.create(number, signal);
      return ok({ ...made.value, create });
    },
  };

  const registries: Registries = {
    agents: { scripted: agent },
    warehouses: { memory: memoryWarehouse(() => dataOf(visible(), rig.world), warehouseRefuses) },
    slots: { none: slotsOfOurs },
    reporters: {},
  };

  const load = async (options: RunOptions): Promise<LoadedAudit> => {
    const { world } = rig;
    // Then a person has run dbt before the audit.
    if (world.summary === "artifacts") built = world;
    leaveArtifacts();
    const configFile = join(folder, "audit.config.yaml");
    const files = [JSON.stringify(configOf(world)), JSON.stringify(exceptionsOf(world)), promptOf(world)] as const;
    for (const [index, name] of ["audit.config.yaml", "audit.exceptions.yaml", "prompt.md"].entries()) {
      write(name, files[index] ?? "");
    }
    write("sync/load.py", `version = ${world.cited}\n`);
    write("project/dbt_project.yml", projectFileOf(world));
    write("project/new.sql", `select ${world.repository.untracked}`);
    const { groups, tests, targets, retry, failFast } = options;
    const request: AuditRequest = {
      configFile,
      cwd: folder,
      env: {},
      argv: [],
      version: "0.0.0",
      now: () => new Date(dateOf(world.day).getTime() + ++clock),
      signal: stop.signal,
      targets,
      selection: { groups, tests },
      retry,
      failFast,
      failOn: null,
      strategy: null,
    };
    const created = await agent.create(
      { model: world.model, slots: world.slots },
      { baseDir: folder, env: {}, redact: (text) => text },
    );
    if (!created.ok) throw new Error(JSON.stringify(created));
    return { ...(await loadOnce(files, request, registries)), request, agent: created.value };
  };

  /** A file that is as it was keeps its time. */
  const write = (path: string, text: string): void => {
    const file = join(folder, path);
    const known = disk.find(file);
    disk.makeFolder(dirname(file));
    if (known === null || known instanceof Map) disk.put(file, disk.newFile(Buffer.from(text)));
    else if (known.content.toString() !== text) disk.put(file, disk.rewritten(known, Buffer.from(text)));
  };
  disk.makeFolder(join(folder, "project/target"));
  return rig;
}

const remembered = new Map<string, Promise<LoadedAudit>>();

/** The same files give the same config, exceptions and prompt: to read them is a fifth of a run. */
async function loadOnce(files: readonly string[], request: AuditRequest, registries: Registries): Promise<LoadedAudit> {
  const key = JSON.stringify([request.cwd, ...files]);
  const loading = remembered.get(key) ?? loadNow(request, registries);
  if (remembered.size > 2_000) remembered.clear();
  remembered.set(key, loading);
  return loading;
}

async function loadNow(request: AuditRequest, registries: Registries): Promise<LoadedAudit> {
  const loaded = await loadAudit(request, registries);
  if ("diagnostics" in loaded) throw new Error(JSON.stringify(loaded));
  return { ...loaded, redact: once(loaded.redact), redactValues: once(loaded.redactValues) };
}

/** A report says the same things again and again. */
function once(redact: (text: string) => string): (text: string) => string {
  const known = new Map<string, string>();
  return (text) => {
    const redacted = known.get(text) ?? redact(text);
    if (known.size > 10_000) known.clear();
    known.set(text, redacted);
    return redacted;
  };
}

/** Whether a run's report is that of all cases. */
export function isWhole({ groups, tests, targets, retry, trouble }: RunOptions): boolean {
  return groups.length + tests.length + targets.length === 0 && !retry && trouble === null;
}

/** What was said without a run, by signatures of files, is what the run has come to. */
function expectNothingDone(said: WholeEnd, end: AuditEnd | null, asked: ReadonlySet<string>): void {
  const report = end?.report ?? null;
  const found = { exitCode: end?.exitCode, asked: asked.size, summary: report === null ? null : summaryOf(report) };
  const [left, right] = [{ exitCode: said.exitCode, asked: 0, summary: said.summary }, found].map((each) =>
    JSON.stringify(each),
  );
  if (left !== right) throw new Error(`said to be unchanged:\n${left}\n${right}`);
}

const silent = { open() {}, event() {}, close() {} };
