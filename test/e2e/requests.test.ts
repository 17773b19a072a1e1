// Commands from another terminal while the built program audits: status, stop, retry and accept. Agents wait for files.
import { readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import type { Status } from "../../src/audit/status.js";
import { failures } from "../rig/recovery.js";
import { type AuditFolder, agentProgram, calls, investigations, type Running, smallAudit } from "../rig/small-audit.js";

const opened: AuditFolder[] = [];
const started: Running[] = [];
afterEach(async () => {
  for (const run of started.splice(0)) {
    run.kill("SIGKILL");
    await run.ended;
  }
  for (const audit of opened.splice(0)) await audit.remove();
});

/** Each agent waits for the file `go-<task>`, and fails while there is a file `fail-<task>`. */
const body = `
const at = (name) => ${"new URL(name, import.meta.url)"};
note("pid " + task + " " + process.pid);
if (existsSync(at("fail-" + task))) process.exit(9);
await new Promise((resolve) => {
  const look = setInterval(() => {
    if (!existsSync(at("go-" + task))) return;
    clearInterval(look);
    resolve();
  }, 20);
});
answer(cases);`;

async function gatedAudit(more: Record<string, unknown> = {}): Promise<AuditFolder> {
  const audit = await smallAudit(failures);
  opened.push(audit);
  await audit.configure({ agent: { ...(await agentProgram(audit, body)), slot: false }, ...more });
  return audit;
}

function startIn(audit: AuditFolder): Running {
  const run = audit.start("--progress", "plain");
  started.push(run);
  return run;
}

const go = (audit: AuditFolder, task: string): Promise<void> => audit.write(`go-${task}`, "");

async function status(audit: AuditFolder): Promise<Status> {
  const { exitCode, stdout, stderr } = await audit.run("status", "--json");
  expect(exitCode, stderr).toBe(0);
  return JSON.parse(stdout) as Status;
}

/** The status as soon as the task stands so, by the log of the run's events. */
async function until(audit: AuditFolder, node: string, outcome: string): Promise<Status> {
  const settled = async (): Promise<boolean> =>
    (await audit.events()).some(
      (event) => event.type === "settled" && event.node === node && event.outcome === outcome,
    );
  await expect.poll(settled, { timeout: 60_000 }).toBe(true);
  return status(audit);
}

/** As soon as the agent has told it: a task is started before its agent runs. */
async function agentPid(audit: AuditFolder, task: string): Promise<number> {
  const pid = async () => Number((await calls(audit)).find((line) => line.startsWith(`pid ${task} `))?.split(" ")[2]);
  await expect.poll(pid, { timeout: 60_000 }).toBeGreaterThan(0);
  return pid();
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

const asked = async (audit: AuditFolder) => (await calls(audit)).filter((line) => !line.startsWith("pid "));
const acceptTX = ["--reason", "Texas sends no vendor.", "--owner", "data-team", "--expires", "2035-12-31"];

test("status tells of an audit before its first run, while it runs, and after it", async () => {
  const audit = await gatedAudit();
  expect(await audit.run("status")).toMatchObject({ exitCode: 0, stdout: "No audit has run here yet.\n" });
  const run = startIn(audit);
  await run.says("investigate:VA started");
  await run.says("investigate:TX started");
  expect(await status(audit)).toMatchObject({
    version: 1,
    state: "running",
    process: { pid: run.pid },
    totals: { running: 2 },
  });
  const { stdout } = await audit.run("status");
  expect(stdout).toMatch(/^\d{8}-\d{9}: running for .* \(process \d+ on .*\)/);
  expect(stdout).toMatch(/^investigate:VA {2}running {2}agent-va {2}/m);
  for (const task of ["VA", "TX"]) await go(audit, task);
  expect((await run.ended).exitCode).toBe(0);
  expect(await status(audit)).toMatchObject({ state: "ended", exitCode: 0, totals: { executed: 2 }, process: null });
  expect((await audit.run("status")).stdout).toContain("ended with exit code 0");
});

test("one task is stopped, its agent is ended, the others go on, and it runs once more when asked", async () => {
  const audit = await gatedAudit();
  const run = startIn(audit);
  await run.says("investigate:VA started");
  await run.says("investigate:TX started");
  const pid = await agentPid(audit, "TX");
  expect(await audit.run("stop", "OH")).toMatchObject({ exitCode: 2, stdout: expect.stringContaining("no task") });
  expect(await audit.run("stop", "TX")).toMatchObject({
    exitCode: 0,
    stdout: expect.stringContaining("being stopped"),
  });
  const { tasks } = await until(audit, "investigate:TX", "cancelled");
  expect(tasks.find(({ node }) => node === "investigate:TX")?.failure).toMatchObject({ code: "stopped" });
  expect(isAlive(pid)).toBe(false);
  expect(tasks.find(({ node }) => node === "investigate:VA")?.state).toBe("running");
  expect(await audit.run("retry", "VA")).toMatchObject({ exitCode: 2, stdout: expect.stringContaining("not ended") });
  expect(await audit.run("retry", "TX")).toMatchObject({ exitCode: 0, stdout: expect.stringContaining("once more") });
  for (const task of ["VA", "TX"]) await go(audit, task);
  expect((await run.ended).exitCode).toBe(0);
  expect((await asked(audit)).filter((line) => line.startsWith("TX:"))).toHaveLength(2);
  const events = await audit.events();
  expect(investigations(events)).toEqual({ "investigate:VA": "executed", "investigate:TX": "executed" });
  expect(events.flatMap((event) => (event.type === "request" ? [[event.kind, event.taken]] : []))).toEqual([
    ["stop", false],
    ["stop", true],
    ["retry", false],
    ["retry", true],
  ]);
  expect((await audit.run("timeline")).stdout.match(/investigate:TX/g)).toHaveLength(2);
});

test("a run whose task stays stopped ends as incomplete and says so in its report; retry runs the rest", async () => {
  const audit = await gatedAudit();
  const run = startIn(audit);
  await run.says("investigate:TX started");
  expect(await audit.run("stop", "investigate:TX", "--json")).toMatchObject({ exitCode: 0 });
  await until(audit, "investigate:TX", "cancelled");
  await go(audit, "VA");
  expect((await run.ended).exitCode).toBe(3);
  expect(await audit.read(".audit/full-report.md")).toContain("it was stopped by");
  await go(audit, "TX");
  expect(await audit.run("retry")).toMatchObject({ exitCode: 0 });
  expect((await asked(audit)).filter((line) => line.startsWith("VA:"))).toHaveLength(1);
});

test("what has failed runs again while the run is on, and the run ends complete", async () => {
  const audit = await gatedAudit();
  await audit.write("fail-TX", "");
  const run = startIn(audit);
  await run.says("investigate:TX failed");
  await run.says("investigate:VA started");
  await rm(join(audit.folder, "fail-TX"));
  await go(audit, "TX");
  expect(await audit.run("retry")).toMatchObject({ exitCode: 0, stdout: expect.stringContaining("investigate:TX") });
  await until(audit, "investigate:TX", "executed");
  await go(audit, "VA");
  expect((await run.ended).exitCode).toBe(0);
  expect(await audit.read(".audit/full-report.md")).not.toContain("Incomplete");
  const [id = ""] = await readdir(join(audit.folder, ".audit/runs"));
  expect((await readdir(join(audit.folder, ".audit/runs", id, "tasks"))).sort()).toEqual(["TX", "TX.1", "VA"]);
});

test("the whole run is stopped in order, and a second stop has nothing to do", async () => {
  const audit = await gatedAudit();
  const run = startIn(audit);
  await run.says("investigate:VA started");
  await run.says("investigate:TX started");
  await go(audit, "TX");
  await until(audit, "investigate:TX", "executed");
  expect(await audit.run("stop")).toMatchObject({ exitCode: 0, stdout: expect.stringContaining("stopping") });
  expect((await run.ended).exitCode).toBe(130);
  expect(await status(audit)).toMatchObject({ state: "ended", exitCode: 130, totals: { executed: 1, cancelled: 1 } });
  expect(await audit.run("stop")).toMatchObject({ exitCode: 0, stdout: expect.stringContaining("nothing to stop") });
  await go(audit, "VA");
  expect(await audit.run()).toMatchObject({ exitCode: 0 });
  expect((await asked(audit)).filter((line) => line.startsWith("TX:"))).toHaveLength(1);
});

test("an accepted failure is in the report of the run that is on, and no agent is asked about it any more", async () => {
  const audit = await gatedAudit({ concurrency: { warehouse: 1 } });
  const written =
    "# Mine.\nversion: 1\nexceptions:\n  - {test: other, group: VA, reason: r, owner: o, expires: never} # kept\n";
  await audit.write("audit.exceptions.yaml", written);
  const run = startIn(audit);
  await run.says("investigate:VA started");
  const end = await audit.run("accept", "vendor_missing@TX", ...acceptTX);
  expect(end, end.stderr).toMatchObject({ exitCode: 0, stdout: expect.stringContaining("accepted from now on") });
  expect(end.stdout).toContain("audit.exceptions.yaml:5: vendor_missing in TX is accepted until 2035-12-31.");
  const file = await audit.read("audit.exceptions.yaml");
  expect(file.startsWith(written)).toBe(true);
  await go(audit, "VA");
  expect((await run.ended).exitCode).toBe(0);
  expect((await asked(audit)).filter((line) => line.startsWith("TX:"))).toEqual([]);
  expect(await audit.read(".audit/full-report.md")).toContain("Texas sends no vendor.");
  expect(await audit.run()).toMatchObject({ exitCode: 0 });
  expect(await audit.read("audit.exceptions.yaml")).toBe(file);
});

test("a task is accepted with all its cases; what is not there, not valid or there already is refused, and nothing is written", async () => {
  const audit = await gatedAudit();
  const accept = (...args: string[]) => audit.run("accept", ...args);
  expect(await accept("vendor_missing@TX", ...acceptTX)).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining("no run has come as far"),
  });
  for (const task of ["VA", "TX"]) await go(audit, task);
  expect(await audit.run()).toMatchObject({ exitCode: 0 });
  const options = (expires: string) => ["--reason", "r", "--owner", "o", "--expires", expires];
  for (const [args, said] of [
    [["vendor_mising@TX", ...acceptTX], "Did you mean vendor_missing@TX?"],
    [["vendor_missing@TX", ...options("2035-02-30")], "must be a day"],
    [["vendor_missing@TX", ...options("tomorrow")], "must be a day"],
    [["vendor_missing@TX", ...options("2001-01-01")], "that day is over"],
    [["vendor_missing@TX", "--reason", " ", "--owner", "o", "--expires", "never"], "must not be blank"],
    [["vendor_missing@TX", "--reason", "r"], "required option"],
  ] as const) {
    expect(await accept(...args), said).toMatchObject({ exitCode: 2, stderr: expect.stringContaining(said) });
  }
  expect(await readdir(audit.folder)).not.toContain("audit.exceptions.yaml");
  expect(await accept("VA", ...acceptTX, "--ticket", "AUD-7")).toMatchObject({
    exitCode: 0,
    stdout: expect.stringContaining("The next run takes it in."),
  });
  const file = await audit.read("audit.exceptions.yaml");
  expect(file.match(/group: VA/g)).toHaveLength(2);
  expect(await accept("total_wrong@VA", ...acceptTX)).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining("accepted already: audit.exceptions.yaml:"),
  });
  await audit.write("audit.exceptions.yaml", `${file}  - nonsense\n`);
  expect(await accept("vendor_missing@TX", ...acceptTX)).toMatchObject({ exitCode: 2 });
  expect(await audit.read("audit.exceptions.yaml")).toBe(`${file}  - nonsense\n`);
});

test("several who accept at once lose nothing", async () => {
  const audit = await gatedAudit();
  for (const task of ["VA", "TX"]) await go(audit, task);
  expect(await audit.run()).toMatchObject({ exitCode: 0 });
  const ids = ["total_wrong@VA", "vendor_missing@VA", "vendor_missing@TX"];
  const ends = await Promise.all(ids.map((id) => audit.run("accept", id, ...acceptTX)));
  expect(ends.map(({ exitCode }) => exitCode)).toEqual([0, 0, 0]);
  expect((await audit.read("audit.exceptions.yaml")).match(/test:/g)).toHaveLength(3);
});

test("a request for a run that was killed is nobody's: the next run does not stop", async () => {
  const audit = await gatedAudit();
  const run = startIn(audit);
  await run.says("investigate:VA started");
  run.kill("SIGKILL");
  await run.ended;
  expect(await status(audit)).toMatchObject({ state: "killed" });
  expect(await audit.run("stop")).toMatchObject({ exitCode: 0, stdout: expect.stringContaining("nothing to stop") });
  const [dead = ""] = await readdir(join(audit.folder, ".audit/runs"));
  const request = join(audit.folder, ".audit/runs", dead, "requests", "1770120000000-0123456789abcdef.request.json");
  await writeFile(request, '{"version":1,"kind":"stop","node":null}');
  for (const task of ["VA", "TX"]) await go(audit, task);
  expect(await audit.run()).toMatchObject({ exitCode: 0 });
});

test("who wants no answer waits for none, and the request is taken all the same", async () => {
  const audit = await gatedAudit();
  const run = startIn(audit);
  await run.says("investigate:VA started");
  expect(await audit.run("stop", "--no-wait")).toMatchObject({ exitCode: 0, stdout: expect.stringContaining("asked") });
  expect((await run.ended).exitCode).toBe(130);
});
