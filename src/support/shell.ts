/**
 * Short commands, written as they would be typed: the only home of zx. Their output is kept in memory as a whole.
 * Not for agents, dbt or anything long: that is process.ts.
 */
import { stat } from "node:fs/promises";
import { failed, ok, type Result } from "../model/result.js";
import { holdGroup } from "./process.js";
import { endGroup } from "./process-group.js";
import { recordProcess } from "./process-record.js";

export interface ShellOptions {
  /** Absolute folder. */
  readonly cwd: string;
  /** The whole environment. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Milliseconds; default 60,000. */
  readonly timeout?: number;
  readonly signal?: AbortSignal;
  /** How messages call the command. Default: its text, values left out. */
  readonly name?: string;
  /** Exit codes that are no failure. Default: 0. */
  readonly okCodes?: readonly number[];
}

export interface ShellOutput {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

export type Shell = (
  pieces: TemplateStringsArray,
  ...values: readonly (string | readonly string[])[]
) => Promise<Result<ShellOutput>>;

/**
 * A template tag that runs its text by `sh`: `shell({cwd, env})\`git log -- ${file}\``. Each value is one argument, each
 * list of values as many, quoted whatever they hold; a value that may start with a dash needs `--` before it.
 *
 * Failure codes: command-not-found, command-failed (with the end of stderr as detail), command-timeout, aborted.
 */
export function shell(options: ShellOptions): Shell {
  return async (pieces, ...values) => {
    const command = options.name ?? pieces.join("…").trim();
    if (isAborted(options.signal)) return failed("aborted", `${command} was not started`);
    if (values.flat().some((value) => value.includes("\0"))) {
      return failed("command-failed", `${command}: an argument holds a NUL byte`);
    }
    const folder = await stat(options.cwd).catch(() => null);
    if (folder === null || !folder.isDirectory()) {
      return failed("command-failed", `${command} cannot run in ${options.cwd}: there is no such folder`);
    }
    const { $ } = await import("zx");
    const record = recordProcess(command);
    const zx = $({
      cwd: options.cwd,
      env: { ...options.env, ...record.env },
      // zx quotes for bash, which is not everywhere; a POSIX shell is.
      shell: "sh",
      prefix: "",
      quote,
      nothrow: true,
      quiet: true,
      verbose: false,
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
    });
    const running = zx(pieces, ...values.map((value) => (typeof value === "string" ? value : [...value])));
    const pid = running.pid;
    const release = pid === undefined ? () => {} : holdGroup(pid);
    if (pid !== undefined) record.started(pid);
    // Not zx's own timeout: it needs `ps`, without which it brings our process down (google/zx#1369).
    let ended: "timeout" | "aborted" | null = null;
    let ending: Promise<unknown> = Promise.resolve();
    const end = (why: "timeout" | "aborted") => {
      ended ??= why;
      if (pid !== undefined) ending = endGroup(pid, 2_000);
    };
    const onAbort = () => end("aborted");
    const timeout = options.timeout ?? 60_000;
    const timer = setTimeout(() => end("timeout"), timeout);
    options.signal?.addEventListener("abort", onAbort);
    if (isAborted(options.signal)) onAbort();
    const output = await running;
    await ending;
    record.ended();
    clearTimeout(timer);
    options.signal?.removeEventListener("abort", onAbort);
    release();

    const why = ended as "timeout" | "aborted" | null;
    if (why === "aborted") return failed("aborted", `${command} was ended`);
    if (why === "timeout") return failed("command-timeout", `${command} took longer than ${timeout / 1000} s`);
    const { stdout, stderr, exitCode } = output;
    if (exitCode !== null && (options.okCodes ?? [0]).includes(exitCode)) return ok({ stdout, stderr, exitCode });
    const detail = stderr.trim().slice(-2_000);
    if (exitCode === 127) return failed("command-not-found", `${command} was not found`, { detail });
    const how = exitCode === null ? `was ended by ${output.signal ?? "the system"}` : `exited with ${exitCode}`;
    return failed("command-failed", `${command} ${how}${detail === "" ? "" : `: ${lastLine(detail)}`}`, { detail });
  };
}

/** One argument of a POSIX shell, whatever it holds. */
export function quote(argument: string): string {
  return /^[A-Za-z0-9_/.=@:,+-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", "'\\''")}'`;
}

function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true;
}

function lastLine(text: string): string {
  return text.slice(text.lastIndexOf("\n") + 1);
}
