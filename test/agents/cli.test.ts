// Agents that are command lines, with a stand-in for the program: what is looked at before anything is asked, what reaches
// the program, and which limits we keep for those that do not. The real programs are in test/e2e and test/long.
import { mkdir, mkdtemp, readFile, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { environment } from "../../src/adapters/agents/cli/environment.js";
import { fewPaths, hiddenIn, programFile } from "../../src/adapters/agents/cli/paths.js";
import { isOlder } from "../../src/adapters/agents/cli/probe.js";
import { cliSettings, variants } from "../../src/adapters/agents/cli/settings.js";
import { agents } from "../../src/adapters/agents/index.js";
import type { AgentActivity, AgentAdapter, InvestigationRequest } from "../../src/model/agent.js";
import { caseOf } from "../rig/cases.js";
import { requestFor } from "../rig/request.js";

const fake = join(import.meta.dirname, "../fakes/cli.mjs");
const names = ["claude", "codex", "opencode"] as const;
let folder: string;
beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), "audit cli ")));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function made(name: (typeof names)[number], behaviour: string, settings: Record<string, unknown> = {}) {
  const adapter = agents[name] as AgentAdapter;
  const env = { FAKE_CLI: name, FAKE_BEHAVIOUR: behaviour };
  const options = adapter.settings.parse({ program: fake, attempts: 1, env, ...settings });
  const agent = await adapter.create(options, { baseDir: folder, env: process.env, redact: (text) => text });
  if (!agent.ok) throw new Error(agent.failure.message);
  return agent.value;
}

async function play(
  name: (typeof names)[number],
  behaviour: string,
  settings: Record<string, unknown> = {},
  more: Partial<InvestigationRequest> = {},
) {
  const agent = await made(name, behaviour, settings);
  const activities: AgentActivity[] = [];
  const request = requestFor(["not_null_bids_vendor@VA"], {
    checkouts: { dbt: folder },
    evidenceDir: folder,
    logDir: await mkdtemp(join(folder, "log-")),
    onActivity: (activity) => activities.push(activity),
    ...more,
  });
  const result = await agent.investigate(request);
  const failure = result.ok ? { code: "ok", message: "", hint: "" } : { hint: "", ...result.failure };
  return { ...failure, activities };
}

describe.concurrent.each(names)("%s, before anything is asked", (name) => {
  it("is told to be installed where it is not there", async () => {
    const played = await play(name, "answers", { program: "/no/such/program" });
    expect([played.code, played.hint]).toEqual(["agent-not-found", expect.stringContaining("npm install -g")]);
    expect(played.hint).toContain("agent.program");
  });

  it("is told to be renewed where it is too old to be kept within its limits", async () => {
    const played = await play(name, "is-old");
    expect([played.code, played.message]).toEqual(["agent-too-old", expect.stringContaining(`${name} `)]);
    expect(played.hint).toContain("npm install -g");
  });

  it("is not taken for another program of that name", async () => {
    expect((await play(name, "is-something-else")).code).toBe("agent-failed");
  });
});

describe.concurrent.each(["claude", "codex"] as const)("%s, where nobody is logged in", (name) => {
  it("is not asked anything, and how to log in is told", async () => {
    const played = await play(name, "is-logged-out");
    expect([played.code, played.activities]).toEqual(["agent-auth", []]);
    expect(played.hint).toContain(name === "claude" ? "claude auth login" : "codex login");
  });

  it("is asked all the same where the config says that it cannot know", async () => {
    expect((await play(name, "is-logged-out", { preflight: false })).activities.length).toBeGreaterThan(0);
  });
});

describe.concurrent.each(names)("%s at work", (name) => {
  it("is ended when it says nothing any more", async () => {
    const played = await play(name, "hangs", { idleTimeout: "1s" });
    expect(played.code).toBe("agent-stalled");
    expect(played.activities.at(-1)).toMatchObject({ type: "ended", outcome: "stalled" });
  });

  it("may leave its prompt unread, if it is a long one", async () => {
    const played = await play(name, "reads-nothing", {}, { prompt: "x".repeat(1_000_000) });
    expect(played.code).toBe("ok");
  });

  it("that cannot reach its tools has no outcome but that", async () => {
    const tools = async () =>
      ({
        ok: true,
        value: { url: "http://127.0.0.1:9/mcp", token: "t", wasReached: () => false, close: async () => {} },
      }) as const;
    const played = await play(name, "answers", {}, { tools });
    expect(played.activities.at(-1)).toMatchObject({ type: "ended", outcome: "tools-unavailable" });
  });
});

const init = { type: "system", subtype: "init", session_id: "s", model: "m", mcp_servers: [] };
const result = (more: object) => ({ type: "result", subtype: "success", is_error: false, num_turns: 1, ...more });
const failedTurn = (message: string) => ({ type: "turn.failed", error: { message } });
const step = (reason: string) => ({
  type: "step_finish",
  sessionID: "o",
  part: { messageID: "m", reason, tokens: {} },
});

/** What the real programs printed when they ended so. */
it.concurrent.each([
  ["claude", "overloaded", 1, [init, result({ is_error: true, api_error_status: 529, result: "529" })]],
  ["claude", "auth", 1, [init, result({ is_error: true, api_error_status: 401, result: "401" })]],
  ["claude", "agent-error", 1, [init, result({ is_error: true, api_error_status: 404, result: "no such model" })]],
  ["claude", "turns", 1, [init, result({ subtype: "error_max_turns", is_error: true })]],
  ["claude", "budget", 1, [init, result({ subtype: "error_max_budget_usd", is_error: true })]],
  ["claude", "invalid-answer", 1, [init, result({ subtype: "error_max_structured_output_retries", is_error: true })]],
  ["claude", "killed", 0, [init, result({ subtype: "error_during_execution", is_error: true })]],
  ["claude", "killed", 143, [init]],
  ["claude", "agent-error", 1, [init]],
  ["claude", "agent-error", 0, ["Segmentation fault", "{", "[]", "null", '{"type":"result"']],
  [
    "codex",
    "overloaded",
    1,
    [failedTurn("We’re currently experiencing high demand, which may cause temporary errors.")],
  ],
  ["codex", "rate-limited", 1, [failedTurn("exceeded retry limit, last status: 429 Too Many Requests")]],
  ["codex", "rate-limited", 1, [failedTurn("You've hit your usage limit.")]],
  ["codex", "auth", 1, [failedTurn("unexpected status 401 Unauthorized: no such key, url: http://127.0.0.1/v1")]],
  ["codex", "agent-error", 1, [failedTurn("stream disconnected")]],
  ["codex", "agent-error", 2, ["error: unexpected argument"]],
  ["opencode", "auth", 1, [{ type: "error", error: { name: "APIError", data: { message: "no", statusCode: 401 } } }]],
  ["opencode", "agent-error", 1, [{ type: "error", error: { name: "UnknownError" } }]],
  ["opencode", "agent-error", 0, [step("length")]],
  ["opencode", "agent-error", 0, []],
] as const)("%s that prints so has ended as %s (exit code %i)", async (name, outcome, code, lines) => {
  const env = { FAKE_CLI: name, FAKE_BEHAVIOUR: "prints", FAKE_LINES: JSON.stringify(lines), FAKE_EXIT: String(code) };
  const played = await play(name, "prints", { env });
  expect(played.activities.at(-1)).toMatchObject({ type: "ended", outcome });
});

describe("what a conversation has cost that told nothing of it", () => {
  const spentBy = async (lines: readonly object[], code: number) => {
    const fake = { FAKE_CLI: "claude", FAKE_BEHAVIOUR: "prints" };
    const env = { ...fake, FAKE_LINES: JSON.stringify(lines), FAKE_EXIT: String(code) };
    const { activities } = await play("claude", "prints", { env });
    return activities.flatMap((each) => (each.type === "spent" ? [each.usage] : []));
  };

  it("is estimated by what was sent, where it was killed, and said to be so", async () => {
    const [usage, ...others] = await spentBy([init], 143);
    expect(usage).toMatchObject({ output: 0, cached: 0, cost: null, turns: 0, estimated: true });
    expect(usage?.input).toBeGreaterThan(0);
    expect(others).toEqual([]);
  });

  it("is nothing where it never began, broke by itself, or was refused", async () => {
    const refused = { type: "assistant", error: "overloaded", message: { content: [{ type: "text", text: "529" }] } };
    expect(await spentBy([], 143)).toEqual([]);
    expect(await spentBy([init], 1)).toEqual([]);
    expect(await spentBy([init, refused], 143)).toEqual([]);
  });

  it("is what its answers tell, where there are some", async () => {
    const usage = { input_tokens: 100, output_tokens: 5 };
    const turn = { type: "assistant", message: { id: "1", content: [], usage } };
    expect(await spentBy([init, turn], 143)).toEqual([{ input: 100, output: 5, cached: 0, cost: null, turns: 1 }]);
  });
});

it("what a program says of its token is in no file and in nothing that is told of it", async () => {
  const token = "canary-token-of-the-tools";
  const content = [
    { type: "text", text: `My token is ${token}.` },
    { type: "tool_use", name: "mcp__audit__run_sql", input: { sql: `select '${token}'` } },
  ];
  const lines = [init, { type: "assistant", message: { id: "1", content } }, result({ result: token, is_error: true })];
  const env = { FAKE_CLI: "claude", FAKE_LINES: JSON.stringify(lines) };
  const logDir = await mkdtemp(join(folder, "log-"));
  const server = { url: "http://127.0.0.1:9/mcp", token, wasReached: () => true, close: async () => {} };
  const tools = async () => ({ ok: true, value: server }) as const;
  const played = await play("claude", "prints", { env: { ...env, FAKE_BEHAVIOUR: "prints" } }, { tools, logDir });
  expect(played.activities).toContainEqual({ type: "says", text: "My token is [redacted]." });
  expect(JSON.stringify(played)).not.toContain(token);
  const log = await readFile(join(logDir, "agent.jsonl"), "utf8");
  expect([log.includes("[redacted]"), log.includes(token)]).toEqual([true, false]);
});

it.each([
  [{ model: "openai/gpt-5" }, ["openai"]],
  [{ model: "openai/gpt-5", byTest: { "*": { model: "google/gemini" } } }, ["openai", "google"]],
  [{ model: "somebody/else" }, []],
  [{}, ["anthropic", "openai", "google", "copilot"]],
])("opencode with %j gets the keys of its models' providers alone", async (settings, keys) => {
  const env = {
    PATH: process.env.PATH,
    ANTHROPIC_API_KEY: "anthropic",
    OPENAI_API_KEY: "openai",
    GEMINI_API_KEY: "google",
    GITHUB_COPILOT_TOKEN: "copilot",
    WAREHOUSE_TOKEN: "warehouse",
  };
  const adapter = agents.opencode as AgentAdapter;
  const made = await adapter.create(adapter.settings.parse(settings), { baseDir: folder, env, redact: (text) => text });
  expect(made.ok && made.value.secrets).toEqual(keys);
});

it("the limits that a program does not keep are kept by us", async () => {
  const over = { env: { FAKE_CLI: "opencode" }, budget: 0.1 };
  expect((await play("opencode", "answers", over, { unanswered: () => [caseOf("a", "VA")] })).code).toBe(
    "agent-budget",
  );
});

describe("settings", () => {
  const wrong = (name: (typeof names)[number], settings: Record<string, unknown>): readonly string[] => {
    const parsed = agents[name].settings.safeParse(settings);
    return parsed.success ? [] : parsed.error.issues.map(({ path, message }) => `${path.join(".")} ${message}`);
  };

  it.each([
    ["SNOWFLAKE_PASSWORD", /no credentials of a warehouse/],
    ["PGPASSWORD", /no credentials of a warehouse/],
    ["DBT_ENV_SECRET_TOKEN", /no credentials of a warehouse/],
    ["ANTHROPIC_BASE_URL", /your own environment/],
    ["HTTPS_PROXY", /your own environment/],
    ["CLAUDE_CONFIG_DIR", /your own environment/],
    ["OPENCODE_CONFIG_CONTENT", /your own environment/],
    ["NODE_OPTIONS", /your own environment/],
    ["LD_PRELOAD", /your own environment/],
    ["AUDIT_MCP_TOKEN", /our own/],
    ["not a name", /name of a variable/],
  ])("%s is refused as a variable of the config", (variable, message) => {
    for (const name of names)
      expect(wrong(name, { env: { [variable]: "x" } })).toEqual([expect.stringMatching(message)]);
  });

  it("a login may be given by another variable", () => {
    expect(wrong("claude", { env: { ANTHROPIC_API_KEY: "k", CLAUDE_CODE_MAX_RETRIES: "1" } })).toEqual([]);
  });

  it("modes that bypass what an agent may do are refused, and why is told", () => {
    expect(wrong("claude", { permissionMode: "bypassPermissions" })).toEqual([
      expect.stringMatching(/must be dontAsk/),
    ]);
    expect(wrong("codex", { sandbox: "danger-full-access" })).toEqual([expect.stringMatching(/must be read-only/)]);
    expect(wrong("opencode", { auto: true })).toEqual([expect.stringMatching(/must be false/)]);
    expect(wrong("claude", { args: ["--dangerously-skip-permissions"] })).toEqual([expect.stringContaining("args")]);
  });

  it("a budget for codex needs prices, since it tells no cost", () => {
    expect(wrong("codex", { budget: 1 })).toEqual([expect.stringContaining("prices")]);
    expect(wrong("codex", { budget: 1, prices: { input: 1, cached: 1, output: 1 } })).toEqual([]);
  });

  it("a test is given to the first of `byTest` that fits its name, and else to the agent's own model", () => {
    const variantOf = variants(
      cliSettings.parse({
        model: "small",
        budget: 1,
        byTest: { "unique_*": { model: "large" }, "*": { maxTurns: 7 } },
      }),
    );
    expect(variantOf({ name: "unique_bids_id" })).toEqual({ key: "1", model: "large", maxTurns: 100, budget: 1 });
    expect(variantOf({ name: "not_null" })).toEqual({ key: "2", model: "small", maxTurns: 7, budget: 1 });
  });
});

describe("the environment", () => {
  const own = {
    PATH: "/bin",
    HOME: "/home/a",
    SNOWFLAKE_PASSWORD: "x",
    AWS_SECRET_ACCESS_KEY: "x",
    GITHUB_TOKEN: "x",
    DBT_PASSWORD: "x",
    ANTHROPIC_API_KEY: "k",
  };
  it("holds what is on the list, and what the config adds", () => {
    expect(environment(own, [/^ANTHROPIC_API_KEY$/], { MORE: "1" })).toEqual({
      PATH: "/bin",
      HOME: "/home/a",
      ANTHROPIC_API_KEY: "k",
      MORE: "1",
    });
  });

  it("lets no proxy stand between a program and its tools", () => {
    const env = environment({ https_proxy: "http://proxy:3128", no_proxy: "intra" }, [], {});
    expect([env.NO_PROXY, env.no_proxy]).toEqual(["intra,127.0.0.1,localhost", "intra,127.0.0.1,localhost"]);
  });
});

it("versions are compared by their numbers", () => {
  expect(isOlder("2.1.197", "2.1.236")).toBe(true);
  expect(isOlder("2.1.236", "2.1.236")).toBe(false);
  expect(isOlder("2.10.0", "2.9.9")).toBe(false);
  expect(isOlder("3.0", "2.1.236")).toBe(false);
  expect(isOlder("0.170.0-alpha.1", "0.169.0")).toBe(false);
});

describe("on the disk", () => {
  it("links that lead out of the folders and files named like credentials are found, and no others", async () => {
    const [root, other] = [await mkdtemp(join(folder, "links-")), await mkdtemp(join(folder, "other-"))];
    await mkdir(join(root, "models"));
    for (const file of ["models/a.sql", ".ENV", "models/profiles.yml", "environment.yml"])
      await writeFile(join(root, file), "x");
    await symlink("models/a.sql", join(root, "within.sql"));
    await symlink(other, join(root, "other"));
    await symlink(folder, join(root, "models/out"));
    await symlink("/no/such/file", join(root, "nowhere"));
    await symlink("models/profiles.yml", join(root, "harmless.txt"));
    const hidden = await hiddenIn([root, other, join(folder, "gone")]);
    expect([...hidden.links].sort()).toEqual([join(root, "models/out"), join(root, "nowhere")]);
    expect([...hidden.secrets].sort()).toEqual(
      [".ENV", "harmless.txt", "models/profiles.yml"].map((file) => join(root, file)),
    );
  });

  it("paths that are too many for an argument are told by the folders that most of them are in", () => {
    const keys = Array.from({ length: 50 }, (_, index) => `/repo/certs/${index}.pem`);
    const others = ["/repo/.env", "/repo/models/.env"];
    expect(fewPaths([...keys, ...others])).toEqual([...keys, ...others]);
    expect(fewPaths([...keys, ...others], 500)).toEqual([...others, "/repo/certs"]);
    expect(fewPaths([...keys, ...others], 1)).toEqual(["/repo"]);
  });

  it("a program is looked for where the system looks", async () => {
    const bin = await mkdtemp(join(folder, "bin-"));
    await symlink(fake, join(bin, "claude"));
    expect(await programFile("claude", `/nowhere:${bin}`)).toBe(await realpath(fake));
    expect(await programFile("claude", "/nowhere")).toBeNull();
  });
});
