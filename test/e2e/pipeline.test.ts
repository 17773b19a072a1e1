/**
 * The built program on small audits without dbt, with real agents' processes, real git and a real DuckDB.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { afterEach, describe, expect, test } from "vitest";
import { smallAuditAfter } from "../rig/prepared.js";
import {
  type AuditFolder,
  agentProgram,
  auditFolder,
  calls,
  type Failures,
  investigations,
  setFailures,
  smallAudit,
} from "../rig/small-audit.js";

const opened: AuditFolder[] = [];
afterEach(async () => {
  for (const audit of opened.splice(0)) await audit.remove();
});
const keep = (audit: AuditFolder): AuditFolder => {
  opened.push(audit);
  return audit;
};

/** Ended, or ended and not yet collected by whoever inherited it. */
function isGone(pid: number): boolean {
  try {
    return /^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return true;
  }
}

/** A command that leaves results as a test run of its own would: dbt names each invocation in them. */
const newResults = "sed -i s/small-invocation/another-$$/ target/run_results.json";

const twoStates: Failures = {
  vendor_missing: [
    ["VA", 3],
    ["TX", 2],
  ],
  total_wrong: [["VA", 5]],
};

/** An audit whose agent is a program; no slots unless asked for. */
async function withAgent(failures: Failures, body?: string, more: Record<string, unknown> = {}): Promise<AuditFolder> {
  const audit = keep(await smallAudit(failures));
  const agent = await agentProgram(audit, body);
  await audit.configure({ agent: { ...agent, slot: false }, ...more });
  return audit;
}

/** The same, with an agent that answers, after its first run. */
const audited = async (): Promise<AuditFolder> => keep(await smallAuditAfter([], twoStates));

test("each failing test in each state gets a finding, a page, and a place in the report", async () => {
  const audit = await withAgent(twoStates);
  const end = await audit.run();
  expect(end.stderr).not.toContain("failed");
  expect(end).toMatchObject({ exitCode: 0 });
  expect(end.stdout).toContain("3 failing cases");
  expect(await calls(audit)).toEqual(["TX: vendor_missing@TX", "VA: total_wrong@VA vendor_missing@VA"]);
  expect(await audit.read(".audit/results/VA.md")).toMatch(
    /# State: VA - Test Failures Audit[\s\S]*Total tests with failures: 2/,
  );
  expect(await audit.read(".audit/full-report.md")).toContain("vendor_missing");
  const tasks = JSON.parse(await audit.read(".audit/tasks.json"));
  expect(tasks).toMatchObject({
    project: "small",
    tasks: [
      {
        id: 1,
        state: "TX",
        tests: ["vendor_missing"],
        status: "completed",
        owner: "agent-tx",
        result: "results/TX.md",
      },
      { id: 2, state: "VA", tests: ["total_wrong", "vendor_missing"], status: "completed", owner: "agent-va" },
    ],
  });
});

test("a second run asks no agent, and one changed state asks for its changed cases alone", async () => {
  const audit = await audited();
  await rm(join(audit.folder, "calls.txt"));
  expect((await audit.run()).exitCode).toBe(0);
  expect(await calls(audit)).toEqual([]);
  expect(investigations(await audit.events())).toEqual({ "investigate:VA": "reused", "investigate:TX": "reused" });

  await setFailures(audit, { ...twoStates, total_wrong: [["VA", 6]] });
  expect((await audit.run()).exitCode).toBe(0);
  expect(await calls(audit)).toEqual(["VA: total_wrong@VA"]);
  expect(investigations(await audit.events())).toEqual({ "investigate:VA": "executed", "investigate:TX": "reused" });
  expect(await audit.read(".audit/results/VA.md")).toContain("**Failures:** 6");

  await rm(join(audit.folder, "calls.txt"));
  await setFailures(audit, twoStates);
  await audit.run();
  expect(await calls(audit), "reverted: the older finding is used again").toEqual([]);
});

test("a finding is looked at again when a query that it cites gives something else, though its own rows are the same", async () => {
  const audit = await withAgent(
    twoStates,
    `const all = cases.map(finding);
for (const one of all) if (one.group === "TX") one.evidence = [{ sql: 'select count(*) as n from "small"."main"."bids"' }];
process.stdout.write(JSON.stringify({ findings: all }));`,
  );
  await audit.run();
  await rm(join(audit.folder, "calls.txt"));
  await setFailures(audit, { ...twoStates, total_wrong: [["VA", 6]] });
  expect((await audit.run()).exitCode).toBe(0);
  expect(await calls(audit)).toEqual(["TX: vendor_missing@TX", "VA: total_wrong@VA"]);
  const why = await audit.run("explain", "vendor_missing@TX");
  expect(why.stdout).toContain("investigated it: the result of a query that it cites changed");
});

test("another strategy packs the same findings anew and asks nobody", async () => {
  const audit = await audited();
  await rm(join(audit.folder, "calls.txt"));
  for (const strategy of ["per-test", "balanced", "auto"]) {
    expect((await audit.run("--strategy", strategy)).exitCode).toBe(0);
  }
  expect(await calls(audit)).toEqual([]);
  expect(Object.keys(investigations(await audit.events()))).not.toEqual([]);
});

test("plan says beforehand what the run then does", async () => {
  const audit = await audited();
  await setFailures(audit, { ...twoStates, total_wrong: [["VA", 6]] });
  const before = JSON.parse((await audit.run("plan", "--json")).stdout);
  expect(before.rows.find(({ node }: { node: string }) => node === "summary")).toMatchObject({ verdict: "run" });
  await audit.run();
  const after = JSON.parse((await audit.run("plan", "--json")).stdout);
  expect(after.totals).toMatchObject({ open: 0, reused: 3 });
  expect(after.assumes).toBeNull();
});

describe("when an agent fails", () => {
  const failsOnce = `
if (task === "VA" && !existsSync("failed-once")) {
  writeFileSync("failed-once", "");
  process.stderr.write("the model is gone");
  process.exit(7);
}
answer(cases);`;

  test("the report says what is missing, the exit code is 3, and retry runs that node alone", async () => {
    const audit = await withAgent(twoStates, failsOnce);
    const end = await audit.run();
    expect(end.exitCode).toBe(3);
    expect(end.stdout).toContain("npx audit-run retry");
    const report = await audit.read(".audit/full-report.md");
    expect(report.slice(0, 1500)).toMatch(/missing/i);
    expect(report.slice(0, 2500)).toContain("npx audit-run retry");
    await rm(join(audit.folder, "calls.txt"));

    const again = await audit.run("retry");
    expect(again.exitCode).toBe(0);
    expect(await calls(audit)).toEqual(["VA: total_wrong@VA vendor_missing@VA"]);
    expect(
      (await audit.events()).flatMap((event) => {
        if (event.type === "reused") return event.nodes.map((node) => `${node} reused`);
        return event.type === "settled" ? [`${event.node} ${event.outcome}`] : [];
      }),
    ).toEqual([
      "setup executed",
      "summary reused",
      "investigate:TX reused",
      "export reused",
      "investigate:VA executed",
      "collect executed",
      "cleanup executed",
    ]);
  });

  test("what it had answered before it died is kept and not asked again", async () => {
    const audit = await withAgent(
      twoStates,
      "if (cases.length === 2) { answer(cases.slice(0, 1)); process.exitCode = 1; } else answer(cases);",
    );
    expect((await audit.run()).exitCode).toBe(3);
    await rm(join(audit.folder, "calls.txt"));
    expect((await audit.run("retry")).exitCode).toBe(0);
    expect(await calls(audit)).toEqual(["VA: vendor_missing@VA"]);
  });

  const failing: readonly (readonly [group: string, how: string, body: string, code: string])[] = [
    ["AL", "prints garbage", "process.stdout.write('I think it is the vendor.');", "answer-invalid"],
    ["AR", "prints nothing", "", "answer-invalid"],
    ["CO", "never ends", "setInterval(() => undefined, 1000);", "agent-timeout"],
    [
      "CT",
      "leaves a child that holds its output",
      "(await import('node:child_process')).spawn('sleep', ['600'], { stdio: 'inherit' }); setInterval(() => undefined, 1000);",
      "agent-timeout",
    ],
    [
      "DE",
      "claims what is not so",
      "const f = finding(cases[0]); f.evidence[0].value = 99; process.stdout.write(JSON.stringify({ findings: [f] }));",
      "answer-invalid",
    ],
  ];

  test("the node fails by name, however it fails, and the other state is done", async () => {
    const groups = [...failing.map(([group]) => group), "TX"];
    const audit = await withAgent(
      { vendor_missing: groups.map((group, index) => [group, index + 1] as const) },
      `${failing.map(([group, , body]) => `if (task === "${group}") { ${body} }`).join("\n")}\nif (task === "TX") answer(cases);`,
      { timeouts: { task: "3s" } },
    );
    expect((await audit.run()).exitCode).toBe(3);
    const settled = (await audit.events()).flatMap((event) => (event.type === "settled" ? [event] : []));
    for (const [group, how, , code] of failing) {
      const node = settled.find((event) => event.node === `investigate:${group}`);
      expect(node, `that ${how}`).toMatchObject({ outcome: "failed", failure: { code } });
    }
    expect(settled.find(({ node }) => node === "investigate:TX")).toMatchObject({ outcome: "executed" });
    expect(await audit.read(".audit/results/TX.md")).toContain("needs_fix");
  });
});

test("an answer that is wrong is sent back with what was wrong, and accepted when it is mended", async () => {
  const audit = await withAgent(
    { vendor_missing: [["VA", 3]] },
    `
const mended = prompt.includes("Your last answer was not accepted");
const f = finding(cases[0]);
if (!mended) f.failures = 99;
note(mended ? "told: " + /failures is 99[^\\n]*/.exec(prompt)?.[0] : "first");
process.stdout.write(JSON.stringify({ findings: [f] }));`,
  );
  expect((await audit.run()).exitCode).toBe(0);
  expect(await calls(audit)).toContainEqual(
    expect.stringContaining("told: failures is 99, but this test fails 3 times"),
  );
});

test("no failing test is a clean report and exit code 0", async () => {
  const audit = await withAgent({ vendor_missing: [] });
  const end = await audit.run();
  expect(end).toMatchObject({ exitCode: 0, stdout: expect.stringContaining("No failing tests") });
  expect(await audit.read(".audit/full-report.md")).toMatch(/no failing tests/i);
});

test("groups with hostile names get safe and distinct files, inside the audit folder", async () => {
  const groups = [
    "../../x",
    "a/b",
    "NULL",
    "",
    "va",
    "VA",
    "x".repeat(300),
    "(null)",
    "con",
    "a\nb",
    "‮RTL",
    "'; drop table bids; --",
  ];
  const audit = await withAgent({ vendor_missing: [...groups.map((group) => [group, 1] as const), [null, 1]] });
  const before = readdirSync(audit.folder);
  const end = await audit.run("--json");
  expect(end.exitCode).toBe(0);
  const tasks = JSON.parse(await audit.read(".audit/tasks.json")).tasks as { state: string; result: string }[];
  expect(tasks.map(({ state }) => state).sort()).toEqual(
    [...groups.filter((group) => group !== "" && group !== "(null)"), "(empty)", '"(null)"', "(null)"].sort(),
  );
  expect(new Set(tasks.map(({ result }) => result.toLowerCase())).size).toBe(groups.length + 1);
  for (const { result } of tasks) {
    expect(result).toMatch(/^results\/[A-Za-z0-9][\w-]*\.md$/);
    expect(existsSync(join(audit.folder, ".audit", result))).toBe(true);
  }
  expect(readdirSync(audit.folder).sort()).toEqual([...before, ".audit", "calls.txt"].sort());
});

test("--state and --test narrow a run, and the rest is reported as outside of it", async () => {
  const audit = await withAgent(twoStates);
  expect((await audit.run("--state", "VA", "--test", "total_wrong")).exitCode).toBe(0);
  expect(await calls(audit)).toEqual(["VA: total_wrong@VA"]);
  expect((await audit.run("run", "investigate:TX")).exitCode).toBe(0);
  expect(await calls(audit)).toEqual(["TX: vendor_missing@TX", "VA: total_wrong@VA"]);
  expect(await audit.read(".audit/results/TX.md")).toContain("# State: TX");
  const unknown = await audit.run("run", "investigate:ZZ");
  expect(unknown).toMatchObject({ exitCode: 2, stdout: expect.stringContaining("there is no node investigate:ZZ") });
});

test("--fail-on makes findings of a category exit 1", async () => {
  const audit = await audited();
  expect((await audit.run("--fail-on", "needs_fix")).exitCode).toBe(1);
  expect((await audit.run("--fail-on", "source_data_issue")).exitCode).toBe(0);
  expect((await audit.run("--fail-on", "nonsense")).exitCode).toBe(2);
});

test("an accepted exception is shown, costs no agent, and reopens when it has expired", async () => {
  const audit = await withAgent(twoStates);
  const entry = (expires: string) =>
    `version: 1\nexceptions:\n  - {test: total_wrong, group: VA, reason: bond fees, owner: data, expires: ${expires}}\n  - {test: nothing_such, group: "*", reason: old, owner: data, expires: never}\n`;
  await audit.write("audit.exceptions.yaml", entry("2999-12-31"));
  expect((await audit.run()).exitCode).toBe(0);
  expect(await calls(audit)).toEqual(["TX: vendor_missing@TX", "VA: vendor_missing@VA"]);
  expect(await audit.read(".audit/results/VA.md")).toContain("bond fees");
  expect(await audit.read(".audit/full-report.md")).toContain("nothing_such");
  await audit.write("audit.exceptions.yaml", entry("2020-01-01"));
  await audit.run();
  expect(await calls(audit)).toContain("VA: total_wrong@VA");
});

describe("slots", () => {
  async function inGit(body?: string, more: Record<string, unknown> = {}): Promise<AuditFolder> {
    const audit = keep(await smallAudit(twoStates));
    const project = join(audit.folder, "project");
    await mkdir(join(project, "models"));
    await audit.write("project/models/bids.sql", "select 1\n");
    await audit.write("project/.gitignore", "target/\n");
    const git = (...args: string[]) =>
      execFileSync("git", ["-c", "user.name=t", "-c", "user.email=t@t", ...args], {
        cwd: project,
        stdio: "pipe",
      }).toString();
    git("init", "-q");
    git("add", ".");
    git("commit", "-qm", "one");
    await audit.write("project/models/bids.sql", "select 2 -- not committed\n");
    await audit.configure({ agent: await agentProgram(audit, body), slots: { count: 2 }, ...more });
    return audit;
  }
  const worktrees = (audit: AuditFolder) =>
    execFileSync("git", ["worktree", "list"], { cwd: join(audit.folder, "project") })
      .toString()
      .trim()
      .split("\n");

  test("an agent works in a checkout of its own with the uncommitted changes, and none is left behind", async () => {
    const audit = await inGit(`
note("cwd " + process.cwd().includes("slots") + " " + readFileSync("models/bids.sql", "utf8").trim() + " " + existsSync("target/manifest.json"));
writeFileSync("models/bids.sql", "changed by the agent");
answer(cases);`);
    const end = await audit.run();
    expect(end.exitCode).toBe(0);
    expect((await calls(audit)).filter((line) => line.startsWith("cwd"))).toEqual(
      Array(2).fill("cwd true select 2 -- not committed true"),
    );
    expect(worktrees(audit)).toHaveLength(1);
    expect(await audit.read("project/models/bids.sql")).toBe("select 2 -- not committed\n");
    expect(readdirSync(join(audit.folder, ".audit/slots/archive")).length).toBe(2);
  });

  test("a run with nothing to do makes no slot", async () => {
    const audit = await inGit();
    await audit.run();
    await rm(join(audit.folder, ".audit/slots"), { recursive: true });
    expect((await audit.run()).exitCode).toBe(0);
    expect(existsSync(join(audit.folder, ".audit/slots/1"))).toBe(false);
  });

  test("after kill -9 the next run removes the slots, pays for no finished case again, and needs no unlock", async () => {
    const audit = await inGit(
      `if (task === "TX") answer(cases); else { process.stderr.write("hanging"); note("hangs"); setInterval(() => undefined, 1000); }`,
    );
    const running = audit.start("--progress", "plain");
    await running.says("investigate:TX executed");
    running.kill("SIGKILL");
    await running.ended;
    expect(worktrees(audit).length).toBeGreaterThan(1);
    await agentProgram(audit);
    await rm(join(audit.folder, "calls.txt"));
    expect((await audit.run()).exitCode).toBe(0);
    // The program's file changed, its command did not: an agent is named by its command.
    expect(await calls(audit)).toEqual(["VA: total_wrong@VA vendor_missing@VA"]);
    expect(worktrees(audit)).toHaveLength(1);
  });

  test("Ctrl-C ends the agents, keeps what was finished, cleans up and exits 130", async () => {
    const audit = await inGit(
      `if (task === "TX") answer(cases); else { note("pid " + process.pid); setInterval(() => undefined, 1000); }`,
    );
    const running = audit.start("--progress", "plain");
    await running.says("investigate:TX executed");
    running.kill("SIGINT");
    const end = await running.ended;
    expect(end.exitCode).toBe(130);
    expect(worktrees(audit)).toHaveLength(1);
    expect(investigations(await audit.events())).toEqual({
      "investigate:TX": "executed",
      "investigate:VA": "cancelled",
    });
    expect((await audit.events()).at(-1)).toMatchObject({ type: "run-settled", exitCode: 130 });
    const pid = Number((await calls(audit)).find((line) => line.startsWith("pid"))?.slice(4));
    expect(isGone(pid)).toBe(true);
    await agentProgram(audit);
    await rm(join(audit.folder, "calls.txt"));
    expect((await audit.run()).exitCode).toBe(0);
    expect(await calls(audit)).toEqual(["VA: total_wrong@VA vendor_missing@VA"]);
  });

  test("Ctrl-C twice stops at once and leaves no agent behind", async () => {
    const audit = await inGit(
      `process.on("SIGTERM", () => undefined); note("pid " + process.pid); setInterval(() => undefined, 1000);`,
    );
    const running = audit.start("--progress", "plain");
    await running.says("investigate:TX started");
    while ((await calls(audit)).filter((line) => line.startsWith("pid")).length < 2) await nextTurn();
    running.kill("SIGINT");
    await running.says("Once more to stop at once");
    running.kill("SIGINT");
    expect((await running.ended).exitCode).toBe(130);
    for (const line of await calls(audit)) {
      if (line.startsWith("pid")) expect(isGone(Number(line.slice(4)))).toBe(true);
    }
    await agentProgram(audit);
    expect((await audit.run()).exitCode).toBe(0);
    expect(worktrees(audit)).toHaveLength(1);
  });

  test("a folder that stands where a slot would be is a preflight error, and is left alone", async () => {
    const audit = await inGit();
    await mkdir(join(audit.folder, ".audit/slots/1"), { recursive: true });
    await audit.write(".audit/slots/1/mine.txt", "mine");
    expect(await audit.run()).toMatchObject({ exitCode: 4, stdout: expect.stringContaining("slots/1") });
    expect(await audit.read(".audit/slots/1/mine.txt")).toBe("mine");
    expect(await calls(audit)).toEqual([]);
  });
});

test("a secret that the config takes from the environment is in no output and no file", async () => {
  const canary = "canary-7f3a9b-secret";
  const audit = keep(await auditFolder({ CANARY: canary }));
  const agent = await agentProgram(audit, "process.stderr.write('seen ' + process.env.AGENT_KEY); answer(cases);");
  await setFailures(audit, twoStates);
  const run = `echo "connecting with $TOKEN"; echo "postgres://me:$TOKEN@host/db" >&2; ${newResults}`;
  await audit.configure({
    agent: { ...agent, slot: false, env: { AGENT_KEY: `\${CANARY}` } },
    summary: { run, env: { TOKEN: `\${CANARY}` }, artifacts: "project/target" },
    knowledge: { all: `the token is \${CANARY}` },
  });
  const end = await audit.run();
  expect(end.exitCode).toBe(0);
  await audit.configure({
    summary: { run: `${run}; exit 2`, env: { TOKEN: `\${CANARY}` }, artifacts: "project/target" },
  });
  const failed = await audit.run("--json");
  expect(failed.stdout).toContain("connecting with [redacted]");
  expect([end.stdout, end.stderr, failed.stdout, failed.stderr].join()).not.toContain(canary);
  const found = spawnSync("grep", ["-rl", canary, join(audit.folder, ".audit")], { encoding: "utf8" });
  expect(found.stdout).toBe("");
});

describe("nothing misleads", () => {
  test("a summary that ends well and leaves no new results is refused", async () => {
    const audit = await audited();
    await audit.configure({
      agent: { ...(await agentProgram(audit)), slot: false },
      summary: { run: "true", artifacts: "project/target" },
    });
    expect(await audit.run()).toMatchObject({
      exitCode: 3,
      stdout: expect.stringContaining("left no new run_results.json"),
    });
  });

  test("after a failed summary the old report says that it is old, and a retry says what it takes over", async () => {
    const audit = await audited();
    const agent = { ...(await agentProgram(audit)), slot: false };
    for (let time = 0; time < 2; time += 1) {
      await audit.configure({ agent, summary: { run: "echo broken; exit 2", artifacts: "project/target" } });
      expect((await audit.run()).exitCode).toBe(3);
      const report = await audit.read(".audit/full-report.md");
      expect(report).toMatch(/^> \*\*The latest run, [\d-]+, made no report\.\*\* summary failed/);
      expect(report.match(/made no report/g)).toHaveLength(1);
      expect(report).toContain("Total failing cases: 3");
    }
    const retried = await audit.run("retry");
    expect(retried).toMatchObject({ exitCode: 0, stdout: expect.stringContaining("The last run failed at summary") });
    expect(await audit.read(".audit/full-report.md")).not.toContain("made no report");
  });

  test("a misspelt state or test is an error, not a clean result", async () => {
    const audit = await withAgent(twoStates);
    expect(await audit.run("--state", "va")).toMatchObject({
      exitCode: 2,
      stdout: expect.stringContaining("Did you mean VA?"),
    });
    expect(await audit.run("--test", "nosuch")).toMatchObject({
      exitCode: 2,
      stdout: expect.stringContaining("total_wrong"),
    });
    expect(await calls(audit)).toEqual([]);
  });

  test("exceptions that cannot be read stop the run; one broken entry makes it incomplete", async () => {
    const audit = await withAgent(twoStates);
    await audit.write("audit.exceptions.yaml", "version: 1\nexceptions: [\n");
    expect((await audit.run()).exitCode).toBe(2);
    expect(await calls(audit)).toEqual([]);
    await audit.write(
      "audit.exceptions.yaml",
      `version: 1
exceptions:
  - {test: total_wrong, group: VA, reason: bond fees, owner: data, expires: never}
  - {test: vendor_missing, group: TX, reason: known}
`,
    );
    const end = await audit.run();
    expect(end.exitCode).toBe(3);
    expect(end.stderr).toMatch(/audit\.exceptions\.yaml:4:\d+ error/);
    expect(await audit.read(".audit/results/VA.md")).toContain("bond fees");
  });

  test("a watermark that cannot be read is told, and the command runs", async () => {
    const audit = await withAgent(twoStates);
    const summary = {
      run: newResults,
      artifacts: "project/target",
      watermark: "select max(nope) from small.main.bids",
    };
    await audit.configure({ agent: { ...(await agentProgram(audit)), slot: false }, summary });
    await audit.run();
    const warnings = (await audit.events()).flatMap((event) => (event.type === "warning" ? [event.message] : []));
    expect(warnings).toContainEqual(expect.stringContaining("summary.watermark could not be read"));
  });

  test("the command to retry is ready to paste, and a retry of nothing is refused", async () => {
    const audit = await withAgent(twoStates, "process.exit(1)");
    expect(await audit.run("retry")).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining("nothing to retry"),
    });
    await audit.write("other.yaml", await audit.read("audit.config.yaml"));
    const end = await audit.run("--config", "other.yaml", "--state", "VA");
    expect(end.stdout).toContain("npx audit-run retry --config other.yaml --state VA");
  });
});

describe("a wrong start", () => {
  test("no config says how to get one", async () => {
    const audit = keep(await auditFolder());
    expect(await audit.run()).toMatchObject({ exitCode: 2, stderr: expect.stringContaining("does not exist") });
  });

  test("broken YAML, unknown keys and a missing repository are all told with their places", async () => {
    const audit = keep(await auditFolder());
    await audit.write(
      "audit.config.yaml",
      "version: 1\nname: x\nstratgy: per-test\nrepos: {dbt: {path: nowhere}}\nwarehouse: {use: duckdb, path: x.duckdb}\ngroupBy: state\n",
    );
    const end = await audit.run();
    expect(end.exitCode).toBe(2);
    expect(end.stderr).toContain("audit.config.yaml:3:1 error[unknown-key]");
    expect(end.stderr).toContain('did you mean "strategy"');
    expect(end.stderr).toMatch(/audit\.config\.yaml:4:\d+ error/);
    expect(existsSync(join(audit.folder, ".audit"))).toBe(false);
  });

  test("artifacts that are not there fail the summary with the next step", async () => {
    const audit = keep(await smallAudit(twoStates));
    await rm(join(audit.folder, "project/target"), { recursive: true });
    const end = await audit.run();
    expect(end).toMatchObject({ exitCode: 3, stdout: expect.stringContaining("dbt test --store-failures") });
  });

  test("a program that is missing is told before anything starts", async () => {
    const audit = keep(await smallAudit(twoStates, { summary: { run: "no-such-dbt test" } }));
    expect(await audit.run()).toMatchObject({ exitCode: 4, stdout: expect.stringContaining("no-such-dbt") });
  });

  test.each([
    ["exit 2", "exit 2", "ended with exit code 2"],
    ["exit 1 with stale artifacts", "exit 1", "left no new run_results.json"],
  ])("a summary command that ends with %s fails, and what it said is shown", async (_, ending, message) => {
    const audit = keep(
      await smallAudit(twoStates, {
        summary: { run: `echo "Compilation Error in model bids"; ${ending}`, artifacts: "project/target" },
      }),
    );
    const end = await audit.run();
    expect(end.exitCode).toBe(3);
    expect(end.stdout).toContain(message);
    expect(end.stdout).toContain("Compilation Error in model bids");
  });

  test("a summary table without the mapped columns names what it has", async () => {
    const audit = keep(await smallAudit(twoStates, { summary: { artifacts: "project/target", table: "main.bids" } }));
    const end = await audit.run();
    expect(end.exitCode).toBe(3);
    expect(end.stdout).toMatch(/test_name/);
    expect(end.stdout).toMatch(/vendor/);
  });

  test("a second run in the same folder is refused, and names the first", async () => {
    const audit = await withAgent(
      { vendor_missing: [["VA", 1]] },
      "note('hangs'); setInterval(() => undefined, 1000);",
    );
    const first = audit.start("--progress", "plain");
    await first.says("investigate:VA started");
    expect(await audit.run()).toMatchObject({ exitCode: 4, stderr: expect.stringContaining(`Process ${first.pid}`) });
    first.kill("SIGTERM");
    expect((await first.ended).exitCode).toBe(143);
  });
});
