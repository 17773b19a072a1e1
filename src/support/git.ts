/**
 * Calls git without side effects that nobody asked for: no hooks, no daemons, no prompts, no refresh of the user's index.
 * Knows no repository.
 */
import type { Result } from "../model/result.js";
import { type ShellOutput, shell } from "./shell.js";

export interface GitOptions {
  /** Milliseconds; default 10 minutes, since a large checkout takes its time. */
  readonly timeout?: number;
  readonly signal?: AbortSignal;
  readonly okCodes?: readonly number[];
  /** An index file to use instead of the repository's own. */
  readonly index?: string;
  /** An objects folder to read from besides the repository's own. */
  readonly alternateObjects?: string;
}

/**
 * Runs git in `cwd`. The text of stdout is UTF-8; names that are not come out changed, so names that must be exact stay
 * inside git. Arguments are passed on as they are: what may start with a dash needs `--` before it.
 */
export function git(cwd: string, args: readonly string[], options: GitOptions = {}): Promise<Result<ShellOutput>> {
  const { index, alternateObjects, ...rest } = options;
  const env = gitEnvironment(process.env);
  if (alternateObjects !== undefined) env.GIT_ALTERNATE_OBJECT_DIRECTORIES = alternateObjects;
  if (index !== undefined) env.GIT_INDEX_FILE = index;
  // The first plain word is git's command: before it there are options, absolute paths and settings only.
  const name = `git ${args.find((arg) => /^[a-z][a-z-]*$/.test(arg)) ?? ""}`.trim();
  return shell({ timeout: 600_000, ...rest, cwd, env, name })`git ${quietly} ${args}`;
}

const quietly = [
  ["core.hooksPath", "/dev/null"],
  ["core.fsmonitor", "false"],
  ["core.splitIndex", "false"],
  ["gc.auto", "0"],
  ["maintenance.auto", "false"],
  ["core.quotePath", "false"],
  ["advice.addEmbeddedRepo", "false"],
].flatMap(([name, value]) => ["-c", `${name}=${value}`]);

/**
 * Variables that tie git to one repository: inside a hook they are set, and would turn every call of ours to the
 * repository of that hook. `git rev-parse --local-env-vars` lists them.
 */
const repositoryVariables = new Set([
  "GIT_ALTERNATE_OBJECT_DIRECTORIES",
  "GIT_COMMON_DIR",
  "GIT_CONFIG",
  "GIT_CONFIG_COUNT",
  "GIT_CONFIG_PARAMETERS",
  "GIT_DIR",
  "GIT_GRAFT_FILE",
  "GIT_IMPLICIT_WORK_TREE",
  "GIT_INDEX_FILE",
  "GIT_INTERNAL_SUPER_PREFIX",
  "GIT_LITERAL_PATHSPECS",
  "GIT_NAMESPACE",
  "GIT_NO_REPLACE_OBJECTS",
  "GIT_OBJECT_DIRECTORY",
  "GIT_PREFIX",
  "GIT_QUARANTINE_PATH",
  "GIT_REPLACE_REF_BASE",
  "GIT_SHALLOW_FILE",
  "GIT_WORK_TREE",
]);

export function gitEnvironment(env: Readonly<Record<string, string | undefined>>): Record<string, string | undefined> {
  const kept = Object.entries(env).filter(([name]) => !repositoryVariables.has(name));
  return { ...Object.fromEntries(kept), LC_ALL: "C", GIT_TERMINAL_PROMPT: "0", GIT_OPTIONAL_LOCKS: "0" };
}
