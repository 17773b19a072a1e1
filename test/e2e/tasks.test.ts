// Agents that audit-run has not started share an audit with it and with one another: the built program, one process a step.
import { execFileSync } from "node:child_process";
import { mkdir, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { smallAuditAfter } from "../rig/prepared.js";
import { failures, findings } from "../rig/recovery.js";
import { type AuditFolder, agentProgram, calls, type Ended, investigations, smallAudit } from "../rig/small-audit.js";

const opened: AuditFolder[] = [];
afterEach(async () => {
  for (const audit of opened.splice(0)) await audit.remove();
});

function opening(audit: AuditFolder): AuditFolder {
  opened.push(audit);
  return audit;
}

/** With its failures exported, and nothing investigated. */
const exported = async (): Promise<AuditFolder> => opening(await smallAuditAfter(["run", "export"]));

const tasks = (audit: AuditFolder, ...args: string[]) => audit.run("tasks", ...args);
const json = (end: Ended) => JSON.parse(end.stdout);
const view = async (audit: AuditFolder, state: string) =>
  JSON.parse(await audit.read(".audit/tasks.json")).tasks.find((task: { state: string }) => task.state === state);

interface Claimed {
  readonly task: string;
  readonly token: number;
  readonly cases: readonly { readonly test: string; readonly group: string; readonly failures: number }[];
}

async function claim(audit: AuditFolder, task: string, owner: string, ...more: string[]): Promise<Claimed> {
  const end = await tasks(audit, "claim", task, "--owner", owner, "--json", ...more);
  expect(end, end.stderr).toMatchObject({ exitCode: 0 });
  return json(end);
}

const finding = ({ test, group, failures }: Claimed["cases"][number]) => ({
  test,
  group,
  failures,
  classification: "needs_fix",
  confidence: "high",
  root_cause: "The join of bids loses the vendor of these rows.",
  recommendation: "Join by vendor_id.",
  evidence: [
    {
      title: "rows without a vendor",
      sql: `select count(*) as n from "small"."failures"."${test}" where vendor is null`,
    },
  ],
});

async function complete(
  audit: AuditFolder,
  { task, token, cases }: Claimed,
  change: (findings: ReturnType<typeof finding>[]) => unknown = (all) => ({ findings: all }),
): Promise<Ended> {
  await audit.write("answer.json", JSON.stringify(change(cases.map(finding))));
  return tasks(audit, "complete", task, "answer.json", "--token", String(token), "--json");
}

test("before anything was exported, every command says how to export", async () => {
  const audit = opening(await smallAudit(failures));
  for (const args of [["list"], ["next"], ["claim", "--owner", "a"], ["release", "VA", "--token", "1"]]) {
    const end = await tasks(audit, ...args);
    expect(end).toMatchObject({ exitCode: 4, stdout: "", stderr: expect.stringContaining("audit-run run export") });
  }
});

test("a swarm claims all tasks and completes them, and the report is the one that audit-run alone would make", async () => {
  const audit = await exported();
  expect(json(await tasks(audit, "next", "--json"))).toMatchObject({ status: "pending", owner: null });
  const va = await claim(audit, "VA", "swarm-1");
  expect(va).toMatchObject({ task: "VA", token: 1, owner: "swarm-1", state: "VA" });
  expect(va.cases.map(({ test }) => test)).toEqual(["total_wrong", "vendor_missing"]);
  expect(await view(audit, "VA")).toMatchObject({ status: "in_progress", owner: "swarm-1", result: null });
  const tx = json(await tasks(audit, "claim", "--owner", "swarm-2", "--json"));
  expect(tx).toMatchObject({ task: "TX", token: 1 });
  expect(await tasks(audit, "claim", "--owner", "swarm-3", "--json")).toMatchObject({ exitCode: 1, stdout: "{}\n" });
  expect(await tasks(audit, "claim", "VA", "--owner", "swarm-3")).toMatchObject({ exitCode: 1, stdout: "" });

  expect(await complete(audit, va)).toMatchObject({
    exitCode: 0,
    stdout: expect.stringContaining('"completed": true'),
  });
  expect(await complete(audit, tx, (all) => all[0])).toMatchObject({ exitCode: 0 });
  expect(await view(audit, "VA")).toMatchObject({ status: "completed", owner: "swarm-1" });
  expect(await audit.run("verify")).toMatchObject({ exitCode: 0 });

  expect(await audit.run()).toMatchObject({ exitCode: 0 });
  expect(await calls(audit)).toEqual([]);
  expect(await view(audit, "VA")).toMatchObject({ status: "completed", result: "results/VA.md" });
  const report = JSON.parse(await audit.read(".audit/findings.json"));
  const agents = JSON.stringify(report.cases).match(/(?<="agent":")[\w-]+/g) ?? [];
  expect(agents.sort()).toEqual(["swarm-1", "swarm-1", "swarm-2"]);
  const alone = opening(await smallAuditAfter([]));
  expect(await findings(audit)).toEqual(await findings(alone));
});

test("what is not admitted comes back as a numbered list; what is, is kept; the claim stands", async () => {
  const audit = await exported();
  const va = await claim(audit, "2", "swarm");
  expect(va.task).toBe("VA");
  await audit.write(
    "answer.json",
    JSON.stringify({
      findings: va.cases.map(finding).map((each, index) => (index === 0 ? each : { ...each, failures: 99 })),
    }),
  );
  const end = await tasks(audit, "complete", "VA", "answer.json", "--token", "1");
  expect(end.exitCode).toBe(1);
  expect(end.stdout).toMatch(
    /^VA is not completed, and still yours\. Admitted and kept: total_wrong@VA\.\n1\. vendor_missing@VA: failures is 99/,
  );
  expect(await view(audit, "VA")).toMatchObject({ status: "in_progress" });
  for (const wrong of ["no JSON", "7", '{"findings": 1}', "{}"]) {
    await audit.write("answer.json", wrong);
    expect(await tasks(audit, "complete", "VA", "answer.json", "--token", "1")).toMatchObject({
      exitCode: 1,
      stdout: expect.stringMatching(/\n1\. /),
    });
  }
  // All of it again: what is there already is no mistake. It stays, and whoever thinks otherwise is told.
  const again = await complete(audit, va, (all) => all.map((one) => ({ ...one, classification: "source_data_issue" })));
  expect(again).toMatchObject({ exitCode: 0, stderr: expect.stringContaining("which stays: total_wrong@VA.") });
  expect(json(again)).toMatchObject({ completed: true, hadFinding: ["total_wrong@VA"] });
  // And once more, by one that never heard the answer; what says something else is not dropped.
  const same = await complete(audit, va, (all) => all.map((one) => ({ ...one, classification: "source_data_issue" })));
  expect(same).toMatchObject({ exitCode: 0 });
  const other = await complete(audit, va, ([one]) => ({ findings: [{ ...one, root_cause: "Something else." }] }));
  expect(other).toMatchObject({ exitCode: 5, stderr: expect.stringContaining("not what it was completed with") });
  expect(json(other)).toMatchObject({ completed: false, fence: "completed" });
  expect(await audit.read(join(".audit", json(other).file))).toContain("Something else.");
});

test("a lease that has run out goes back; who comes late is refused, and its work is kept aside", async () => {
  const audit = await exported();
  for (const wrong of [
    ["--owner", ""],
    ["--owner", "a\nb"],
    ["--owner", "a", "--lease", "9999999d"],
  ]) {
    const refused = await tasks(audit, "claim", "VA", ...wrong);
    expect(refused, wrong.join(" ")).toMatchObject({ exitCode: 2, stdout: "" });
  }
  const late = await claim(audit, "VA", "slow", "--lease", "1ms");
  expect(json(await tasks(audit, "list", "--json")).tasks[1]).toMatchObject({
    task: "VA",
    status: "pending",
    owner: null,
  });
  expect(await view(audit, "VA")).toMatchObject({ status: "pending" });
  expect(await tasks(audit, "heartbeat", "VA", "--token", String(late.token))).toMatchObject({ exitCode: 5 });
  expect(await complete(audit, late)).toMatchObject({ exitCode: 5, stderr: expect.stringContaining("run out") });
  const next = await claim(audit, "VA", "quick");
  expect(next.token).toBeGreaterThan(late.token);
  const end = await complete(audit, late);
  expect(end).toMatchObject({ exitCode: 5, stderr: expect.stringContaining("quick has claimed VA since") });
  expect(json(end)).toMatchObject({ completed: false, fence: "superseded", by: "quick" });
  const kept = await readdir(join(audit.folder, ".audit/claims/late"));
  expect(kept).toHaveLength(2);
  expect(await readFile(join(audit.folder, ".audit", json(end).file), "utf8")).toContain("loses the vendor");
  expect(await tasks(audit, "heartbeat", "VA", "--token", String(next.token), "--owner", "quick")).toMatchObject({
    exitCode: 0,
  });
  expect(await tasks(audit, "heartbeat", "VA", "--token", String(next.token), "--owner", "slow")).toMatchObject({
    exitCode: 5,
  });
  expect(await tasks(audit, "release", "VA", "--token", String(next.token))).toMatchObject({ exitCode: 0 });
  expect(await view(audit, "VA")).toMatchObject({ status: "pending", owner: null });
  expect((await claim(audit, "VA", "third")).token).toBeGreaterThan(next.token);
});

test("a running audit leaves alone what somebody holds, goes on with the rest, and takes up what is handed in", async () => {
  const audit = await exported();
  const va = await claim(audit, "VA", "swarm");
  const running = audit.start("--progress", "plain");
  await running.says("swarm has claimed it");
  await running.says("to take it back: audit-run tasks release VA --token 1");
  // The run itself goes on with TX meanwhile.
  await running.says("investigate:TX executed in");
  expect(await complete(audit, va)).toMatchObject({ exitCode: 0, stderr: expect.stringContaining("A run is on") });
  expect(await running.ended).toMatchObject({ exitCode: 0 });
  expect(await calls(audit)).toEqual(["TX: vendor_missing@TX"]);
  expect(investigations(await audit.events())).toEqual({ "investigate:TX": "executed", "investigate:VA": "executed" });
  expect(await view(audit, "VA")).toMatchObject({ status: "completed", owner: "swarm", result: "results/VA.md" });
});

test("what an agent gives back is investigated by the run that waits for it; others see the run's tasks as owned", async () => {
  // Each agent answers when there is a file with its task's name.
  const audit = await exported();
  await agentProgram(
    audit,
    `const go = new URL("./" + task + ".go", import.meta.url);
const wait = setInterval(() => { if (existsSync(go)) { clearInterval(wait); answer(cases); } }, 20);`,
  );
  const va = await claim(audit, "VA", "swarm");
  const running = audit.start("--progress", "plain");
  await running.says("swarm has claimed it");
  expect(await tasks(audit, "claim", "--owner", "another", "--json")).toMatchObject({ exitCode: 1, stdout: "{}\n" });
  expect(json(await tasks(audit, "list", "--json")).tasks[0]).toMatchObject({
    owner: "agent-tx",
    status: "in_progress",
  });
  expect(await tasks(audit, "release", "VA", "--token", String(va.token))).toMatchObject({ exitCode: 0 });
  await audit.write("VA.go", "");
  await audit.write("TX.go", "");
  expect(await running.ended).toMatchObject({ exitCode: 0 });
  expect(await calls(audit)).toEqual(["TX: vendor_missing@TX", "VA: total_wrong@VA vendor_missing@VA"]);
  expect(await view(audit, "VA")).toMatchObject({ status: "completed", owner: "agent-va" });
});

test("a run that was killed holds nothing; its tasks are free at once", async () => {
  const audit = await exported();
  await agentProgram(audit, "setInterval(() => {}, 1000);");
  const running = audit.start("--progress", "plain");
  await running.says("investigate:VA started");
  expect(await tasks(audit, "claim", "VA", "--owner", "swarm", "--json")).toMatchObject({ exitCode: 1 });
  running.kill("SIGKILL");
  await running.ended;
  const va = await claim(audit, "VA", "swarm");
  expect(va.token).toBe(2);
  expect(await complete(audit, va)).toMatchObject({ exitCode: 0 });
});

test("an edit of tasks.json by hand is noticed and loses", async () => {
  const audit = await exported();
  const text = await audit.read(".audit/tasks.json");
  await audit.write(".audit/tasks.json", text.replace('"pending"', '"completed"'));
  expect(await tasks(audit, "list")).toMatchObject({ exitCode: 0, stderr: expect.stringContaining("edited by hand") });
  expect(await audit.read(".audit/tasks.json")).toBe(text);
});

test("other test results void a claim; what was handed in is kept, and clean --all knows all of it", async () => {
  const audit = await exported();
  const va = await claim(audit, "VA", "swarm");
  const { setFailures } = await import("../rig/small-audit.js");
  await setFailures(audit, { ...failures, total_wrong: [["VA", 6]] });
  expect(await complete(audit, va)).toMatchObject({ exitCode: 4, stderr: expect.stringContaining("have changed") });
  expect(await audit.run("run", "export")).toMatchObject({ exitCode: 0 });
  expect(await complete(audit, va)).toMatchObject({ exitCode: 5, stderr: expect.stringContaining("not what it was") });
  expect(await claim(audit, "VA", "swarm")).toMatchObject({ token: 2 });
  await audit.run("tasks", "list");
  expect(await audit.run("clean", "--all")).toMatchObject({ exitCode: 0, stdout: ".audit is removed.\n" });
});

test("whatever somebody has put into claims/ stops no command and no run", async () => {
  const audit = await exported();
  await audit.write(".audit/claims/VA.1", '{"v":1,"kind":"claim"}');
  await mkdir(join(audit.folder, ".audit/claims/inbox"));
  execFileSync("mkfifo", [join(audit.folder, ".audit/claims/TX.1")]);
  await audit.write(
    ".audit/claims/inbox/000000000000001-VA.2-0badcafe.json",
    '{"version":1,"task":"VA","answer":"{}"}',
  );
  expect(await tasks(audit, "list")).toMatchObject({ exitCode: 0 });
  const va = await claim(audit, "VA", "swarm");
  expect(va.token).toBe(2);
  expect(await complete(audit, va)).toMatchObject({ exitCode: 0 });
  expect(await readdir(join(audit.folder, ".audit/claims/late"))).toHaveLength(1);
  expect(await audit.run()).toMatchObject({ exitCode: 0 });
  expect(await calls(audit)).toEqual(["TX: vendor_missing@TX"]);
  await audit.write(".audit/claims/catalogue.json", '{"version":1,"tasks":[null]}');
  expect(await tasks(audit, "list")).toMatchObject({ exitCode: 4, stderr: expect.stringContaining("run export") });
  expect(await audit.run("run", "export")).toMatchObject({ exitCode: 0 });
  expect(await tasks(audit, "list")).toMatchObject({ exitCode: 0 });
  expect(await audit.run("clean", "--all")).toMatchObject({ exitCode: 0, stdout: ".audit is removed.\n" });
});
