/**
 * A private tmux server: its name, which is recorded in the audit folder before the server is started, and calls to it.
 * It is only ever ended by that name: never by a pattern, and never a person's own.
 */
import { randomBytes } from "node:crypto";
import { readFile, rm } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { failed, ok, type Result } from "../../model/result.js";
import { writeFileAtomic } from "../../support/files.js";
import { capturedText, runProcess } from "../../support/process.js";

export interface Server {
  /** For `tmux -L`. */
  readonly name: string;
  /** TMUX_TMPDIR when it was started: its socket is in there. Null: tmux's own place. */
  readonly folder: string | null;
}

type Environment = Readonly<Record<string, string | undefined>>;

const recordName = "tmux.json";
const serverName = /^audit-[0-9a-f]{12}$/;

export async function newServer(auditDir: string, env: Environment): Promise<Server> {
  const server = { name: `audit-${randomBytes(6).toString("hex")}`, folder: env.TMUX_TMPDIR ?? null };
  const record = { version: 1, ...server, host: hostname() };
  await writeFileAtomic(join(auditDir, recordName), `${JSON.stringify(record, null, 2)}\n`);
  return server;
}

/** Null where none is recorded, or where it is none of this machine. */
export async function readServer(auditDir: string): Promise<Server | null> {
  try {
    const record = JSON.parse(await readFile(join(auditDir, recordName), "utf8")) as Partial<
      Server & { readonly host: string }
    >;
    if (typeof record.name !== "string" || !serverName.test(record.name) || record.host !== hostname()) return null;
    return { name: record.name, folder: typeof record.folder === "string" ? record.folder : null };
  } catch {
    return null;
  }
}

export async function forgetServer(auditDir: string): Promise<void> {
  await rm(join(auditDir, recordName), { force: true });
}

export interface Called {
  readonly exitCode: number | null;
  readonly printed: string;
  /** The last of stderr. */
  readonly said: string;
}

/** Milliseconds; a busy machine takes long, and a server that is stopped would never answer. */
const patience = 30_000;

/**
 * Runs tmux once. What it starts, the server with all panes, has the environment of this call: an allow-list.
 * Failure codes: command-not-found, command-failed, command-timeout, disk.
 */
export async function call(
  server: Server | null,
  args: readonly string[],
  env: Environment,
  cwd: string,
): Promise<Result<Called>> {
  const to = server === null ? [] : ["-u", "-L", server.name];
  const ended = await runProcess({
    command: ["tmux", ...to, ...args],
    purpose: "tmux",
    cwd,
    env: serverEnvironment(env, server?.folder ?? null),
    timeout: patience,
  });
  if (!ended.ok) return ended;
  const { reason, exitCode, stdout, stderr } = ended.value;
  if (reason !== "exited") return failed("command-timeout", `tmux did not answer within ${patience / 1000} s`);
  return ok({ exitCode, printed: capturedText(stdout), said: capturedText(stderr).trim().slice(-500) });
}

/** Resolves to whether it ran. */
export async function endServer(server: Server, env: Environment): Promise<Result<boolean>> {
  const ended = await call(server, ["kill-server"], env, "/");
  if (!ended.ok) return ended.failure.code === "command-not-found" ? ok(false) : ended;
  const { exitCode, said } = ended.value;
  // Its socket is there and nobody behind it, or there is no socket any more.
  const isGone = /no server running|error connecting|No such file|server exited|lost server/i.test(said);
  if (exitCode === 0 || isGone) {
    // tmux leaves it behind.
    await rm(socketOf(server), { force: true });
    return ok(exitCode === 0);
  }
  return failed("command-failed", `the tmux server ${server.name} could not be ended: ${said}`, {
    hint: `End it: tmux -L ${server.name} kill-server`,
  });
}

/** Where tmux(1) puts it. */
function socketOf({ name, folder }: Server): string {
  return join(folder ?? "/tmp", `tmux-${process.getuid?.() ?? 0}`, name);
}

/** Exactly this session: without `=`, agent-1 would stand for agent-10 as well; the colon makes it its pane. */
export function target(name: string): string {
  return `=${name}:`;
}

/** What a person's terminal needs to attach: all that it has, but for a tmux that it may be in. */
export function clientEnvironment(server: Server, env: Environment): Environment {
  const { TMUX: _around, TMUX_PANE: _pane, ...own } = env;
  return { ...own, ...(server.folder === null ? {} : { TMUX_TMPDIR: server.folder }) };
}

const allowed = /^(PATH|HOME|LANG|LC_[A-Z]+|TZ|TMPDIR|NO_COLOR|FORCE_COLOR)$/;

function serverEnvironment(env: Environment, folder: string | null): Environment {
  const own = Object.fromEntries(Object.entries(env).filter(([name]) => allowed.test(name)));
  return { ...own, ...(folder === null ? {} : { TMUX_TMPDIR: folder }) };
}
