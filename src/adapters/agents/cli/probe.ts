/**
 * Looks before anything is asked: is the program there, new enough, and is somebody logged in?
 * Each refusal says what to do, as a doctor would. Knows no vendor.
 */
import { tmpdir } from "node:os";
import { failed, ok, type Result } from "../../../model/result.js";
import { capturedText, type ProcessEnd, runProcess } from "../../../support/process.js";
import type { Cli } from "./contract.js";
import type { CliSettings } from "./settings.js";
import { withTemporaryFolder } from "./temporary.js";

export interface Probed {
  /** `2.1.330`. */
  readonly version: string;
  /** Null where its program does not tell, or is not asked. */
  readonly loggedIn: true | null;
}

/** Failure codes: agent-not-found, agent-too-old, agent-auth, agent-failed. */
export async function probe<Settings extends CliSettings>(
  cli: Pick<Cli<Settings>, "id" | "version" | "minimum" | "install" | "signIn" | "login">,
  program: string,
  env: Readonly<Record<string, string>>,
  settings: Settings,
): Promise<Result<Probed>> {
  const told = await ask(program, ["--version"], env);
  if (!told.ok) {
    if (told.failure.code !== "command-not-found") return told;
    return failed("agent-not-found", `the agent's program "${program}" was not found`, {
      hint: `${cli.install} Or give its path: \`agent.program\`.`,
    });
  }
  const version = cli.version(told.value.stdout.head.toString("utf8"));
  if (version === null) {
    return failed("agent-failed", `"${program} --version" does not tell a version of ${cli.id}`, {
      hint: `Is it another program of that name? \`agent.program\` names the right one.`,
      detail: `${capturedText(told.value.stdout)}${capturedText(told.value.stderr)}`.slice(0, 2_000),
    });
  }
  if (isOlder(version, cli.minimum)) {
    return failed(
      "agent-too-old",
      `${cli.id} ${version} is too old: ${cli.minimum} is the first that keeps an agent within its limits`,
      { hint: cli.install },
    );
  }
  const login = settings.preflight ? cli.login(env, settings) : null;
  if (login === null) return ok({ version, loggedIn: null });
  const asked = await ask(program, login.args, env);
  if (!asked.ok) return asked;
  const { loggedIn } = login.read(asked.value);
  if (loggedIn !== false) return ok({ version, loggedIn });
  return failed("agent-auth", `nobody is logged in to ${cli.id}`, { hint: cli.signIn });
}

/** In a folder that holds no settings of anybody's. A task that is stopped meanwhile stops it for no other. */
function ask(
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<Result<ProcessEnd>> {
  return withTemporaryFolder(env, (own) =>
    runProcess({ command: [program, ...args], cwd: tmpdir(), env: own, timeout: 60_000, grace: 1_000 }),
  );
}

/** Of versions as `2.1.330`; what follows the three numbers says nothing. */
export function isOlder(version: string, than: string): boolean {
  const [left, right] = [numbers(version), numbers(than)];
  for (const [position, value] of right.entries()) {
    const own = left[position] ?? 0;
    if (own !== value) return own < value;
  }
  return false;
}

function numbers(version: string): readonly number[] {
  return version.split(/[.+-]/, 3).map(Number);
}
