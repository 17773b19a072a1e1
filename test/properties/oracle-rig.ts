/**
 * Runs the real audit (src/audit) on a disk in memory, with a warehouse in memory, a dbt that is a function, and an agent
 * that answers by what decides a case and by nothing else. Any of them can be made to fail, and the run to be stopped or
 * to die, at any moment; it keeps count of what was finished, and hears of it when a finished case is asked about again.
 */
import { dirname, join } from "node:path";
import { runners } from "../../src/adapters/runners/index.js";
import { slots } from "../../src/adapters/slots/index.js";
import { summaryOf } from "../../src/audit/end-summary.js";
import { exitCodes } from "../../src/audit/exit-codes.js";
import type { AuditRequest, LoadedAudit, Registries } from "../../src/audit/load.js";
import { openAudit } from "../../src/audit/open.js";
import { type PlannedAudit, planAudit } from "../../src/audit/plan.js";
import { type AuditEnd, runAudit } from "../../src/audit/run.js";
import { stillWhole, type WholeEnd } from "../../src/audit/whole-trace.js";
import { sha256 } from "../../src/model/digest.js";
import { failed, ok, type Result } from "../../src/model/result.js";
import type { RunnerAdapter } from "../../src/model/runner.js";
import type { SlotAdapter } from "../../src/model/slot.js";
import type { WarehouseAdapter } from "../../src/model/warehouse.js";
import { memoryWarehouse } from "../fakes/memory-warehouse.js";
import { type Damage, damage } from "./machine/damage.js";
import * as disk from "./machine/files.js";
import { installPrograms } from "./machine/programs.js";
import { AgentBug, scriptedAgent } from "./oracle-agent.js";
import {
  agentSettingsOf,
  configOf,
  exceptionsOf,
  manifestOf,
  projectFileOf,
  promptOf,
  runResultsOf,
} from "./oracle-files.js";
import { loadOnce } from "./oracle-load.js";
import { createMishaps, type Trouble } from "./oracle-mishaps.js";
import { asBuilt, dataOf, dateOf, firstWorld, gitOf, isUpToDate, type World } from "./oracle-world.js";

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

/** Only one audit from scratch at a time, beside the one that it is compared with. */
export function openRig(folder = "/oracle/audit"): Rig {
  const dir = join(folder, ".audit");
  let clock = 0;
  let built: World | null = null;
  let builds = 0;
  let byHand = 0;
  let mishaps = createMishaps(folder, null);
  let finished = new Set<string>();
  let asked = new Set<string>();
  /** What an agent was asked although it was finished. */
  let paidTwice: string | null = null;

  const begin = (wanted: Trouble | null): void => {
    [mishaps, asked] = [createMishaps(folder, wanted), new Set()];
    disk.beginTurns(sha256(JSON.stringify([clock, wanted])).charCodeAt(0) * 7919 + clock);
    disk.watchChanges(mishaps.onChange);
    installPrograms({ run: dbt, git: (args) => gitOf(visible(), args) });
  };

  const visible = (): World => asBuilt(rig.world, built ?? rig.world);

  const dbt = async ({ command }: { readonly command: string | readonly string[] }): Promise<number | null> => {
    if (command[0] !== "dbt") return 0;
    const { world } = rig;
    const struck = mishaps.strikes("dbt-fails", "dbt-fails-early");
    if (mishaps.isDead()) return null;
    if (struck === "dbt-fails-early") return 2;
    build({ ...world, invocation: 1_000 + ++builds });
    mishaps.strikes();
    if (mishaps.isDead()) return null;
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
      const planned = await planAudit(await load(options));
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
          const isExpected = mishaps.isDead() || (error as { code?: string }).code === "ENOSPC";
          if (isExpected || error instanceof AgentBug) return null;
          throw error;
        });
        if (paidTwice !== null) throw new Error(`paid twice: ${paidTwice}`);
        if (unchanged !== null && isWhole(options)) expectNothingDone(unchanged.end, end, asked);
        mishaps.leaveRemains();
        disownLock();
        return mishaps.isDead() ? null : end;
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

  const agent = scriptedAgent({
    world: visible,
    strikes: () => mishaps.strikes(),
    ask(id, key) {
      asked.add(id);
      if (finished.has(key)) paidTwice ??= key;
    },
    finish: (key) => finished.add(key),
  });

  const warehouseRefuses = (): Result<never> | null => {
    const struck = mishaps.strikes("warehouse-away", "warehouse-slow");
    if (struck === "warehouse-slow") return failed("query-timeout", "the warehouse was slow");
    return struck === "warehouse-away" ? failed("warehouse-unreachable", "the warehouse was away") : null;
  };

  const slotsOfOurs: SlotAdapter = {
    ...slots.none,
    async create(settings, context) {
      const made = await slots.none.create(settings as Record<string, never>, context);
      if (!made.ok) return made;
      const create: typeof made.value.create = async (number, signal) =>
        mishaps.strikes("no-slot") === "no-slot"
          ? failed("slot-failed", "git lost a race")
          : made.value.create(number, signal);
      return ok({ ...made.value, create });
    },
  };

  const memory = memoryWarehouse(() => dataOf(visible(), rig.world), warehouseRefuses) as WarehouseAdapter;
  const registries: Registries = {
    agents: { scripted: agent },
    warehouses: { memory },
    slots: { none: slotsOfOurs },
    reporters: {},
    runners: { process: runners.process as RunnerAdapter },
  };

  const load = async (options: RunOptions): Promise<LoadedAudit> => {
    const { world } = rig;
    if (world.summary === "artifacts") built = world;
    else if (world.byHand !== byHand) built = { ...world, invocation: 1_000 + ++builds };
    byHand = world.byHand;
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
      program: [],
      version: "0.0.0",
      now: () => new Date(dateOf(world.day).getTime() + ++clock),
      signal: mishaps.signal,
      targets,
      selection: { groups, tests },
      retry,
      failFast,
      failOn: null,
      strategy: null,
    };
    const created = await agent.create(agentSettingsOf(world), { baseDir: folder, env: {}, redact: (text) => text });
    if (!created.ok) throw new Error(JSON.stringify(created));
    const loaded = await loadOnce(files, request, registries);
    // What was loaded for another rig names that one's warehouse.
    const credentials = { ...loaded.credentials, adapter: memory };
    return { ...loaded, credentials, request, agent: created.value };
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
