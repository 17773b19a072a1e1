/**
 * OpenAI's Codex as an agent (`codex exec --json`, 0.169 and later). Its commands run in its own sandbox, which sees the
 * checkouts and the evidence alone: with `--sandbox read-only` they could read every file of the user's.
 * Knows no process: cli/ runs it.
 */
import { dirname, sep } from "node:path";
import { z } from "zod";
import type { Usage } from "../../model/agent.js";
import type { ProcessEnd } from "../../support/process.js";
import { cliAgent } from "./cli/agent.js";
import { strictAnswerSchema, withoutNulls } from "./cli/answer-schema.js";
import {
  type Cli,
  type CliEvent,
  type Finish,
  type Invocation,
  type Question,
  type Told,
  tokenVariable,
} from "./cli/contract.js";
import { inWords, type Json, jsonLine, number, record, text } from "./cli/json.js";
import { outcomeOfStatus } from "./cli/outcome.js";
import { fewPaths } from "./cli/paths.js";
import { cliSettings } from "./cli/settings.js";

const price = z.number().min(0).max(10_000);

const settings = cliSettings.extend({
  effort: z
    .enum(["minimal", "low", "medium", "high", "xhigh"])
    .optional()
    .describe("How hard the model thinks. A part of the fingerprint."),
  sandbox: z
    .string()
    .refine((mode) => mode === "read-only", "must be read-only: modes that write or bypass the sandbox are not offered")
    .default("read-only")
    .describe(
      "Only `read-only`: its commands read the checkouts and the evidence, write nothing and reach no network.",
    ),
  userConfig: z
    .boolean()
    .default(false)
    .describe("true: also your own config.toml, for a provider of your own say, with the servers that it starts."),
  prices: z
    .strictObject({ input: price, cached: price, output: price })
    .optional()
    .describe("US dollars for a million tokens; codex tells none, and `budget` needs them."),
});
type Settings = z.infer<typeof settings>;

/** What it could do besides, and need not. */
const features = [
  "apps",
  "browser_use",
  "computer_use",
  "goals",
  "hooks",
  "image_generation",
  "multi_agent",
  "plugins",
];

const cli: Cli<Settings> = {
  id: "codex",
  program: "codex",
  settings: settings.refine(({ budget, prices }) => budget === undefined || prices !== undefined, {
    path: ["budget"],
    message: "needs `prices`: codex tells no cost of its own",
  }),
  minimum: "0.169.0",
  install: "Install it: npm install -g @openai/codex@latest.",
  signIn: "Log in with `codex login`, or set CODEX_API_KEY.",
  variables: () => [
    /^(CODEX_API_KEY|CODEX_ACCESS_TOKEN|CODEX_HOME|CODEX_CA_CERTIFICATE|OPENAI_API_KEY|OPENAI_BASE_URL)$/,
  ],
  parts: ({ effort }) => (effort === undefined ? {} : { effort }),
  charges: ({ prices }) => (prices === undefined ? "untold" : "told"),
  keeps: { turns: false, budget: false },
  // `required=true`: it ends at once where the server cannot be reached.
  tellsServers: false,
  version: (stdout) => /^codex-cli (\d+\.\d+\.\d+)/m.exec(stdout)?.[1] ?? null,
  login: ({ CODEX_API_KEY, CODEX_ACCESS_TOKEN }) =>
    CODEX_API_KEY !== undefined || CODEX_ACCESS_TOKEN !== undefined
      ? null
      : { args: ["login", "status"], read: ({ exitCode }) => ({ loggedIn: exitCode === 0 }) },
  startsIn: "checkout",
  build,
  parser: (options) => (line) => parse(line, options),
  finish,
};

export const codex = cliAgent(cli);

function build(
  question: Question,
  { effort, userConfig }: Settings,
  env: Readonly<Record<string, string>>,
): Invocation {
  const { resume, toolsUrl, model, folders, cwd, program, hidden } = question;
  // Its sandbox starts the program once more, inside.
  const readable = [cwd, ...folders, ...(program === null ? [] : [installed(program)])];
  const filesystem = Object.fromEntries([
    ...[":minimal", ...readable].map((path) => [path, "read"]),
    // It takes them by an argument alone.
    ...fewPaths(hidden.secrets).map((path) => [path, "deny"]),
  ]);
  const config: Readonly<Record<string, unknown>> = {
    default_permissions: "audit",
    "permissions.audit.filesystem": filesystem,
    "permissions.audit.network.enabled": false,
    // Neither its login nor the tools' token reaches a command.
    "shell_environment_policy.inherit": "core",
    // No AGENTS.md of a checkout.
    project_doc_max_bytes: 0,
    // No skills of a checkout either, nor those that come along.
    "skills.include_instructions": false,
    "skills.bundled.enabled": false,
    web_search: "disabled",
    check_for_update_on_startup: false,
    "analytics.enabled": false,
    ...(env.OPENAI_BASE_URL === undefined ? {} : { openai_base_url: env.OPENAI_BASE_URL }),
    ...(effort === undefined ? {} : { model_reasoning_effort: effort }),
    ...(question.instructions === null ? {} : { developer_instructions: question.instructions }),
    ...(toolsUrl === null
      ? {}
      : {
          "mcp_servers.audit.url": toolsUrl,
          "mcp_servers.audit.bearer_token_env_var": tokenVariable,
          "mcp_servers.audit.required": true,
          // A finding's queries are run again before it is answered; its own limits are 10 and 60 seconds.
          "mcp_servers.audit.startup_timeout_sec": 60,
          "mcp_servers.audit.tool_timeout_sec": 600,
          "mcp_servers.audit.default_tools_approval_mode": "approve",
        }),
  };
  const args = [
    "exec",
    ...(resume === null ? [] : ["resume"]),
    ...["--json", "--skip-git-repo-check", "--ignore-rules"],
    ...(userConfig ? [] : ["--ignore-user-config"]),
    ...["--output-schema", question.write("answer.schema.json", JSON.stringify(strictAnswerSchema(), null, 1))],
    ...features.flatMap((feature) => ["--disable", feature]),
    ...Object.entries(config).flatMap(([key, value]) => ["-c", `${key}=${toml(value)}`]),
    ...(model === null ? [] : ["--model", model]),
    ...(resume === null ? [] : [resume]),
    "-",
  ];
  return { args, env: {}, stdin: question.prompt };
}

/** npm's folder of the package and of its programs, or the folder that the program is in. */
function installed(program: string): string {
  const scope = `${sep}@openai${sep}`;
  const at = program.lastIndexOf(scope);
  return at === -1 ? dirname(program) : program.slice(0, at + scope.length - 1);
}

/** TOML's strings, numbers and inline tables are JSON's, but for `:` between a key and its value. */
function toml(value: unknown): string {
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const entries = Object.entries(value).map(([key, each]) => `${JSON.stringify(key)}=${toml(each)}`);
  return `{${entries.join(",")}}`;
}

function parse(line: string, { prices }: Settings): readonly CliEvent[] {
  const message = jsonLine(line);
  if (message === null) return [];
  switch (message.type) {
    case "thread.started":
      return [{ type: "started", conversation: text(message.thread_id), model: null, version: null }];
    case "item.started":
    case "item.completed":
      return ofItem(record(message.item), message.type === "item.completed");
    case "error":
      return ofError(text(message.message) ?? "");
    case "turn.failed":
      return ofFailure(text(record(message.error).message) ?? "");
    case "turn.completed":
      return ofTurn(record(message.usage), prices);
    default:
      return [];
  }
}

/** A call tells of itself when it begins; what the model says, when it is complete. */
function ofItem(item: Json, isComplete: boolean): readonly CliEvent[] {
  const id = text(item.id) ?? "";
  const words = text(item.text);
  if (item.type === "agent_message" && isComplete && words !== null) {
    return [
      { type: "turn", id },
      { type: "says", text: words },
    ];
  }
  if (isComplete) return [];
  if (item.type === "mcp_tool_call") {
    const detail = inWords(item.arguments);
    return [
      { type: "turn", id },
      { type: "uses", tool: text(item.tool) ?? "", detail },
    ];
  }
  if (item.type !== "command_execution") return [];
  return [
    { type: "turn", id },
    { type: "uses", tool: "command", detail: text(item.command) ?? "" },
  ];
}

function ofError(message: string): readonly CliEvent[] {
  return [
    { type: "waits", why: message },
    { type: "error", status: statusIn(message), message },
  ];
}

function ofFailure(message: string): readonly CliEvent[] {
  const status = statusIn(message);
  return [{ type: "result", isError: true, kind: "turn.failed", status, text: message }];
}

/** Sums of the whole conversation, earlier runs included. */
function ofTurn(usage: Json, prices: Settings["prices"]): readonly CliEvent[] {
  const cached = number(usage.cached_input_tokens) ?? 0;
  const input = Math.max(0, (number(usage.input_tokens) ?? 0) - cached);
  const output = number(usage.output_tokens) ?? 0;
  const cost =
    prices === undefined ? null : (input * prices.input + cached * prices.cached + output * prices.output) / 1_000_000;
  const total: Usage = { input, output, cached, cost, turns: 1 };
  return [
    { type: "total", usage: total },
    { type: "result", isError: false, kind: "turn.completed", status: null, text: "" },
  ];
}

/** It tells a status in words only: `unexpected status 401 Unauthorized: …`, `last status: 429 Too Many Requests`. */
function statusIn(message: string): number | null {
  const told = /\bstatus:? (\d{3})\b/.exec(message)?.[1];
  if (told !== undefined) return Number(told);
  if (/high demand|overloaded|at capacity/i.test(message)) return 503;
  return /usage limit|rate limit/i.test(message) ? 429 : null;
}

function finish(end: ProcessEnd, { result, said }: Told): Finish {
  const { signal, exitCode } = end;
  if (result === null) {
    if (signal !== null) return { outcome: "killed", message: `codex was ended by ${signal}` };
    const stderr = end.stderr.tail.toString("utf8") || end.stderr.head.toString("utf8");
    if (stderr.includes("required MCP servers failed")) {
      return { outcome: "tools-unavailable", message: "codex could not reach the audit's tools" };
    }
    return { outcome: "agent-error", message: `codex exited with ${exitCode} and no result` };
  }
  if (result.isError) {
    return { outcome: outcomeOfStatus(result.status) ?? "agent-error", message: `codex: ${result.text}` };
  }
  if (exitCode !== 0) {
    return { outcome: signal === null ? "agent-error" : "killed", message: `codex exited with ${signal ?? exitCode}` };
  }
  const answer = jsonLine(said);
  return { outcome: "ok", message: "codex answered", answer: answer === null ? said : withoutNulls(answer) };
}
