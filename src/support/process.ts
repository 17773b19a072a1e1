/**
 * Runs one child process as the leader of its own group, and ends the whole group.
 * Knows nothing of what it runs; never needs `ps`.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { stat } from "node:fs/promises";
import type { Readable } from "node:stream";
import { failed, ok, type Result } from "../model/result.js";
import { guard, living, unguard } from "./living-groups.js";
import { endGroup } from "./process-group.js";
import { Capture, type Captured, LineReader, OutputFile } from "./process-output.js";
import { type RecordedProcess, recordProcess } from "./process-record.js";

export { holdGroup, killAllProcesses } from "./living-groups.js";
export { type Captured, capturedText } from "./process-output.js";

export interface ProcessOptions {
  /** Text is run by `sh -c`; a list is a program and its arguments, run without a shell. */
  readonly command: string | readonly string[];
  /** What it is, as `investigate:VA`, for the record of what runs. Default: a command. Nothing secret. */
  readonly purpose?: string;
  /** Absolute folder. */
  readonly cwd: string;
  /** The whole environment: nothing of ours is passed on by itself. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Written to stdin, which is then closed. Without it stdin is empty. */
  readonly input?: string;
  /** Files that the output is streamed to while it comes. */
  readonly stdoutFile?: string;
  readonly stderrFile?: string;
  /** Applied to what goes into those files, line by line. */
  readonly redact?: (text: string) => string;
  /** Called with each line of stdout that is not empty, as it comes. */
  readonly onLine?: (line: string) => void;
  /** The same of stderr. */
  readonly onErrorLine?: (line: string) => void;
  /** Bytes of each stream to keep in memory. Default: the first and the last 64 KiB. */
  readonly keep?: { readonly head: number; readonly tail: number };
  /** Both streams together; beyond it the process is ended. Default: no limit. */
  readonly maxOutputBytes?: number;
  /** Milliseconds. Default: no limit. */
  readonly timeout?: number;
  /** Milliseconds between TERM and KILL. Default 5,000. */
  readonly grace?: number;
  readonly signal?: AbortSignal;
}

export interface ProcessEnd {
  /** Null where a signal ended it. */
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Why it ended: by itself, or because we ended it. */
  readonly reason: "exited" | "timeout" | "aborted" | "output-too-large";
  readonly stdout: Captured;
  readonly stderr: Captured;
  /** Milliseconds from spawn to the end of the group. */
  readonly duration: number;
}

type EndReason = ProcessEnd["reason"];

const longestTimer = 2 ** 31 - 1;

/**
 * Guarantees, whatever the child does:
 * - it resolves: also where the leader ignores TERM, where it exits and leaves children behind that hold its pipes,
 *   and where it never reads stdin;
 * - when it resolves, no process of the group runs (one that made a session of its own, as a daemon does, is out of reach);
 * - memory stays within `keep`, and files within `maxOutputBytes` plus one chunk;
 * - where our own process exits or dies of a signal that it can catch, the group is killed; where it is killed itself, the
 *   record of what runs (process-record.ts) tells the next of it.
 *
 * A non-zero exit is no failure here. Failure codes: command-not-found, command-failed (may not be run, no such folder,
 * too many open files, …), disk (an output file cannot be written).
 */
export async function runProcess(options: ProcessOptions): Promise<Result<ProcessEnd>> {
  const keep = options.keep ?? { head: 64 * 1024, tail: 64 * 1024 };
  const stdout = new Capture(keep.head, keep.tail);
  const stderr = new Capture(keep.head, keep.tail);
  if (isAborted(options.signal)) {
    return ok({
      exitCode: null,
      signal: null,
      reason: "aborted",
      stdout: stdout.end(),
      stderr: stderr.end(),
      duration: 0,
    });
  }

  let stop: (why: EndReason) => void = () => {};
  const files = openFiles(options, () => stop("aborted"));
  if (!files.ok) return files;
  const [stdoutFile, stderrFile] = files.value;
  const closeFiles = (): void => {
    stdoutFile?.close();
    stderrFile?.close();
  };

  const startedAt = performance.now();
  const record = recordProcess(options.purpose ?? "a command");
  const started = await start(options, record);
  if (!started.ok) {
    record.ended();
    closeFiles();
    return started;
  }
  const { child, pid, exit } = started.value;

  let reason: EndReason = "exited";
  let exited = false;
  let ending: Promise<boolean> | undefined;
  const end = () => {
    ending ??= endGroup(pid, options.grace ?? 5_000);
    return ending;
  };
  let giveUp: () => void = () => {};
  const gaveUp = new Promise<ExitStatus>((resolve) => {
    giveUp = () => resolve({ code: null, signal: "SIGKILL" });
  });
  stop = (why) => {
    if (exited || reason !== "exited") return;
    reason = why;
    // A process that even KILL does not end (it hangs in the kernel) must not hang us.
    void end().then(() => setTimeout(giveUp, 1_000).unref());
  };

  const tooLarge = () => {
    if (stdout.bytes + stderr.bytes <= (options.maxOutputBytes ?? Number.POSITIVE_INFINITY)) return;
    stop("output-too-large");
    child.stdout?.destroy();
    child.stderr?.destroy();
  };
  const streams = [
    collect(child.stdout, stdout, stdoutFile, tooLarge),
    collect(child.stderr, stderr, stderrFile, tooLarge),
  ];
  const lines = readLines(child.stdout, options.onLine);
  const errorLines = readLines(child.stderr, options.onErrorLine);
  const onAbort = () => stop("aborted");
  options.signal?.addEventListener("abort", onAbort);
  if (isAborted(options.signal)) onAbort();
  const timer =
    options.timeout === undefined
      ? undefined
      : setTimeout(() => stop("timeout"), Math.min(options.timeout, longestTimer));

  const { code, signal } = await Promise.race([exit, gaveUp]);
  exited = true;
  clearTimeout(timer);
  options.signal?.removeEventListener("abort", onAbort);
  if (await end()) record.ended();
  living.delete(pid);
  unguard();
  await drain(Promise.all(streams), () => stdout.bytes + stderr.bytes);
  lines?.end();
  errorLines?.end();
  for (const stream of [child.stdin, child.stdout, child.stderr]) stream?.destroy();
  const duration = performance.now() - startedAt;
  closeFiles();

  const diskError = stdoutFile?.error ?? stderrFile?.error;
  if (diskError) return failed("disk", `the output of ${name(options)} cannot be written: ${diskError.message}`);
  return ok({ exitCode: code, signal, reason, stdout: stdout.end(), stderr: stderr.end(), duration });
}

interface ExitStatus {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

interface Started {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly exit: Promise<ExitStatus>;
}

async function start(options: ProcessOptions, record: RecordedProcess): Promise<Result<Started>> {
  const [program, ...args] = typeof options.command === "string" ? ["sh", "-c", options.command] : options.command;
  if (program === undefined || program === "") return failed("command-not-found", "the command is empty");
  let error: NodeJS.ErrnoException;
  // Before the spawn: a signal that comes while the child starts must find us listening.
  guard();
  try {
    const child = spawn(program, args, {
      cwd: options.cwd,
      env: { ...options.env, ...record.env },
      detached: true,
      stdio: [options.input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
    });
    const { pid } = child;
    if (pid !== undefined) {
      living.add(pid);
      record.started(pid);
      const exit = new Promise<ExitStatus>((resolve) => {
        child.once("exit", (code, signal) => resolve({ code, signal }));
      });
      // A child that does not read its stdin is no error of ours.
      child.stdin?.on("error", () => {});
      child.stdin?.end(options.input);
      child.on("error", () => {});
      return ok({ child, pid, exit });
    }
    error = await new Promise<NodeJS.ErrnoException>((resolve) => child.once("error", resolve));
  } catch (thrown) {
    error = thrown as NodeJS.ErrnoException;
  }
  unguard();
  return refused(options, error);
}

async function refused(options: ProcessOptions, error: NodeJS.ErrnoException): Promise<Result<never>> {
  const what = name(options);
  const folder = await stat(options.cwd).catch(() => null);
  if (folder === null || !folder.isDirectory()) {
    return failed("command-failed", `${what} cannot run in ${options.cwd}: there is no such folder`);
  }
  switch (error.code) {
    case "ENOENT":
      return failed("command-not-found", `${what} was not found`, { hint: "Install it, or give its path." });
    case "EACCES":
    case "EPERM":
      return failed("command-failed", `${what} may not be run (${error.code})`, {
        hint: "Is it a program, and does it have the permission to be executed (chmod +x)?",
      });
    case "EMFILE":
    case "ENFILE":
    case "EAGAIN":
    case "ENOMEM":
      return failed("command-failed", `${what} could not be started: the machine is out of means (${error.code})`, {
        hint: "Lower slots.count, or raise the limit of open files (ulimit -n) or processes (ulimit -u).",
      });
    default:
      return failed("command-failed", `${what} could not be started: ${error.message}`);
  }
}

function name(options: ProcessOptions): string {
  const text = typeof options.command === "string" ? options.command : (options.command[0] ?? "");
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 79)}…` : text);
}

function openFiles(options: ProcessOptions, onError: () => void): Result<readonly (OutputFile | undefined)[]> {
  const files: (OutputFile | undefined)[] = [];
  for (const path of [options.stdoutFile, options.stderrFile]) {
    try {
      files.push(path === undefined ? undefined : new OutputFile(path, options.redact, onError));
    } catch (error) {
      files[0]?.close();
      return failed("disk", `${path} cannot be written: ${(error as Error).message}`);
    }
  }
  return ok(files);
}

function readLines(stream: Readable | null, onLine: ((line: string) => void) | undefined): LineReader | null {
  if (onLine === undefined) return null;
  const reader = new LineReader(onLine);
  stream?.on("data", (chunk: Buffer) => reader.add(chunk));
  return reader;
}

function collect(
  stream: Readable | null,
  capture: Capture,
  file: OutputFile | undefined,
  onChunk: () => void,
): Promise<void> {
  if (stream === null) return Promise.resolve();
  stream.on("data", (chunk: Buffer) => {
    capture.add(chunk);
    file?.add(chunk);
    onChunk();
  });
  stream.on("error", () => {});
  return new Promise((resolve) => stream.once("close", () => resolve()));
}

/**
 * Waits until the pipes are closed, or have been quiet twice in a row (a daemon may hold them for ever). Twice, since
 * after a stall of the event loop timers come before the data that waits.
 */
async function drain(closed: Promise<unknown>, bytes: () => number): Promise<void> {
  let isClosed = false;
  const done = closed.then(() => {
    isClosed = true;
  });
  const deadline = performance.now() + 5_000;
  for (let quiet = 0; quiet < 2 && performance.now() < deadline; ) {
    const before = bytes();
    await Promise.race([done, delay(200)]);
    if (isClosed) return;
    quiet = bytes() === before ? quiet + 1 : 0;
  }
}

function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true;
}

function delay(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
