// The tools through the built program: an agent that hands in by them, runs that are killed after a tool's answer, and a
// person's own agent on stdin and stdout.
import { readdir, readFile, symlink } from "node:fs/promises";
import { join } from "node:path";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { afterEach, expect, test } from "vitest";
import { codeBlocks, document } from "../docs/documents.js";
import { preparedAudit } from "../rig/prepared.js";
import { caseIds, failures, finishedCases } from "../rig/recovery.js";
import { type AuditFolder, auditFolder, calls, root, setFailures } from "../rig/small-audit.js";
import { call, value } from "../rig/tools.js";

let audit: AuditFolder;
afterEach(() => audit.remove());

const [shown] = codeBlocks(document("docs/tools.md"), "js");

/** An audit whose agent is this program, which finds the SDK where a user would have installed it. */
async function auditWith(program: string, more: Record<string, unknown> = {}): Promise<void> {
  audit = await auditFolder({ WAREHOUSE_PASSWORD: canary });
  await symlink(join(root, "node_modules"), join(audit.folder, "node_modules"));
  await setFailures(audit, failures);
  await audit.write("agent.mjs", program);
  await audit.configure({ agent: { use: "command", command: [process.execPath, "./agent.mjs"] }, ...more });
}

/** The same, with its failures exported, and nothing investigated. */
async function exportedWith(program: string): Promise<void> {
  const made = async (): Promise<AuditFolder> => {
    await auditWith("");
    expect((await audit.run("run", "export")).exitCode).toBe(0);
    return audit;
  };
  audit = await preparedAudit("tools-exported", made, { WAREHOUSE_PASSWORD: canary });
  await audit.write("agent.mjs", program);
}

const canary = "canary-of-the-warehouse";

interface Report {
  readonly status: string;
  readonly finding: { readonly evidence: readonly { readonly sql: string }[]; readonly provenance: { agent: string } };
}

async function reports(): Promise<readonly Report[]> {
  const { cases } = JSON.parse(await audit.read(".audit/findings.json"));
  return cases.map(({ report }: { readonly report: Report }) => report);
}

/** Text of every file in the audit folder, by its path. */
async function everyFile(): Promise<ReadonlyMap<string, string>> {
  const entries = await readdir(join(audit.folder, ".audit"), { recursive: true, withFileTypes: true });
  const paths = entries.filter((each) => each.isFile()).map(({ parentPath, name }) => join(parentPath, name));
  return new Map(await Promise.all(paths.map(async (path) => [path, await readFile(path, "utf8")] as const)));
}

test("docs/tools.md's program answers every case and prints nothing", async () => {
  await auditWith(shown?.code ?? "");
  const ended = await audit.run();
  expect(ended.exitCode, ended.stderr).toBe(0);
  expect((await reports()).map(({ status }) => status)).toEqual(["found", "found", "found"]);
  const [run = ""] = await readdir(join(audit.folder, ".audit/runs"));
  const lines = (await audit.read(`.audit/runs/${run}/tasks/VA/queries.jsonl`)).trim().split("\n");
  expect(lines.map((line) => JSON.parse(line))).toEqual([
    expect.objectContaining({ query_id: "q1", tool: "get_failing_rows", rows: 5, digest: expect.any(String) }),
    expect.objectContaining({ query_id: "q2", tool: "get_failing_rows", rows: 3 }),
  ]);
  const second = await audit.run();
  expect(second.exitCode, second.stderr).toBe(0);
});

/** The documented program, which notes what it was given and does `then` after each finding that was accepted. */
const noting = (then: string): string =>
  `import { appendFileSync } from "node:fs";
${(shown?.code ?? "").replace("\n}\nawait client.close", `\n  ${then}\n}\nawait client.close`)}`;

test("a run killed right after a tool's answer has lost nothing, however often", async () => {
  // The agent kills the run itself, as soon as it has been told that its finding is kept.
  await auditWith(
    noting(
      'appendFileSync(process.argv[2], test + "@" + group + "\\n"); process.kill(process.ppid, "SIGKILL"); break;',
    ),
  );
  const file = join(audit.folder, "calls.txt");
  await audit.configure({ agent: { use: "command", command: [process.execPath, "./agent.mjs", file] } });
  for (let kill = 1; kill <= caseIds.length; kill += 1) {
    const ended = await audit.run("run", "collect", "--progress", "silent");
    expect(ended.exitCode).toBe(null);
    const finished = await finishedCases(audit);
    // The other agent may have had its finding kept, and not heard of it any more.
    expect(finished).toEqual(expect.arrayContaining([...(await calls(audit))]));
    expect(finished.length).toBeGreaterThanOrEqual(kill);
    if (finished.length === caseIds.length) break;
  }
  // Nothing is left to ask: no agent is started.
  const last = await audit.run();
  expect(last.exitCode, last.stderr).toBe(0);
  const told = await calls(audit);
  expect(new Set(told).size).toBe(told.length);
  expect((await reports()).map(({ status }) => status)).toEqual(["found", "found", "found"]);
});

test("an agent that dies at its last case has lost one, and neither its token nor a password is in any file", async () => {
  const token = 'process.stderr.write("token " + AUDIT_MCP_TOKEN + " " + JSON.stringify(process.env) + "\\n");';
  await auditWith(noting(`${token} if (group === "VA") process.exit(7);`));
  const ended = await audit.run();
  expect(ended.exitCode, ended.stderr).toBe(3);
  expect(await finishedCases(audit)).toEqual(["total_wrong@VA", "vendor_missing@TX"]);
  const files = await everyFile();
  const logs = [...files].filter(([path]) => path.endsWith("agent.log"));
  expect(logs.length).toBe(2);
  for (const [, text] of logs) expect(text).toMatch(/^token \[redacted\] \{.*"AUDIT_MCP_TOKEN":"\[redacted\]"/);
  for (const [path, text] of files) expect([path, text.includes(canary)]).toEqual([path, false]);
  // The rest, with the same program: it dies after the one that it has handed in.
  expect((await audit.run("retry")).exitCode).toBe(0);
});

/** The built program's `mcp`, with the SDK's own client at its other end. */
async function ownAgent(...args: string[]) {
  const { PATH = "", HOME = "" } = process.env;
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [join(root, "dist/cli.js"), "mcp", ...args],
    cwd: audit.folder,
    env: { PATH, HOME, WAREHOUSE_PASSWORD: canary },
    stderr: "pipe",
  });
  let stderr = "";
  transport.stderr?.on("data", (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const client = new Client({ name: "person", version: "1" });
  await client.connect(transport);
  return { client, stderr: () => stderr };
}

const finding = (test: string, group: string, query_id: string) => ({
  ...{ test, group, classification: "needs_fix", confidence: "high" },
  root_cause: "The join of bids loses the vendor of these rows.",
  recommendation: "Join by vendor_id.",
  evidence: [{ title: "rows without a vendor", query_id }],
});

test("a person's own agent has the same tools; what it hands in is in the next report, and asked of nobody again", async () => {
  await exportedWith("process.exit(1)");
  const { client, stderr } = await ownAgent();
  const task = await value(client, "get_task");
  expect([task.task, task.open]).toEqual([null, 3]);
  expect((await client.listTools()).tools).toHaveLength(15);
  for (const { test, group } of task.cases) {
    const { query_id } = await value(client, "get_failing_rows", { test, group });
    expect(await value(client, "submit_finding", finding(test, group, query_id))).toMatchObject({ admitted: true });
  }
  await client.close();
  expect(stderr()).toContain("3 cases without a finding");
  const ended = await audit.run();
  expect(ended.exitCode, ended.stderr).toBe(0);
  expect((await reports()).map((report) => report.finding.provenance.agent)).toEqual(["mcp", "mcp", "mcp"]);
});

/** How the tasks stand, for all who share the audit. */
async function standing(): Promise<Readonly<Record<string, string>>> {
  const { stdout } = await audit.run("tasks", "list", "--json");
  const { tasks } = JSON.parse(stdout) as { tasks: { task: string; status: string; owner: string | null }[] };
  return Object.fromEntries(tasks.map(({ task, status, owner }) => [task, `${status} ${owner ?? ""}`.trim()]));
}

test("it has its task alone as long as it is open, also beside a run, which takes up what it hands in", async () => {
  // The agent of the run notes its task, and waits until it is ended.
  await auditWith(
    'import { appendFileSync } from "node:fs"; appendFileSync(process.argv[2], process.env.AUDIT_TASK + "\\n"); process.stdin.resume(); setInterval(() => {}, 1000);',
  );
  const file = join(audit.folder, "calls.txt");
  await audit.configure({ agent: { use: "command", command: [process.execPath, "./agent.mjs", file] } });
  expect((await audit.run("run", "export")).exitCode).toBe(0);
  const { client, stderr } = await ownAgent("--task", "VA");
  const task = await value(client, "get_task");
  expect([task.task, task.open]).toEqual(["VA", 2]);
  expect(await standing()).toEqual({ TX: "pending", VA: "in_progress mcp" });
  expect(await audit.run("mcp", "--task", "VA")).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining("VA is not free: mcp works on it until "),
  });
  const { query_id } = await value(client, "run_sql", { sql: "select 1" });

  const run = audit.start("--progress", "plain");
  await run.says("investigate:TX");
  const wrong = { ...finding("total_wrong", "VA", query_id), failures: 7 };
  expect(await call(client, "submit_finding", wrong)).toMatchObject({
    isError: true,
    text: expect.stringMatching(/^The finding was not accepted:\n1\. .*7/),
  });
  expect(await value(client, "submit_finding", finding("total_wrong", "VA", query_id))).toMatchObject({
    admitted: true,
    cases_left: 1,
  });
  await expect.poll(() => calls(audit), { timeout: 30_000 }).toContain("TX");
  run.kill("SIGTERM");
  expect((await run.ended).exitCode).toBe(143);
  expect(await calls(audit)).toEqual(["TX"]);

  expect(await value(client, "submit_finding", finding("vendor_missing", "VA", query_id))).toMatchObject({
    admitted: true,
    cases_left: 0,
  });
  await client.close();
  expect(stderr()).toContain("2 cases without a finding");
  expect(await finishedCases(audit)).toEqual(["total_wrong@VA", "vendor_missing@VA"]);
  expect((await standing()).VA).toMatch(/^completed/);
});

test("a task that it has not finished is free again when it has gone", async () => {
  await exportedWith("process.exit(1)");
  const { client } = await ownAgent("--task", "VA");
  const { query_id } = await value(client, "run_sql", { sql: "select 1" });
  await value(client, "submit_finding", finding("total_wrong", "VA", query_id));
  expect((await standing()).VA).toBe("in_progress mcp");
  await client.close();
  expect((await standing()).VA).toBe("pending");
});

test("other results of the tests: what it finds for those before is of no use, and refused", async () => {
  await exportedWith("process.exit(1)");
  const { client: all } = await ownAgent();
  const { client: one } = await ownAgent("--task", "VA");
  await setFailures(audit, { total_wrong: [["VA", 9]] });
  expect((await audit.run("run", "export")).exitCode).toBe(0);
  for (const [client, code] of [
    [all, "artifacts-stale"],
    [one, "claim-lost"],
  ] as const) {
    const { query_id } = await value(client, "run_sql", { sql: "select 1" });
    const late = await call(client, "submit_finding", finding("vendor_missing", "VA", query_id));
    expect(late).toMatchObject({ isError: true, text: expect.stringContaining(code) });
    await client.close();
  }
});

test("over all tasks it takes the folder for each finding alone, and is refused while a run is on", async () => {
  await exportedWith("process.stdin.resume(); setInterval(() => {}, 1000);");
  const { client } = await ownAgent();
  const { query_id } = await value(client, "run_sql", { sql: "select 1" });
  const run = audit.start("--progress", "plain");
  await run.says("investigate:");
  const refused = await call(client, "submit_finding", finding("total_wrong", "VA", query_id));
  expect(refused).toMatchObject({ isError: true, text: expect.stringContaining("state-locked") });
  run.kill("SIGTERM");
  expect((await run.ended).exitCode).toBe(143);
  expect(await value(client, "submit_finding", finding("total_wrong", "VA", query_id))).toMatchObject({
    cases_left: 2,
  });
  await client.close();
});

test("agents of one's own share the tasks: each claims one, and what it completes is in the report as its owner's", async () => {
  await exportedWith("process.exit(1)");
  const [{ client: one }, { client: other }] = await Promise.all([ownAgent(), ownAgent()]);
  const listed = await value(one, "list_tasks");
  expect(listed.tasks.map((each: { task: string; status: string }) => [each.task, each.status])).toEqual([
    ["TX", "pending"],
    ["VA", "pending"],
  ]);
  const [first, second] = await Promise.all(
    [one, other].map((client, at) => value(client, "claim_task", { owner: `agent-${at}` })),
  );
  expect([first.task, second.task].sort()).toEqual(["TX", "VA"]);
  expect(await value(one, "next_task")).toEqual({});
  expect(await value(one, "claim_task", { owner: "late", task: "VA" })).toEqual({});
  for (const [client, claimed] of [
    [one, first],
    [other, second],
  ]) {
    const { task, token, cases } = claimed;
    expect(await value(client, "heartbeat_task", { task, token })).toMatchObject({ until: expect.any(String) });
    const findings = [];
    for (const { test, group } of cases) {
      const { query_id } = await value(client, "get_failing_rows", { test, group });
      findings.push(finding(test, group, query_id));
    }
    expect(await call(client, "complete_task", { task, token, findings: [] })).toMatchObject({ isError: true });
    expect(await value(client, "complete_task", { task, token, findings })).toEqual({ task, completed: true });
    expect(await value(client, "get_task")).toMatchObject({ done: cases.length });
    expect(await call(client, "release_task", { task, token })).toMatchObject({
      isError: true,
      text: expect.stringContaining("claim-lost"),
    });
    await client.close();
  }
  const ended = await audit.run();
  expect(ended.exitCode, ended.stderr).toBe(0);
  expect(new Set((await reports()).map((report) => report.finding.provenance.agent))).toEqual(
    new Set(["agent-0", "agent-1"]),
  );
});

test("it says what is missing: an export, or a task of that name", async () => {
  await auditWith("process.exit(1)");
  expect(await audit.run("mcp")).toMatchObject({
    exitCode: 2,
    stdout: "",
    stderr: expect.stringContaining("audit-run run export"),
  });
  expect((await audit.run("run", "export")).exitCode).toBe(0);
  expect(await audit.run("mcp", "--task", "VB")).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining("Did you mean VA?"),
  });
});

test("a client that goes while its finding is checked has it kept, and the program ends", async () => {
  await exportedWith("process.exit(1)");
  // stdin ends at once, behind three messages.
  const messages = [
    {
      method: "initialize",
      params: { protocolVersion: "2025-06-18", capabilities: {}, clientInfo: { name: "x", version: "1" } },
    },
    { method: "tools/call", params: { name: "run_sql", arguments: { sql: "select 1" } } },
    {
      method: "tools/call",
      params: {
        name: "submit_finding",
        arguments: {
          ...finding("total_wrong", "VA", "q1"),
          evidence: [{ sql: "select count(*) from small.main.bids", value: 10 }],
        },
      },
    },
  ];
  const input = messages.map((message, id) => `${JSON.stringify({ jsonrpc: "2.0", id, ...message })}\n`).join("");
  const { spawnSync } = await import("node:child_process");
  const { PATH, HOME } = process.env;
  const ended = spawnSync(process.execPath, [join(root, "dist/cli.js"), "mcp"], {
    cwd: audit.folder,
    env: { PATH, HOME },
    input,
    encoding: "utf8",
  });
  expect(ended.status, ended.stderr).toBe(0);
  // stdout is the protocol's alone.
  for (const line of ended.stdout.trim().split("\n")) expect(JSON.parse(line)).toMatchObject({ jsonrpc: "2.0" });
  expect(ended.stderr).toContain("1 finding handed in");
  expect(await finishedCases(audit)).toEqual(["total_wrong@VA"]);
});
