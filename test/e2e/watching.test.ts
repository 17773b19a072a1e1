// Agents at work, watched from another terminal while the built program audits with `runner: tmux`, after it, and after a
// kill. The tmux is the real one; agents wait for files.
import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterEach, expect, test } from "vitest";
import type { Status } from "../../src/audit/status.js";
import { auditArguments, document } from "../docs/documents.js";
import { type AuditFolder, agentProgram, auditFolder, type Running, setFailures } from "../rig/small-audit.js";
import { openTerminal, type TmuxTerminal } from "../rig/tmux-terminal.js";

const groups = ["FL", "GA", "LA", "NC", "OH", "TN", "TX", "VA"] as const;
const opened: AuditFolder[] = [];
const terminals: TmuxTerminal[] = [];
const started: Running[] = [];
afterEach(async () => {
  for (const run of started.splice(0)) {
    run.kill("SIGKILL");
    await run.ended;
  }
  for (const terminal of terminals.splice(0)) await terminal.close();
  for (const audit of opened.splice(0)) {
    // Ends what a killed run has left: its agents, and its tmux server.
    await audit.run("clean");
    await audit.remove();
  }
});

/** Each agent says what it looks at, with what should not be told, and waits for the file `go-<task>`. */
const body = `
const at = (name) => ${"new URL(name, import.meta.url)"};
console.error("looks at the vendors of " + task + "\\u001b[2J, password=hunter22");
await new Promise((resolve) => {
  const look = setInterval(() => {
    if (!existsSync(at("go-" + task)) && !existsSync(at("go-all"))) return;
    clearInterval(look);
    resolve();
  }, 20);
});
console.error("has seen the vendors of " + task);
answer(cases);`;

async function gatedAudit(
  states: readonly string[],
  runner: string,
  env: Record<string, string> = {},
): Promise<AuditFolder> {
  const audit = await auditFolder(env);
  opened.push(audit);
  await setFailures(audit, { vendor_missing: states.map((group) => [group, 1] as const) });
  await audit.configure({ agent: { ...(await agentProgram(audit, body)), runner }, slots: { count: 3 } });
  return audit;
}

function start(audit: AuditFolder): Running {
  const run = audit.start("--progress", "plain");
  started.push(run);
  return run;
}

async function terminalIn(audit: AuditFolder): Promise<TmuxTerminal> {
  const terminal = await openTerminal(audit.folder);
  terminals.push(terminal);
  return terminal;
}

/** Asks for the status until so many tasks stand so, and each that runs has been heard of. */
async function until(audit: AuditFolder, state: "running" | "executed", count: number): Promise<Status> {
  for (;;) {
    const { stdout } = await audit.run("status", "--json");
    const status = JSON.parse(stdout) as Status;
    const running = status.tasks.filter((row) => row.state === "running");
    if (status.totals[state] === count && running.every(({ message }) => message?.includes("looks at"))) return status;
    if (status.state !== "running" && status.state !== "none") throw new Error(`the run ended: ${stdout}`);
    await pause(50);
  }
}

interface Recorded {
  readonly name: string;
  readonly socket: string;
}

async function tmuxServer(audit: AuditFolder): Promise<Recorded> {
  const { name } = JSON.parse(await audit.read(".audit/tmux.json")) as { readonly name: string };
  return { name, socket: join(process.env.TMUX_TMPDIR ?? "/tmp", `tmux-${process.getuid?.()}`, name) };
}

const words = async (audit: AuditFolder): Promise<readonly string[]> => {
  const names = (await readdir(join(audit.folder, ".audit"))).filter((name) => name.endsWith("-status.txt")).sort();
  return Promise.all(names.map(async (name) => `${name}: ${(await audit.read(`.audit/${name}`)).trim()}`));
};

test("of eight tasks in three slots, another terminal sees what each agent does, while it works and after it", async () => {
  const audit = await gatedAudit(groups, "tmux");
  const run = start(audit);
  const terminal = await terminalIn(audit);
  const status = await until(audit, "running", 3);
  const server = await tmuxServer(audit);
  const running = status.tasks.filter(({ state }) => state === "running");
  expect(status.totals).toMatchObject({ running: 3, waiting: 5 });
  expect(running.map(({ slot }) => slot).sort()).toEqual([1, 2, 3]);
  for (const row of running) {
    expect(row).toMatchObject({ agent: "command", isolation: "checkout", session: row.owner });
  }
  const [first = "", second = ""] = running.map(({ node }) => node.slice("investigate:".length));
  const agent = `agent-${first.toLowerCase()}`;

  await terminal.audits("status");
  await terminal.shows(
    "8 tasks, 5 waiting, 3 running",
    new RegExp(`investigate:${first} +running +${agent} +slot \\d +checkout`),
  );
  await terminal.clear();
  await terminal.audits(`logs ${second} -f`);
  await terminal.shows("command is at work in slot", `looks at the vendors of ${second}`);
  await audit.write(`go-${second}`, "");
  await terminal.shows(`finding: vendor_missing@${second} is needs_fix`, /executed in/, /ready> *\n*$/);
  await terminal.clear();

  await terminal.audits(`attach ${first}`);
  // The pane, and the line below it; the agent's own escape sequences do nothing.
  await terminal.shows(`looks at the vendors of ${first}`, `${agent}  (to leave`);
  // Keys reach nobody.
  await terminal.press("C-c");
  await audit.write(`go-${first}`, "");
  // The last screen stays.
  await terminal.shows(`has seen the vendors of ${first}`, "executed in");
  await terminal.press("C-b", "d");
  await terminal.shows(/runs\/.*\/agent\.log/, /ready> *\n*$/);
  await terminal.clear();
  await until(audit, "running", 3);
  expect(await words(audit)).toEqual(expect.arrayContaining([`${agent}-status.txt: DONE`]));
  expect((await words(audit)).filter((line) => line.endsWith(": RUNNING"))).toHaveLength(3);

  await terminal.audits("status --watch");
  await terminal.shows("3 running");
  await audit.write("go-all", "");
  await terminal.shows("8 tasks, 8 executed", "ended with exit code 0", /ready> *\n*$/);
  expect((await run.ended).exitCode).toBe(0);
  expect(existsSync(server.socket)).toBe(false);
  expect(existsSync(join(audit.folder, ".audit/tmux.json"))).toBe(false);
  // In the report as well.
  expect(await audit.read(`.audit/results/${first}.md`)).toContain("Investigated by command (isolation: checkout).");
  expect(await words(audit)).toEqual(groups.map((group) => `agent-${group.toLowerCase()}-status.txt: DONE`));
  await terminal.clear();
  await terminal.audits(`attach ${first}`);
  const after = await terminal.shows(/runs\/\S+agent\.log/, /ready> *\n*$/);
  const log = /^\/\S+agent\.log/m.exec(after)?.[0] ?? "";
  expect(await readFile(log, "utf8")).toContain(`has seen the vendors of ${first}`);
  expect((await audit.run("logs", second)).stdout).toContain(`has seen the vendors of ${second}`);
});

test("a killed run's sessions say that it is over, logs still tell, and the next run ends its tmux server by its name", async () => {
  const audit = await gatedAudit(["FL", "GA"], "tmux");
  const bystander = await terminalIn(audit);
  const run = start(audit);
  await until(audit, "running", 2);
  const server = await tmuxServer(audit);
  run.kill("SIGKILL");
  await run.ended;
  await bystander.audits("logs FL -f");
  await bystander.shows("looks at the vendors of FL", "The run has ended before the task had.", /ready> *\n*$/);
  await bystander.clear();
  await bystander.audits("attach FL");
  await bystander.shows("The run has ended before the task had.", "Pane is dead");
  expect((await audit.run("status")).stdout).toMatch(/investigate:FL +killed +agent-fl +slot \d +checkout/);
  await audit.write("go-all", "");
  const next = await audit.run("--progress", "plain");
  expect(next, next.stderr).toMatchObject({ exitCode: 0 });
  expect(next.stderr).toContain(`the tmux server ${server.name}`);
  expect(existsSync(server.socket)).toBe(false);
  // Whoever was attached is back in the shell; the other servers of this machine are as they were.
  await bystander.shows("[server exited", /ready> *\n*$/);
  expect(await words(audit)).toEqual(["agent-fl-status.txt: DONE", "agent-ga-status.txt: DONE"]);
});

test("a task that fails or is stopped says why in its status file; tasks that are no more have none", async () => {
  const audit = await gatedAudit(["FL", "GA"], "process");
  await audit.write("go-FL", "");
  const run = start(audit);
  await until(audit, "executed", 1);
  expect(await words(audit)).toEqual(["agent-fl-status.txt: DONE", "agent-ga-status.txt: RUNNING"]);
  expect((await audit.run("stop", "GA")).exitCode).toBe(0);
  expect((await run.ended).exitCode).toBe(3);
  expect(await words(audit)).toEqual([
    "agent-fl-status.txt: DONE",
    "agent-ga-status.txt: FAILED: it was stopped by `audit-run stop`",
  ]);
  await audit.write("go-all", "");
  expect((await audit.run("--strategy", "per-test")).exitCode).toBe(0);
  expect(await words(audit)).toEqual(["agent-vendor_missing-status.txt: DONE"]);
  expect((await audit.run("clean", "--all")).exitCode).toBe(0);
  expect(existsSync(join(audit.folder, ".audit"))).toBe(false);
});

test("with the runner process, attach says where the log is and logs follows it all the same", async () => {
  const audit = await gatedAudit(["FL"], "process");
  await audit.write("go-all", "");
  expect((await start(audit).ended).exitCode).toBe(0);
  const attached = await audit.run("attach", "FL", "--json");
  expect(JSON.parse(attached.stdout)).toMatchObject({ task: "FL", session: null });
  expect(await audit.run("attach", "investigate:FL")).toMatchObject({ exitCode: 0, stdout: /agent\.log\n$/ });
  const logs = await audit.run("logs", "FL", "-f", "--json");
  const types = logs.stdout
    .trim()
    .split("\n")
    .map((line) => (JSON.parse(line) as { type: string }).type);
  expect(types).toEqual(expect.arrayContaining(["started", "at-work", "agent", "finding", "settled"]));
  expect(logs.stdout).toContain("[redacted]");
  expect(logs.stdout).not.toContain("hunter22");
  const unknown = await audit.run("logs", "FLA");
  expect(unknown).toMatchObject({ exitCode: 2, stderr: expect.stringContaining("Did you mean investigate:FL?") });
  expect(await audit.run("attach", "XX")).toMatchObject({ exitCode: 2 });
});

test("the commands of the guide work after a run as well", async () => {
  const audit = await gatedAudit(["VA"], "tmux");
  await audit.write("go-all", "");
  expect((await start(audit).ended).exitCode).toBe(0);
  const shown = auditArguments(document("docs/guides/watching.md")).filter((argv) => argv.length > 1);
  expect(shown.length).toBeGreaterThan(5);
  for (const argv of shown) {
    const { exitCode, stdout, stderr } = await audit.run(...argv);
    expect({ argv, exitCode, stderr }).toMatchObject({ exitCode: 0 });
    expect(stdout).not.toBe("");
  }
});

test("where tmux is missing, nothing is started, and the message says what to do", async () => {
  const audit = await gatedAudit(["FL"], "tmux", { PATH: "/nowhere" });
  const { exitCode, stderr } = await audit.run("--progress", "plain");
  expect(exitCode).toBe(4);
  expect(stderr).toContain("needs tmux, which is not on the PATH");
  expect(stderr).toContain("agent.runner: process");
});
