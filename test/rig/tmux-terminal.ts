/**
 * A terminal of somebody else, in a tmux server of the test's own: types commands and reads the screen. Waits for what the
 * screen shows, never for a time; `bound` is only how long a busy machine may take.
 */
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";
import { root } from "./small-audit.js";

const run = promisify(execFile);
const cli = join(root, "dist/cli.js");
const bound = 60_000;

export interface TmuxTerminal {
  /** Types `audit-run` with these arguments, and Enter. */
  readonly audits: (args: string) => Promise<void>;
  /** Presses keys as tmux names them: `C-b`, `d`. */
  readonly press: (...keys: readonly string[]) => Promise<void>;
  /** Resolves to the screen when it shows what is wanted. */
  readonly shows: (...wanted: readonly (string | RegExp)[]) => Promise<string>;
  readonly clear: () => Promise<void>;
  readonly close: () => Promise<void>;
}

export async function openTerminal(cwd: string): Promise<TmuxTerminal> {
  const name = `audit-test-${randomBytes(6).toString("hex")}`;
  const { PATH = "", HOME = "" } = process.env;
  const env = { PATH, HOME, LANG: "C.UTF-8", TERM: "xterm-256color", NO_COLOR: "1" };
  const tmux = async (...args: string[]): Promise<string> =>
    (await run("tmux", ["-u", "-L", name, "-f", "/dev/null", ...args], { cwd, env })).stdout;
  await tmux("new-session", "-d", "-s", "t", "-x", "200", "-y", "50", "sh");
  const screen = () => tmux("capture-pane", "-p", "-t", "t");
  const shows = async (...wanted: readonly (string | RegExp)[]): Promise<string> => {
    const isThere = (text: string) => (each: string | RegExp) =>
      typeof each === "string" ? text.includes(each) : each.test(text);
    for (const start = performance.now(); ; ) {
      const text = await screen();
      if (wanted.every(isThere(text))) return text;
      if (performance.now() - start > bound) throw new Error(`the screen never showed ${wanted.join(", ")}:\n${text}`);
      await pause(50);
    }
  };
  const type = async (line: string): Promise<void> => {
    await tmux("send-keys", "-t", "t", "-l", line);
    await tmux("send-keys", "-t", "t", "Enter");
  };
  const close = async (): Promise<void> => {
    const socket = (await tmux("display-message", "-p", "#{socket_path}")).trim();
    await tmux("kill-server").catch(() => undefined);
    await rm(socket, { force: true });
  };
  try {
    await type("PS1='ready> '; clear");
    await shows(/^ready> *\n*$/);
  } catch (error) {
    await close();
    throw error;
  }
  return {
    audits: (args) => type(`'${process.execPath}' '${cli}' ${args}`),
    press: async (...keys) => void (await tmux("send-keys", "-t", "t", ...keys)),
    shows,
    async clear() {
      await shows(/ready> *\n*$/);
      await type("clear");
      await shows(/^ready> *\n*$/);
    },
    close,
  };
}
