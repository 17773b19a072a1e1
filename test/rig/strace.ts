/** The built program under strace, which kills it or answers its calls to the system with errors. */
import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { type AuditFolder, root } from "./small-audit.js";

export interface ProgramEnd {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  /** strace's lines as well. */
  readonly stderr: string;
}

export interface ProgramOptions {
  readonly args?: readonly string[];
  /** Options of strace; absent: without it. */
  readonly strace?: readonly string[];
  /** Number of the run, by which its files are called, the same each time (steady.mjs); absent: they are not. */
  readonly run?: number;
  readonly env?: Readonly<Record<string, string>>;
}

/** With one thread for files, so that calls come in the same order each time, nearly. */
function startProgram(audit: AuditFolder, { args = [], strace, run, env = {} }: ProgramOptions): ChildProcess {
  const { PATH, HOME, LANG, TMPDIR } = process.env;
  const own = [process.execPath, join(root, "dist/cli.js"), ...args];
  const [command = "", ...rest] =
    strace === undefined ? own : ["strace", "-f", "-e", "signal=none", ...strace, "--", ...own];
  const steady =
    run === undefined ? {} : { NODE_OPTIONS: `--import ${join(root, "test/rig/steady.mjs")}`, STEADY: String(run) };
  return spawn(command, rest, {
    cwd: audit.folder,
    env: { PATH, HOME, LANG, TMPDIR, UV_THREADPOOL_SIZE: "1", ...steady, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
}

export function runProgram(audit: AuditFolder, options: ProgramOptions): Promise<ProgramEnd> {
  const child = startProgram(audit, options);
  let stdout = "";
  let stderr = "";
  child.stdout?.setEncoding("utf8").on("data", (chunk: string) => {
    stdout += chunk;
  });
  child.stderr?.setEncoding("utf8").on("data", (chunk: string) => {
    stderr += chunk;
  });
  return new Promise((resolve, reject) => {
    child.on("error", (error: NodeJS.ErrnoException) => {
      reject(error.code === "ENOENT" ? new Error("this test needs strace: apt-get install strace") : error);
    });
    child.on("close", (exitCode, signal) => resolve({ exitCode, signal, stdout, stderr }));
  });
}
