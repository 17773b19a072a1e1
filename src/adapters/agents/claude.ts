/**
 * Claude Code's command line (`claude -p`, 2.1.236 and later) as an agent. Measured with the real program; its exit code and
 * `subtype` alone say nothing: an error of the service ends as `subtype: "success"`, a server of tools that is down with 0.
 * Knows no process: cli/ runs it.
 */
import { z } from "zod";
import type { Usage } from "../../model/agent.js";
import type { ProcessEnd } from "../../support/process.js";
import { cliAgent } from "./cli/agent.js";
import { answerSchema } from "./cli/answer-schema.js";
import {
  type Cli,
  type CliEvent,
  type Finish,
  type Invocation,
  type Question,
  type Told,
  tokenVariable,
} from "./cli/contract.js";
import { cloudVariables, isOn } from "./cli/environment.js";
import { inWords, type Json, jsonLine, list, number, record, text } from "./cli/json.js";
import { outcomeOfStatus } from "./cli/outcome.js";
import { secretNames } from "./cli/paths.js";
import { cliSettings } from "./cli/settings.js";

const settings = cliSettings.extend({
  effort: z
    .enum(["low", "medium", "high", "xhigh", "max"])
    .optional()
    .describe("How hard the model thinks. A part of the fingerprint."),
  permissionMode: z
    .string()
    .refine(
      (mode) => mode === "dontAsk",
      "must be dontAsk: what is not allowed is refused, and modes that bypass permissions are not offered",
    )
    .default("dontAsk")
    .describe("Only `dontAsk`: what an agent may not do is refused, and nobody is asked."),
});
type Settings = z.infer<typeof settings>;

const cli: Cli<Settings> = {
  id: "claude",
  program: "claude",
  settings,
  minimum: "2.1.236",
  install:
    "Install it: npm install -g @anthropic-ai/claude-code@latest (on Node 20 npm takes an old version, unless told which).",
  signIn: "Log in with `claude auth login`, or set ANTHROPIC_API_KEY or CLAUDE_CODE_OAUTH_TOKEN.",
  variables: (env) => [
    /^ANTHROPIC_(API_KEY|AUTH_TOKEN|BASE_URL|CUSTOM_HEADERS|SMALL_FAST_MODEL|DEFAULT_[A-Z]+_MODEL|VERTEX_PROJECT_ID|VERTEX_BASE_URL|BEDROCK_BASE_URL|FOUNDRY_[A-Z_]+)$/,
    /^CLAUDE_(CONFIG_DIR|CODE_OAUTH_TOKEN|CODE_USE_[A-Z]+|CODE_SKIP_[A-Z]+_AUTH|CODE_CLIENT_(CERT|KEY|KEY_PASSPHRASE))$/,
    /^VERTEX_REGION_[A-Z0-9_]+$/,
    ...cloudVariables({
      aws: isOn(env.CLAUDE_CODE_USE_BEDROCK),
      google: isOn(env.CLAUDE_CODE_USE_VERTEX),
      azure: isOn(env.CLAUDE_CODE_USE_FOUNDRY),
    }),
  ],
  parts: ({ effort }) => (effort === undefined ? {} : { effort }),
  keeps: { turns: true, budget: true },
  tellsServers: true,
  version: (stdout) => /^(\d+\.\d+\.\d+)\S* \(Claude Code\)/.exec(stdout.trim())?.[1] ?? null,
  login: () => ({
    args: ["auth", "status"],
    read: ({ stdout }) => {
      const status = jsonLine(stdout.head.toString("utf8"));
      return { loggedIn: typeof status?.loggedIn === "boolean" ? status.loggedIn : null };
    },
  }),
  startsIn: "checkout",
  build,
  parser: () => parse,
  finish,
};

export const claude = cliAgent(cli);

function build(
  question: Question,
  { effort, permissionMode }: Settings,
  own: Readonly<Record<string, string>>,
): Invocation {
  const { resume, conversation, toolsUrl, model, maxTurns, budget, folders } = question;
  const server = { type: "http", url: toolsUrl, headers: { Authorization: `Bearer \${${tokenVariable}}` } };
  const args = [
    ...["-p", "--output-format", "stream-json", "--verbose"],
    // Nothing of the checkout's own configuration: no settings, hooks, servers, instructions, skills or commands.
    ...["--restricted", "--setting-sources", "", "--strict-mcp-config", "--disable-slash-commands"],
    ...["--settings", JSON.stringify({ permissions: { deny: secretNames.map((name) => `Read(//**/${name})`) } })],
    ...["--permission-mode", permissionMode, "--tools", "Read,Grep,Glob"],
    ...["--mcp-config", JSON.stringify({ mcpServers: toolsUrl === null ? {} : { audit: server } })],
    ...(toolsUrl === null ? [] : ["--allowedTools", "mcp__audit"]),
    ...["--json-schema", JSON.stringify(answerSchema()), "--max-turns", String(maxTurns)],
    ...(resume === null ? ["--session-id", conversation] : ["--resume", resume]),
    ...(budget === null ? [] : ["--max-budget-usd", String(budget)]),
    ...(model === null ? [] : ["--model", model]),
    ...(effort === undefined ? [] : ["--effort", effort]),
    ...(question.instructions === null ? [] : ["--append-system-prompt", question.instructions]),
    ...folders.flatMap((folder) => ["--add-dir", folder]),
  ];
  // Its own ten retries take minutes, in which a whole audit waits without a word.
  const env = {
    CLAUDE_CODE_MAX_RETRIES: own.CLAUDE_CODE_MAX_RETRIES ?? "3",
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
    DISABLE_AUTOUPDATER: "1",
  };
  return { args, env, stdin: question.prompt };
}

function parse(line: string): readonly CliEvent[] {
  const message = jsonLine(line);
  if (message === null) return [];
  switch (message.type) {
    case "system":
      return ofSystem(message);
    case "assistant":
      return ofAssistant(message);
    case "result":
      return ofResult(message);
    default:
      return [];
  }
}

function ofSystem(message: Json): readonly CliEvent[] {
  if (message.subtype === "api_retry") {
    return [
      {
        type: "waits",
        why: `the model's service refused (${text(message.error) ?? ""} ${number(message.error_status) ?? ""})`,
      },
    ];
  }
  if (message.subtype !== "init") return [];
  const servers = list(message.mcp_servers).map((server): CliEvent => {
    const status = text(record(server).status) ?? "unknown";
    return { type: "server", name: text(record(server).name) ?? "", connected: status === "connected", status };
  });
  const [conversation, model, version] = [message.session_id, message.model, message.claude_code_version].map(text);
  return [
    { type: "started", conversation: conversation ?? null, model: model ?? null, version: version ?? null },
    ...servers,
  ];
}

function ofAssistant(message: Json): readonly CliEvent[] {
  const said = record(message.message);
  const blocks = list(said.content).map(record);
  const texts = blocks.flatMap((block) => text(block.text) ?? []);
  // What it says where the service failed is its own text, in the model's place.
  if (message.is_api_error_message === true || message.error !== undefined) {
    return [{ type: "error", status: number(message.api_error_status), message: texts.join("\n") }];
  }
  const usage = record(said.usage);
  const events = blocks.flatMap((block): readonly CliEvent[] => {
    const words = text(block.text);
    if (block.type === "text" && words !== null) return [{ type: "says", text: words }];
    if (block.type !== "tool_use") return [];
    return [
      {
        type: "uses",
        tool: (text(block.name) ?? "").replace(/^mcp__audit__/, ""),
        detail: inWords(block.input),
      },
    ];
  });
  return [{ type: "turn", id: text(said.id) ?? "", usage: { ...tokens(usage), cost: null } }, ...events];
}

function tokens(usage: Json): Omit<Usage, "turns" | "cost"> {
  return {
    input: (number(usage.input_tokens) ?? 0) + (number(usage.cache_creation_input_tokens) ?? 0),
    output: number(usage.output_tokens) ?? 0,
    cached: number(usage.cache_read_input_tokens) ?? 0,
  };
}

/** `modelUsage` and the cost are of the whole conversation, earlier runs included; turns are of this run. */
function ofResult(message: Json): readonly CliEvent[] {
  const models = Object.values(record(message.modelUsage)).map(record);
  const sum = (...names: readonly string[]): number =>
    models.flatMap((model) => names.map((name) => number(model[name]) ?? 0)).reduce((left, right) => left + right, 0);
  const usage: Usage = {
    input: sum("inputTokens", "cacheCreationInputTokens"),
    output: sum("outputTokens"),
    cached: sum("cacheReadInputTokens"),
    cost: number(message.total_cost_usd),
    turns: number(message.num_turns) ?? 0,
  };
  const kind = text(message.subtype) ?? "unknown";
  const errors = list(message.errors).flatMap((error) => text(error) ?? []);
  return [
    { type: "total", usage },
    {
      type: "result",
      isError: message.is_error !== false || kind.startsWith("error"),
      kind,
      status: number(message.api_error_status),
      ...(message.structured_output === undefined || message.structured_output === null
        ? {}
        : { answer: message.structured_output }),
      text: text(message.result) ?? errors.join("\n"),
    },
  ];
}

const kinds: Readonly<Record<string, Finish["outcome"]>> = {
  error_max_turns: "turns",
  error_max_budget_usd: "budget",
  error_max_structured_output_retries: "invalid-answer",
};

function finish(end: ProcessEnd, { result }: Told): Finish {
  const { signal, exitCode } = end;
  if (result === null) {
    const by =
      signal ?? (exitCode === 143 ? "SIGTERM" : exitCode === 130 ? "SIGINT" : exitCode === 137 ? "SIGKILL" : null);
    if (by !== null) return { outcome: "killed", message: `claude was ended by ${by}` };
    return { outcome: "agent-error", message: `claude exited with ${exitCode} and no result` };
  }
  const { kind, status, answer } = result;
  const how = result.text.trim().split("\n")[0] || `${kind}, exit code ${exitCode}`;
  const known = kinds[kind];
  if (known !== undefined) return { outcome: known, message: `claude: ${how}`, answer };
  if (result.isError) {
    // Ended by a signal it may still tell that it was interrupted.
    const outcome = outcomeOfStatus(status) ?? (signal !== null || exitCode === 0 ? "killed" : "agent-error");
    return { outcome, message: `claude: ${how}`, answer };
  }
  return { outcome: "ok", message: "claude answered", answer: answer ?? result.text };
}
