/**
 * A session for each task in a tmux server of the run's own. Its pane shows the task's events and takes no keys; it stays,
 * with its last screen, until the server is ended. Knows no agent: none runs in it.
 */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { failed, ok, type Result } from "../../model/result.js";
import type { Runner, RunnerAdapter, RunnerContext, Viewer } from "../../model/runner.js";
import {
  call,
  clientEnvironment,
  endServer,
  forgetServer,
  newServer,
  readServer,
  type Server,
  target,
} from "./tmux-server.js";

export const tmux: RunnerAdapter = {
  id: "tmux",
  create: runner,

  async endLeftovers(auditDir, env) {
    const server = await readServer(auditDir);
    if (server === null) return ok(null);
    const ended = await endServer(server, env);
    if (!ended.ok) return ended;
    await forgetServer(auditDir);
    return ok(ended.value ? `the tmux server ${server.name}` : null);
  },

  async attachment(auditDir, name, env) {
    const server = await readServer(auditDir);
    if (server === null) return null;
    const found = await call(server, ["has-session", "-t", target(name)], env, auditDir);
    if (!found.ok || found.value.exitCode !== 0) return null;
    const command = ["tmux", "-u", "-L", server.name, "attach-session", "-t", target(name)];
    return { command, env: clientEnvironment(server, env) };
  },
};

/** Nothing of a person's own tmux.conf; a shell that is there; and nothing of the environment of who attaches. */
const config = `set -g default-shell /bin/sh
set -g update-environment ""
set -g exit-empty off
set -g history-limit 20000
set -g status-left-length 60
set -g status-left "#S  (to leave: Ctrl-b d) "
set -g status-right ""
setw -g remain-on-exit on
setw -g automatic-rename off
setw -g allow-rename off
`;

/** Columns and rows of a pane that nobody looks at. */
const size = ["-x", "132", "-y", "40"];

function runner({ auditDir, runDir, env }: RunnerContext): Runner {
  const configFile = join(runDir, "tmux.conf");
  let server: Promise<Server> | null = null;
  let last: Promise<unknown> = Promise.resolve();
  let isClosed = false;

  const start = async (): Promise<Server> => {
    await writeFile(configFile, config);
    return newServer(auditDir, env);
  };

  const open = async ({ name, command }: Viewer): Promise<Result<string | null>> => {
    if (isClosed) return ok(null);
    server ??= start();
    const own = await server;
    const words = command.map(word);
    const created = ["-f", configFile, "new-session", "-d", "-s", name, ...size, ...words];
    const first = await call(own, [...created, ";", "select-pane", "-d", "-t", target(name)], env, runDir);
    if (!first.ok) return first;
    if (first.value.exitCode === 0) return ok(name);
    // It is there from an earlier attempt at the task: who is attached stays so.
    const again = await call(own, ["respawn-pane", "-k", "-t", target(name), ...words], env, runDir);
    if (!again.ok) return again;
    if (again.value.exitCode === 0) return ok(name);
    return failed("command-failed", `tmux could not open the session ${name}: ${first.value.said}`);
  };

  return {
    id: "tmux",
    check: () => check(env, runDir),
    // One at a time: the first call starts the server.
    open(viewer) {
      const opening = last.then(() => open(viewer));
      last = opening.catch(() => undefined);
      return opening;
    },
    async close() {
      isClosed = true;
      await last;
      if (server === null) return ok(undefined);
      const ended = await endServer(await server, env);
      if (!ended.ok) return ended;
      await forgetServer(auditDir);
      server = null;
      return ok(undefined);
    },
  };
}

/** tmux takes a word that ends with a semicolon for the end of its command. */
function word(text: string): string {
  return text.replace(/;$/, "\\;");
}

const oldest = 3;

/** Failure codes: command-not-found, command-failed. */
async function check(env: RunnerContext["env"], cwd: string): Promise<Result<void>> {
  const hint = "Install tmux 3 or later (apt install tmux, brew install tmux), or set `agent.runner: process`.";
  const told = await call(null, ["-V"], env, cwd);
  if (!told.ok) {
    if (told.failure.code !== "command-not-found") return told;
    return failed("command-not-found", "`agent.runner: tmux` needs tmux, which is not on the PATH", { hint });
  }
  // `tmux 3.3a`, `tmux next-3.6`; one that says otherwise is built from its sources, and new.
  const version = /^tmux (?:next-)?(\d+)/.exec(told.value.printed)?.[1];
  if (told.value.exitCode === 0 && (version === undefined || Number(version) >= oldest)) return ok(undefined);
  const said = told.value.printed.trim() || told.value.said;
  return failed("command-failed", `\`agent.runner: tmux\` cannot work with this tmux: ${said}`, { hint });
}
