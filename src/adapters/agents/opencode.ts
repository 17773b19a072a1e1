/**
 * opencode as an agent (`opencode run --format json`, 1.18 and later). It has no structured output: its last words hold the
 * answer. Its configuration is handed over in a variable (in a file, where it is too long for one), and a checkout's own is not read.
 * Knows no process: cli/ runs it.
 */
import { relative } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { z } from "zod";
import { capturedText, type ProcessEnd } from "../../support/process.js";
import { cliAgent } from "./cli/agent.js";
import { type Cli, type Finish, type Invocation, type Question, type Told, tokenVariable } from "./cli/contract.js";
import { cloudVariables } from "./cli/environment.js";
import { outcomeOfStatus } from "./cli/outcome.js";
import { longestArgument, secretNames } from "./cli/paths.js";
import { cliSettings } from "./cli/settings.js";
import { parse, parseErrors } from "./opencode-events.js";

const settings = cliSettings.extend({
  model: z
    .string()
    .regex(/^[^/\s]+\/\S+$/, "must be PROVIDER/MODEL, such as anthropic/claude-sonnet-4-5")
    .optional()
    .describe("PROVIDER/MODEL. A part of the fingerprint. Default: opencode's own."),
  variant: z
    .string()
    .min(1)
    .max(50)
    .optional()
    .describe("The model's variant, such as `high`. A part of the fingerprint."),
  auto: z
    .boolean()
    .refine((auto) => !auto, "must be false: what is not allowed is refused, and approving everything is not offered")
    .default(false)
    .describe("Only false: what an agent may not do is refused, and nobody is asked."),
});
type Settings = z.infer<typeof settings>;

/** Provider → how the variables with its login begin. AWS, Azure and Google's cloud: `cloudVariables`. */
const providers: Readonly<Record<string, string>> = {
  anthropic: "ANTHROPIC",
  openai: "OPENAI",
  google: "GEMINI|GOOGLE_GENERATIVE_AI",
  openrouter: "OPENROUTER",
  mistral: "MISTRAL",
  groq: "GROQ",
  xai: "XAI",
  deepseek: "DEEPSEEK",
  togetherai: "TOGETHER",
  cerebras: "CEREBRAS",
  opencode: "OPENCODE",
  "github-copilot": "GITHUB_COPILOT",
};

/** Only the logins of the models that are asked for; all where opencode itself chooses, since nobody knows which it takes. */
function logins(models: readonly (string | undefined)[]): readonly RegExp[] {
  const wanted = models.includes(undefined) ? Object.keys(providers) : models.map((model) => providerOf(model));
  const begins = [...new Set(wanted)].flatMap((provider) => providers[provider] ?? []);
  return begins.map((begin) => new RegExp(`^(${begin})_(API_KEY|TOKEN|BASE_URL|RESOURCE_NAME)$`));
}

function providerOf(model: string | null | undefined): string {
  return model?.split("/")[0] ?? "";
}

const cli: Cli<Settings> = {
  id: "opencode",
  program: "opencode",
  settings,
  minimum: "1.18.0",
  install: "Install it: npm install -g opencode-ai@latest.",
  signIn: "Log in with `opencode auth login`, or set the key of your model's provider, such as ANTHROPIC_API_KEY.",
  variables: (_env, { model, byTest }) => {
    const models = [model, ...Object.values(byTest).map((other) => other.model ?? model)];
    const anyOf = (begin: string): boolean => models.some((each) => each?.startsWith(begin));
    const clouds = { aws: anyOf("amazon-bedrock/"), google: anyOf("google-vertex"), azure: anyOf("azure") };
    return [...logins(models), ...cloudVariables(clouds)];
  },
  parts: ({ variant }) => (variant === undefined ? {} : { variant }),
  keeps: { turns: false, budget: false },
  tellsServers: false,
  version: (stdout) => /^(\d+\.\d+\.\d+)/.exec(stdout.trim())?.[1] ?? null,
  login,
  startsIn: "empty",
  build,
  parser: () => parse,
  parseErrors,
  finish,
};

export const opencode = cliAgent(cli);

/**
 * By the names of providers that it lists, whether a login is stored or in a variable. Asked only of a provider that needs
 * one: others, and those of a person's own configuration, may need none.
 */
function login(_env: Readonly<Record<string, string>>, { model }: Settings): ReturnType<Cli["login"]> {
  const provider = providerOf(model);
  if (providers[provider] === undefined || provider === "opencode") return null;
  return {
    args: ["auth", "list"],
    read: ({ stdout, stderr }) => {
      const listed = stripVTControlCharacters(`${capturedText(stdout)}\n${capturedText(stderr)}`);
      if (!/\d+ credentials?\b/.test(listed)) return { loggedIn: null };
      const names = [...listed.matchAll(/^\S\s+(\S.*?)\s+\S+\s*$/gm)].map(([, name = ""]) => letters(name));
      return { loggedIn: names.includes(letters(provider)) };
    },
  };
}

/** `GitHub Copilot` is `github-copilot`. */
function letters(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z0-9]/g, "");
}

function build(question: Question, { variant }: Settings, env: Readonly<Record<string, string>>): Invocation {
  const { resume, toolsUrl, model, folders, cwd, hidden } = question;
  const allowed = Object.fromEntries(folders.map((folder) => [`${folder}/*`, "allow"]));
  // It follows a link out of the checkout, which its rule for other folders does not see. The last rule that fits counts.
  const inFolder = (path: string): string => {
    const folder = [cwd, ...folders].find((each) => path.startsWith(`${each}/`)) ?? cwd;
    return relative(folder, path);
  };
  // What its rules call a path begins somewhere above: the end of it must do.
  const links = hidden.links.map(inFolder).flatMap((path) => [path, `*/${path}`, `${path}/*`, `*/${path}/*`]);
  const denied = [...secretNames.flatMap((name) => [name, `*/${name}`]), ...links];
  const files = { "*": "allow", ...Object.fromEntries(denied.map((path) => [path, "deny"])) };
  // Its rule for searches sees the words that are looked for, and not where.
  const searches = hidden.links.length + hidden.secrets.length === 0 ? "allow" : "deny";
  const provider = providerOf(model);
  const config = {
    share: "disabled",
    autoupdate: false,
    snapshot: false,
    lsp: false,
    formatter: false,
    instructions: [],
    plugin: [],
    permission: {
      "*": "deny",
      "audit_*": "allow",
      read: files,
      glob: "allow",
      list: files,
      grep: searches,
      external_directory: { "*": "deny", ...allowed },
    },
    ...(question.instructions === null ? {} : { agent: { build: { prompt: question.instructions } } }),
    ...baseUrl(provider, env),
    mcp:
      toolsUrl === null
        ? {}
        : {
            audit: {
              type: "remote",
              url: toolsUrl,
              headers: { Authorization: `Bearer {env:${tokenVariable}}` },
              oauth: false,
              enabled: true,
              // By default it goes on without tools that have not told their list within five seconds.
              timeout: toolTimeout,
            },
          },
  };
  const args = [
    ...["run", "--format", "json", "--pure", "--title", "audit"],
    // Its output is silent while the service refuses and it asks again, five times, or as late as the service says.
    ...["--print-logs", "--log-level", "ERROR"],
    ...(model === null ? [] : ["--model", model]),
    ...(variant === undefined ? [] : ["--variant", variant]),
    ...(resume === null ? [] : ["--session", resume]),
  ];
  const content = JSON.stringify(config);
  const isLong = Buffer.byteLength(content) > longestArgument;
  const switches = {
    ...(isLong ? { OPENCODE_CONFIG: question.write("opencode.json", content) } : { OPENCODE_CONFIG_CONTENT: content }),
    OPENCODE_DISABLE_PROJECT_CONFIG: "1",
    OPENCODE_DISABLE_CLAUDE_CODE: "1",
    OPENCODE_DISABLE_AUTOUPDATE: "1",
    OPENCODE_DISABLE_DEFAULT_PLUGINS: "1",
    OPENCODE_DISABLE_LSP_DOWNLOAD: "1",
  };
  return { args, env: switches, stdin: question.prompt };
}

/** Milliseconds. A finding's queries are run again before it is answered. */
const toolTimeout = 600_000;

/** Of the user's own environment, as the provider's other programs take it; opencode itself reads it nowhere. */
function baseUrl(provider: string, env: Readonly<Record<string, string>>): object {
  const url = env[`${provider.toUpperCase()}_BASE_URL`];
  if (url === undefined || !["anthropic", "openai"].includes(provider)) return {};
  const withVersion = /\/v\d+\/?$/.test(url) ? url : `${url.replace(/\/$/, "")}/v1`;
  return { provider: { [provider]: { options: { baseURL: withVersion } } } };
}

function finish(end: ProcessEnd, { result, said }: Told): Finish {
  const { signal, exitCode } = end;
  if (result === null || (exitCode !== 0 && !result.isError)) {
    if (signal !== null || exitCode === 143 || exitCode === 137) {
      return { outcome: "killed", message: `opencode was ended by ${signal ?? "a signal"}` };
    }
    return { outcome: "agent-error", message: `opencode exited with ${exitCode} and no result` };
  }
  if (result.isError) {
    return { outcome: outcomeOfStatus(result.status) ?? "agent-error", message: `opencode: ${result.text}` };
  }
  if (result.kind !== "stop") return { outcome: "agent-error", message: `opencode stopped for ${result.kind}` };
  return { outcome: "ok", message: "opencode answered", answer: said };
}
