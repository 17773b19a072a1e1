// Limits of an agent that costs money, with the built program and a stand-in for claude that does as a file says: what a run
// may spend, what becomes of tasks that the model's service refuses, and of a login that is none.
import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { type AuditFolder, investigations, smallAudit } from "../rig/small-audit.js";
import { openTerminal, type TmuxTerminal } from "../rig/tmux-terminal.js";

let audit: AuditFolder;
let terminal: TmuxTerminal | undefined;
afterEach(async () => {
  await terminal?.close();
  terminal = undefined;
  await audit?.remove();
});

const states = ["AL", "FL", "TX", "VA"];

/** `body` has `ids` (cases), `calls` (how often it was asked by now, itself included), `refuse(status)`, `answer(cost)`. */
async function standIn(body: string, more: Record<string, unknown> = {}): Promise<void> {
  audit = await smallAudit({ unique_id: states.map((state, index) => [state, index + 1] as const) });
  const program = join(audit.folder, "claude.mjs");
  await writeFile(program, `#!${process.execPath}\n${prelude(audit.folder)}\n${body}\n`);
  await chmod(program, 0o755);
  const agent = { use: "claude", program, attempts: 1 };
  await audit.configure({ agent, slots: { provider: "none", count: 1 }, budget: 100, ...more });
}

const prelude = (folder: string): string => `
import { appendFileSync, readFileSync } from "node:fs";
const args = process.argv.slice(2);
const print = (value) => process.stdout.write(JSON.stringify(value) + "\\n");
if (args[0] === "--version") { process.stdout.write("2.1.330 (Claude Code)\\n"); process.exit(0); }
if (args[0] === "auth") { print({ loggedIn: true }); process.exit(0); }
const prompt = readFileSync(0, "utf8");
const cases = prompt.split("\\n").filter((line) => line.startsWith('{"test":') && line.includes('"failures":')).map((line) => JSON.parse(line));
const ids = cases.map(({ group }) => group);
const file = ${JSON.stringify(join(folder, "calls.txt"))};
const flag = (name) => args[args.indexOf(name) + 1];
appendFileSync(file, ids.join(" ") + " " + (args.includes("--max-budget-usd") ? flag("--max-budget-usd") : "") + "\\n");
const calls = readFileSync(file, "utf8").trim().split("\\n").length;
const { url, headers: given } = JSON.parse(flag("--mcp-config")).mcpServers.audit;
const Authorization = given.Authorization.replace(/\\$\\{(\\w+)\\}/, (_, name) => process.env[name]);
const accept = "application/json, text/event-stream";
const headers = { Authorization, "Content-Type": "application/json", accept };
const params = { protocolVersion: "2025-06-18", capabilities: {}, clientInfo: { name: "stand-in", version: "1" } };
await fetch(url, { method: "POST", headers, body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "initialize", params }) }).then((reply) => reply.text());
print({ type: "system", subtype: "init", session_id: "s-1", model: "m", mcp_servers: [{ name: "audit", status: "connected" }] });
const result = (more) => print({ type: "result", subtype: "success", is_error: false, num_turns: 1, ...more });
const refuse = (status) => { result({ is_error: true, api_error_status: status, result: "refused with " + status }); process.exitCode = 1; };
const answer = (cost, which = cases) => result({
  total_cost_usd: cost,
  modelUsage: { m: { inputTokens: 1000, outputTokens: 200 } },
  structured_output: { findings: which.map(({ test, group, failures }) => ({
    test, group, failures, classification: "needs_fix", confidence: "high",
    root_cause: "The join of bids loses the vendor of these rows.", recommendation: "Join by vendor_id.",
    evidence: [{ title: "rows", sql: 'select count(*) as n from "small"."failures"."' + test + '" where vendor is null' }],
  })) },
});`;

const asked = async (): Promise<readonly string[]> => {
  const text = await audit.read("calls.txt").catch(() => "");
  return text.split("\n").filter((line) => line !== "");
};

test("without a budget nothing starts where nobody can be asked, and the line to add is told", async () => {
  await standIn("answer(1);", { budget: undefined });
  const refused = await audit.run();
  expect([refused.exitCode, await asked()]).toEqual([4, []]);
  expect(refused.stderr).toContain("claude costs money, and audit.config.yaml sets no `budget` for the run");
  expect(refused.stderr).toContain("budget: { audit: 20, task: 2 }");
});

test("a budget that is used up ends the run as incomplete, and the next one, with a budget of its own, does the rest", async () => {
  await standIn("answer(4);", { budget: { audit: 7, task: 5 } });
  const first = await audit.run("--json");
  const told = JSON.parse(first.stdout);
  expect([first.exitCode, told.spent]).toMatchObject([
    3,
    { cost: 8, input: 2_000, output: 400, turns: 2, unpriced: 0 },
  ]);
  expect(Object.values(investigations(await audit.events())).sort()).toEqual([
    "cancelled",
    "cancelled",
    "executed",
    "executed",
  ]);
  // The second had 3 of 7 left, and overdrew it by its last turn.
  expect((await asked()).map((line) => line.split(" ")[1])).toEqual(["5", "3"]);
  const report = await audit.read(".audit/full-report.md");
  expect(report).toContain("$8.00 spent (2,400 tokens)");
  expect(report).toContain("the run's budget of $7.00 is used up");
  expect(first.stderr.match(/the run's budget/g)).toHaveLength(1);

  const second = await audit.run();
  expect(second.exitCode).toBe(0);
  expect(second.stdout).toContain("Agents: $8.00 spent (2,400 tokens)");
  expect(new Set((await asked()).map((line) => line.split(" ")[0]))).toEqual(new Set(states));
  expect(await asked()).toHaveLength(4);
});

test("what was spent for nothing counts, too; a task that used up its own is asked no more, and others go on", async () => {
  await standIn('if (ids.includes("VA")) answer(2, []); else answer(0.5);', { budget: { audit: 50, task: 1 } });
  const end = await audit.run("--json");
  expect([end.exitCode, JSON.parse(end.stdout).spent.cost]).toEqual([3, 3.5]);
  expect(investigations(await audit.events())).toMatchObject({
    "investigate:VA": "failed",
    "investigate:TX": "executed",
  });
  expect((await asked()).filter((line) => line.startsWith("VA"))).toHaveLength(1);
});

test("a service that refuses for good is given up when patience is used up: one failure, and the reason for the others", async () => {
  await standIn("refuse(529);", { timeouts: { refused: "1s" }, slots: { provider: "none", count: 2 } });
  const end = await audit.run();
  expect(end.exitCode).toBe(3);
  const outcomes = Object.values(investigations(await audit.events())).sort();
  expect([outcomes.filter((outcome) => outcome === "failed").length, outcomes.length]).toEqual([1, 4]);
  expect(end.stdout).toMatch(/investigate:\w+ and 2 more cancelled: the service of claude refuses/);
  expect((await audit.events()).some((event) => event.type === "pace" && event.places === 1)).toBe(true);
});

test("a task that is refused for a moment waits, and is finished", async () => {
  await standIn("if (calls === 1) refuse(429); else answer(1);", { timeouts: { refused: "1s" } });
  const end = await audit.run();
  expect([end.exitCode, end.stderr]).toEqual([0, expect.any(String)]);
  expect(
    (await audit.events()).find((event) => event.type === "progress" && event.message.includes("429")),
  ).toBeDefined();
  expect(await asked()).toHaveLength(5);
});

test("where the login is none one task says so, and nothing else starts", async () => {
  await standIn("refuse(401);");
  const end = await audit.run();
  expect([end.exitCode, (await asked()).length]).toEqual([3, 1]);
  const outcomes = Object.values(investigations(await audit.events())).sort();
  expect(outcomes).toEqual(["cancelled", "cancelled", "cancelled", "failed"]);
  expect(end.stdout).toContain("Log in with `claude auth login`");
  expect(end.stdout).toMatch(/investigate:\w+ and 2 more cancelled: claude: refused with 401/);
});

test("at a terminal a person says what a run may spend, and nothing starts before", async () => {
  await standIn("answer(1);", { budget: undefined });
  terminal = await openTerminal(audit.folder);
  await terminal.audits("--progress silent");
  await terminal.shows("How many US dollars may this run spend?");
  await terminal.press("Enter");
  await terminal.shows("nothing was started");
  expect(await asked()).toEqual([]);
  await terminal.clear();
  await terminal.audits("--progress silent");
  await terminal.shows("How many US dollars may this run spend?");
  await terminal.press("2", "Enter");
  await terminal.shows("the run's budget of $2.00 is used up");
  expect(await asked()).toHaveLength(2);
});
