/**
 * Traps that other build tools fall into, each tried on the built program. docs/engine.md has them in a table.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { cp, mkdir, rm, utimes } from "node:fs/promises";
import { join } from "node:path";
import { setInterval } from "node:timers/promises";
import { afterAll, describe, expect, test } from "vitest";
import { readTraceStore } from "../../src/execution/traces.js";
import { smallAuditAfter } from "../rig/prepared.js";
import {
  type AuditFolder,
  agentProgram,
  auditFolder,
  calls,
  type Failures,
  investigations,
  type Running,
  root,
  setFailures,
  smallAudit,
} from "../rig/small-audit.js";

const opened: AuditFolder[] = [];
// All at the end, for the tests run side by side.
afterAll(async () => {
  for (const audit of opened.splice(0)) {
    // Only where a test has failed, something is left.
    for (const pid of [...recorded(audit).map(({ group }) => group), ...(await pids(audit))])
      if (!isGone(pid)) process.kill(pid, "SIGKILL");
    await audit.remove();
  }
});

const failures: Failures = {
  vendor_missing: [
    ["VA", 3],
    ["TX", 2],
  ],
  total_wrong: [["VA", 5]],
};
const everyCase = ["TX: vendor_missing@TX", "VA: total_wrong@VA vendor_missing@VA"];

/** An audit whose agent is a program; no slots unless asked for. */
async function withAgent(body?: string, more: Record<string, unknown> = {}): Promise<AuditFolder> {
  const audit = await smallAudit(failures);
  opened.push(audit);
  await audit.configure({ agent: { ...(await agentProgram(audit, body)), slot: false }, ...more });
  return audit;
}

/** An agent that audits in other folders have, too. */
async function agentOf(audit: AuditFolder): Promise<Record<string, unknown>> {
  return { ...(await agentProgram(audit)), command: [process.execPath, join(audit.folder, "agent.mjs")] };
}

/** An audit whose summary is a script of a shell, run in the dbt project. */
async function withSummary(script: string): Promise<AuditFolder> {
  const audit = await withAgent();
  await audit.write("dbt.sh", script);
  await audit.configure({
    agent: { ...(await agentProgram(audit)), slot: false },
    summary: { artifacts: "project/target", run: ["sh", join(audit.folder, "dbt.sh")], cwd: "project" },
  });
  return audit;
}

/** Ended, or ended and not yet collected by whoever inherited it. */
function isGone(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return true;
  }
  try {
    return /^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return process.platform === "linux";
  }
}

/** Not `expect.poll`, which knows no tests that run side by side. The test's own time is its limit. */
async function until(look: () => boolean | Promise<boolean>): Promise<void> {
  for await (const _ of setInterval(25)) if (await look()) return;
}

interface Recorded {
  readonly what: string;
  readonly group: number;
}

/** What the newest run has started and not ended, by its own record. */
function recorded(audit: AuditFolder): readonly Recorded[] {
  const file = join(audit.folder, ".audit/processes.jsonl");
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, "utf8").trim().split("\n");
  const entries = lines.map((line) => JSON.parse(line) as Partial<Recorded> & { token: string; ended?: true });
  const ended = new Set(entries.filter((entry) => entry.ended).map(({ token }) => token));
  return entries.flatMap(({ token, group }) => {
    const what = entries.find((entry) => entry.token === token && entry.what !== undefined)?.what ?? "";
    return group === undefined || ended.has(token) ? [] : [{ what, group }];
  });
}

/** Numbers that processes have noted as `pid <number>`. */
async function pids(audit: AuditFolder): Promise<readonly number[]> {
  return (await calls(audit)).filter((line) => line.startsWith("pid ")).map((line) => Number(line.slice(4)));
}

async function startUntil(audit: AuditFolder, processes: number): Promise<Running> {
  const running = audit.start("--progress", "plain");
  await until(async () => (await pids(audit)).length === processes);
  return running;
}

/** The program and all that it has started, at once, as `kill -9` of a whole session would. */
async function killAll(audit: AuditFolder, running: Running): Promise<void> {
  running.kill("SIGKILL");
  for (const { group } of recorded(audit)) process.kill(-group, "SIGKILL");
  await running.ended;
}

/** An agent that hangs with a child; both ignore TERM and are noted. */
const hangsWithChild = `
process.on("SIGTERM", () => {});
process.on("SIGHUP", () => {});
const { spawn } = await import("node:child_process");
const child = spawn("sh", ["-c", "trap '' TERM HUP; while :; do sleep 1; done"], { stdio: "ignore" });
note("pid " + child.pid);
note("pid " + process.pid);
setInterval(() => {}, 1000);`;

describe.concurrent("make accepts what was half-written when everything was killed", () => {
  test("test results of which half was written are not those of a test run", async () => {
    const audit = await withSummary(`
      cp target/run_results.json whole.json
      head -c 300 whole.json > target/run_results.json
      echo "pid $$" >> ../calls.txt
      exec sleep 600`);
    await killAll(audit, await startUntil(audit, 1));
    const half = await audit.read("project/target/run_results.json");
    await rm(join(audit.folder, "calls.txt"));

    await audit.write("dbt.sh", "exit 0");
    expect(await audit.run()).toMatchObject({
      exitCode: 3,
      stdout: expect.stringContaining("no new run_results.json"),
    });
    expect(await audit.read("project/target/run_results.json")).toBe(half);
    expect(await calls(audit)).toEqual([]);

    await audit.write("dbt.sh", "sed s/small-invocation/another/ whole.json > target/run_results.json");
    expect(await audit.run()).toMatchObject({ exitCode: 0 });
    expect(await calls(audit)).toEqual(everyCase);
  });

  test("an answer of which half was printed is none", async () => {
    const audit = await withAgent(`
      const whole = JSON.stringify({ findings: cases.map(finding) });
      process.stdout.write(whole.slice(0, -30), () => note("pid " + process.pid));
      setInterval(() => {}, 1000);`);
    await killAll(audit, await startUntil(audit, 2));
    const traces = await readTraceStore(join(audit.folder, ".audit/traces"));
    expect(traces.ok && traces.value.find("vendor_missing@VA")).toEqual([]);
    await rm(join(audit.folder, "calls.txt"));
    await agentProgram(audit);
    expect(await audit.run()).toMatchObject({ exitCode: 0 });
    expect(await calls(audit)).toEqual(everyCase);
  });
});

describe.concurrent("turbo exits 0 on SIGTERM with work undone", () => {
  const hangs = `if (task === "TX") answer(cases); else { note("pid " + process.pid); setInterval(() => {}, 1000); }`;

  test.each([
    ["SIGTERM", 143],
    ["SIGINT", 130],
    ["SIGHUP", null],
  ] as const)("%s while an agent works gives %s, and the next run does the rest", async (signal, exitCode) => {
    const audit = await withAgent(hangs);
    const running = await startUntil(audit, 1);
    await running.says("investigate:TX executed");
    running.kill(signal);
    expect((await running.ended).exitCode).toBe(exitCode);
    await rm(join(audit.folder, "calls.txt"));
    await agentProgram(audit);
    expect(await audit.run()).toMatchObject({ exitCode: 0 });
    expect(await calls(audit)).toEqual(everyCase.slice(1));
  });

  test("SIGTERM while the summary runs gives 143, and no report says that all is well", async () => {
    const audit = await withSummary(`echo "pid $$" >> ../calls.txt; exec sleep 600`);
    const running = await startUntil(audit, 1);
    running.kill("SIGTERM");
    const end = await running.ended;
    expect(end.exitCode).toBe(143);
    expect(end.stdout).not.toContain("No failing tests");
    expect(existsSync(join(audit.folder, ".audit/full-report.md"))).toBe(false);
  });
});

describe.concurrent("lage and make leave children alive", () => {
  test.each(["SIGINT", "SIGTERM", "SIGHUP"] as const)("%s ends agents with their children", async (signal) => {
    const audit = await withAgent(hangsWithChild);
    const running = await startUntil(audit, 4);
    running.kill(signal);
    await running.ended;
    for (const pid of await pids(audit)) await until(() => isGone(pid));
    // Killed by what cannot be caught, it can say nothing of what has ended.
    if (signal !== "SIGHUP") expect(recorded(audit)).toEqual([]);
  });

  test("so does a second Ctrl-C, at once", async () => {
    const audit = await withAgent(hangsWithChild);
    const running = await startUntil(audit, 4);
    running.kill("SIGINT");
    await running.says("Once more to stop at once");
    running.kill("SIGINT");
    expect((await running.ended).exitCode).toBe(130);
    for (const pid of await pids(audit)) await until(() => isGone(pid));
  });

  test("so does the end of their time", async () => {
    const audit = await withAgent(`if (task === "TX") answer(cases); else { ${hangsWithChild} }`, {
      timeouts: { task: "6s" },
    });
    expect((await audit.run()).exitCode).toBe(3);
    const noted = await pids(audit);
    expect(noted).toHaveLength(2);
    for (const pid of noted) expect(isGone(pid)).toBe(true);
    expect(existsSync(join(audit.folder, ".audit/processes.jsonl"))).toBe(false);
  });

  test("SIGTERM ends the summary's command with its children", async () => {
    const audit = await withSummary(`
      trap '' TERM
      sh -c 'trap "" TERM; echo "pid $$" >> ../calls.txt; while :; do sleep 1; done' &
      echo "pid $$" >> ../calls.txt
      while :; do sleep 1; done`);
    const running = await startUntil(audit, 2);
    running.kill("SIGTERM");
    expect((await running.ended).exitCode).toBe(143);
    for (const pid of await pids(audit)) expect(isGone(pid)).toBe(true);
  });
});

describe.concurrent("all leave orphans behind when they are killed, which race the rerun", () => {
  /** An agent that answers, and notes which of the processes noted before it still run. */
  const looksAround = `
    const noted = readFileSync("calls.txt", "utf8").split("\\n").filter((line) => line.startsWith("pid "));
    const runs = (pid) => {
      try {
        return !/^State:\\s+Z/m.test(readFileSync("/proc/" + pid + "/status", "utf8"));
      } catch {
        try { return existsSync("/proc") ? false : process.kill(pid, 0); } catch { return false; }
      }
    };
    note("alive: " + noted.map((line) => Number(line.slice(4))).filter(runs).join(" "));
    answer(cases);`.replace('"calls.txt"', 'new URL("calls.txt", import.meta.url)');

  async function killed(audit: AuditFolder, running: Running): Promise<void> {
    running.kill("SIGKILL");
    await running.ended;
    for (const { group } of recorded(audit)) expect(isGone(group), "or this test shows nothing").toBe(false);
  }

  async function expectRerunAlone(audit: AuditFolder, what: string, agents = 2): Promise<void> {
    const noted = await pids(audit);
    await agentProgram(audit, looksAround);
    const end = await audit.run("--progress", "plain");
    expect(end).toMatchObject({ exitCode: 0 });
    expect(end.stderr).toContain(`A run that was killed had left running, and it is ended now: ${what}\n`);
    expect((await calls(audit)).filter((line) => line.startsWith("alive:"))).toEqual(Array(agents).fill("alive: "));
    for (const pid of noted) expect(isGone(pid)).toBe(true);
    expect(recorded(audit)).toEqual([]);
    const warnings = (await audit.events()).filter(({ type }) => type === "warning");
    expect(warnings).toHaveLength(1);
  }

  test("agents and their children are ended before anything else begins", async () => {
    const audit = await withAgent(hangsWithChild);
    await killed(audit, await startUntil(audit, 4));
    expect(
      recorded(audit)
        .map(({ what }) => what)
        .sort(),
    ).toEqual(["investigate:TX", "investigate:VA"]);
    await expectRerunAlone(audit, "investigate:TX, investigate:VA");
  });

  // Whose child it is by its environment, only Linux tells of another process.
  test.skipIf(process.platform !== "linux")("children are, whose agents have ended meanwhile", async () => {
    const audit = await withAgent(hangsWithChild);
    await killed(audit, await startUntil(audit, 4));
    for (const { group } of recorded(audit)) {
      process.kill(group, "SIGKILL");
      await until(() => isGone(group));
    }
    expect((await pids(audit)).filter((pid) => !isGone(pid))).toHaveLength(2);
    await expectRerunAlone(audit, "investigate:TX, investigate:VA");
  });

  // By strace, which is Linux's own.
  test.skipIf(process.platform !== "linux")(
    "an agent is, whose number was just to be written down",
    async ({ onTestFinished }) => {
      const counts = `note("process " + process.env.AUDIT_RUN_PROCESS.split("-")[1]); answer(cases);`;
      const audit = await withAgent(counts);
      await setFailures(audit, { vendor_missing: [["VA", 1]] });
      expect((await audit.run()).exitCode).toBe(0);
      // Before it come a few of git's, one after the other: each is written down twice, and forgotten with the file.
      const [, number] = /^process (\d+)$/m.exec(await audit.read("calls.txt")) ?? [];
      for (const name of [".audit", "calls.txt"]) await rm(join(audit.folder, name), { recursive: true });
      await agentProgram(audit, hangsWithChild);

      const record = join(audit.folder, ".audit/processes.jsonl");
      const inject = `inject=write:signal=SIGKILL:when=${2 * Number(number)}`;
      const strace = ["-f", "-e", "signal=none", "-e", "trace=write", "-e", inject, "-P", record, "--"];
      const program = [process.execPath, join(root, "dist/cli.js"), "--progress", "silent"];
      const { PATH, HOME, LANG, TMPDIR } = process.env;
      const env = { PATH, HOME, LANG, TMPDIR };
      const tracer = spawn("strace", [...strace, ...program], { cwd: audit.folder, env, stdio: "ignore" });
      onTestFinished(() => void tracer.kill("SIGKILL"));
      const ended = once(tracer, "exit");
      await until(async () => (await pids(audit)).length === 2);
      const { pid } = JSON.parse(await audit.read(".audit/run.lock"));
      await until(() => isGone(pid));
      // It goes on with what the program has started, until it is ended itself.
      tracer.kill("SIGTERM");
      await ended;
      expect(recorded(audit), "it came no further").toEqual([]);
      expect((await pids(audit)).filter(isGone)).toEqual([]);
      await expectRerunAlone(audit, "investigate:VA", 1);
    },
  );

  test("dbt is", async () => {
    const audit = await withSummary(`
      trap '' TERM HUP
      echo "pid $$" >> ../calls.txt
      while :; do sleep 1; done`);
    await killed(audit, await startUntil(audit, 1));
    await audit.write("dbt.sh", "sed -i.bak s/small-invocation/another/ target/run_results.json");
    await expectRerunAlone(audit, "summary");
  });

  test("a command that makes a slot is, before the slot is given back", async () => {
    const audit = await withAgent();
    const make = join(audit.folder, "make-slot.sh");
    const slots = { provider: "command", create: `sh ${make} {n}`, delete: "rm -rf {repo}-{n}", count: 1 };
    const configure = async (body: string) => audit.configure({ agent: await agentProgram(audit, body), slots });
    await configure("answer(cases);");
    const stuck = `mkdir ../project-$1; echo "pid $$" >> ../calls.txt; trap '' TERM; while :; do sleep 1; done`;
    await audit.write("make-slot.sh", stuck);
    await killed(audit, await startUntil(audit, 1));
    await audit.write("make-slot.sh", "cp -R ../project ../project-$1");
    await expectRerunAlone(audit, "a command of slots");
    expect(existsSync(join(audit.folder, "project-1"))).toBe(false);
  });

  test("clean ends them too, and verify has nothing against their record", async () => {
    const audit = await withAgent(hangsWithChild);
    await killed(audit, await startUntil(audit, 4));
    expect(await audit.run("verify")).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining("as it was written"),
    });
    const noted = await pids(audit);
    const end = await audit.run("clean", "--all");
    expect(end.exitCode).toBe(0);
    expect(end.stdout).toContain("left running, and it is ended now: investigate:TX, investigate:VA\n");
    for (const pid of noted) expect(isGone(pid)).toBe(true);
  });

  test("who is refused, since a run is under way, ends nothing of it", async () => {
    const audit = await withAgent(hangsWithChild);
    const running = await startUntil(audit, 4);
    for (const command of [[], ["clean"]]) expect((await audit.run(...command)).exitCode).toBe(4);
    for (const pid of await pids(audit)) expect(isGone(pid)).toBe(false);
    running.kill("SIGTERM");
    expect((await running.ended).exitCode).toBe(143);
  });
});

describe.concurrent("nx's collect is stale when only the output of what it needs has changed", () => {
  test("a finding that a narrowed run made anew is in the next report, though that run reuses every finding", async () => {
    const says = (text: string) => `
      process.stdout.write(JSON.stringify({ findings: cases.map((one) => ({ ...finding(one), root_cause: "${text}" })) }));`;
    const audit = await withAgent(says("The old cause is a lost vendor."));
    expect(await audit.run()).toMatchObject({ exitCode: 0 });
    expect(await audit.read(".audit/findings.json")).toContain("The old cause");

    const agent = { ...(await agentProgram(audit, says("The new cause is a wrong join."))), slot: false, model: "two" };
    await audit.configure({ agent });
    expect(await audit.run("run", "investigate:VA", "investigate:TX")).toMatchObject({ exitCode: 0 });
    await rm(join(audit.folder, "calls.txt"));
    expect(await audit.run()).toMatchObject({ exitCode: 0 });
    expect(await calls(audit)).toEqual([]);
    expect(investigations(await audit.events())).toEqual({ "investigate:VA": "reused", "investigate:TX": "reused" });
    for (const file of ["findings.json", "full-report.md", "results/VA.md", "results/TX.md"]) {
      const text = await audit.read(`.audit/${file}`);
      expect(text, file).toContain("The new cause");
      expect(text, file).not.toContain("The old cause");
    }
  });

  test("a page that somebody changed or removed is as it should be after the next run", async () => {
    const audit = await smallAuditAfter([]);
    opened.push(audit);
    const pages = ["results/VA.md", "full-report.md", "findings.json"];
    const before = await Promise.all(pages.map((page) => audit.read(`.audit/${page}`)));
    await audit.write(".audit/results/VA.md", "changed");
    await rm(join(audit.folder, ".audit/full-report.md"));
    await rm(join(audit.folder, "calls.txt"));
    expect(await audit.run()).toMatchObject({ exitCode: 0 });
    expect(await calls(audit)).toEqual([]);
    const cause = "The join of bids loses the vendor of these rows.";
    for (const [index, page] of pages.entries()) {
      expect(before[index]).toContain(cause);
      expect(await audit.read(`.audit/${page}`)).toContain(cause);
    }
  });
});

describe.concurrent("a cached pass of another worktree is taken for this one's", () => {
  test("two checkouts with one audit folder share what is the same in both, and nothing else", async () => {
    const first = await withAgent();
    const dir = join(first.folder, "shared");
    const agent = { ...(await agentOf(first)), slot: false };
    await first.configure({ agent, dir });
    const second = await smallAudit(failures, { agent, dir });
    opened.push(second);
    const asked = async (audit: AuditFolder): Promise<readonly string[]> => {
      await rm(join(first.folder, "calls.txt"), { force: true });
      expect(await audit.run()).toMatchObject({ exitCode: 0 });
      return calls(first);
    };
    expect(await asked(first)).toEqual(everyCase);
    expect(await asked(second), "the same inputs").toEqual([]);

    await setFailures(second, { ...failures, total_wrong: [["VA", 6]] });
    expect(await asked(second), "other rows of one case").toEqual(["VA: total_wrong@VA"]);
    expect(await asked(first), "the first has what it had").toEqual([]);

    const manifest = await second.read("project/target/manifest.json");
    await second.write("project/target/manifest.json", manifest.replaceAll("from raw.bids", "from raw.other_bids"));
    expect(await asked(second), "another model").toEqual(everyCase);
    expect(await asked(first), "the first has what it had").toEqual([]);
  });
});

describe.concurrent("slot numbers, temporary paths or times are in a key", () => {
  /** Subject and parts of all that was finished. */
  async function keys(audit: AuditFolder): Promise<unknown> {
    const journal = await audit.read(".audit/traces/journal.jsonl");
    const traces = journal
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    return traces
      .map(({ subject, fingerprint, parts }) => ({ subject, fingerprint, parts }))
      .sort((one, other) => (one.subject < other.subject ? -1 : 1));
  }

  test("the same inputs in another folder, at another time, with other slots have the same keys", async () => {
    const one = await withAgent();
    const agent = await agentOf(one);
    await one.configure({ agent, slots: { provider: "copy", count: 1 } });
    expect(await one.run()).toMatchObject({ exitCode: 0 });

    const temporary = join(one.folder, "temporary files");
    await mkdir(temporary);
    const other = await auditFolder({ TMPDIR: temporary, HOME: temporary });
    opened.push(other);
    for (const name of ["project", "small.duckdb"])
      await cp(join(one.folder, name), join(other.folder, name), { recursive: true });
    for (const file of ["project/target/manifest.json", "project/target/run_results.json", "small.duckdb"])
      await utimes(join(other.folder, file), 1_000_000_000, 1_000_000_000);
    await other.configure({
      agent,
      slots: { provider: "copy", count: 3 },
      strategy: "per-test",
      timeouts: { task: "5m" },
    });
    expect(await other.run()).toMatchObject({ exitCode: 0 });
    expect(await keys(other)).toEqual(await keys(one));
  });

  test("another run of the same tests, with the same results, asks nobody", async () => {
    const audit = await smallAuditAfter([]);
    opened.push(audit);
    for (const name of ["manifest", "run_results"]) {
      const file = `project/target/${name}.json`;
      const text = (await audit.read(file)).replace("small-invocation", "later").replace("2026-02-03", "2026-05-07");
      await audit.write(file, text);
    }
    await rm(join(audit.folder, "calls.txt"));
    expect(await audit.run()).toMatchObject({ exitCode: 0 });
    expect(await calls(audit)).toEqual([]);
    const outcomes = (await audit.events()).flatMap((event) =>
      event.type === "settled" && event.node === "export" ? [event.outcome] : [],
    );
    expect(outcomes, "or this test shows nothing").toEqual(["executed"]);
  });
});

describe.concurrent("keys depend on the order of calls", () => {
  test("agents that had succeeded are not run again when one fails and the tasks come in another order", async () => {
    const states: Failures = {
      total_wrong: [
        ["FL", 2],
        ["VA", 5],
      ],
      vendor_missing: [
        ["FL", 1],
        ["TX", 2],
        ["VA", 3],
      ],
    };
    const audit = await withAgent(`if (task === "TX") process.exitCode = 7; else answer(cases);`);
    await setFailures(audit, states);
    expect((await audit.run()).exitCode).toBe(3);
    await rm(join(audit.folder, "calls.txt"));

    await agentProgram(audit);
    await setFailures(audit, {
      a_new_test: [["AA", 9]],
      vendor_missing: [
        ["VA", 3],
        ["TX", 2],
        ["FL", 1],
      ],
      total_wrong: [
        ["VA", 5],
        ["FL", 2],
      ],
    });
    expect(await audit.run("--strategy", "per-test")).toMatchObject({ exitCode: 0 });
    const asked = (await calls(audit)).flatMap((line) => line.slice(line.indexOf(": ") + 2).split(" "));
    expect(asked.sort()).toEqual(["a_new_test@AA", "vendor_missing@TX"]);
  });
});
