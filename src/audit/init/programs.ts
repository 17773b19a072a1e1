/**
 * Which programs are there that an audit may need: the agents' command lines, tmux, dbt and how it is started. Starts nothing
 * but `--version`.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { capturedText, runProcess } from "../../support/process.js";

export interface Installed {
  readonly name: string;
  /** Null where it does not tell. */
  readonly version: string | null;
}

/** Agents of ours that are programs of their own, in the order in which they are offered. */
const agentNames = ["claude", "codex", "opencode"] as const;

export async function installedAgents(cwd: string, env: Environment): Promise<readonly Installed[]> {
  const found = await Promise.all(agentNames.map((name) => installed(name, ["--version"], cwd, env)));
  return found.filter((each) => each !== null);
}

export function installedTmux(cwd: string, env: Environment): Promise<Installed | null> {
  return installed("tmux", ["-V"], cwd, env);
}

type Environment = Readonly<Record<string, string | undefined>>;

async function installed(
  name: string,
  args: readonly string[],
  cwd: string,
  env: Environment,
): Promise<Installed | null> {
  const set = Object.fromEntries(
    Object.entries(env).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])),
  );
  const ended = await runProcess({ command: [name, ...args], cwd, env: set, timeout: 20_000 });
  if (!ended.ok || ended.value.exitCode !== 0) return null;
  const version = /\d+(\.\d+)+[a-z]?/.exec(capturedText(ended.value.stdout))?.[0] ?? null;
  return { name, version };
}

/** How the project's dbt is called, by the lock file that its folder or repository has. */
export function dbtCommand(folders: readonly string[]): string {
  const has = (name: string) => folders.some((folder) => existsSync(join(folder, name)));
  if (has("uv.lock")) return "uv run dbt";
  if (has("poetry.lock")) return "poetry run dbt";
  if (has("Pipfile.lock")) return "pipenv run dbt";
  return "dbt";
}
