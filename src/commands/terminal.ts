/**
 * The terminal of one invocation: results on stdout, everything else on stderr, signals as one AbortSignal.
 * Ctrl-C once stops in order; twice stops at once.
 */
import type { Diagnostic } from "../model/diagnostic.js";
import type { Failure } from "../model/result.js";
import { visible } from "../reporters/terminal/text.js";

export interface Terminal {
  /** Aborted by Ctrl-C and TERM; its reason is the signal's name. */
  readonly signal: AbortSignal;
  readonly color: (stream: "stdout" | "stderr") => boolean;
  /** Where results go, if that is a screen: its size, which may change. */
  readonly screen: () => { readonly columns: number; readonly rows: number } | null;
  /** A result. */
  print(text: string): void;
  /** Anything that is no result. */
  say(text: string): void;
  /** Asks a person; null where none is there to answer. */
  readonly ask: ((question: string) => Promise<string>) | null;
  diagnose(diagnostics: readonly Diagnostic[]): Promise<void>;
  refuse(failure: Failure): void;
  /** From now on Ctrl-C stops a run, and what that means is said. */
  runs(): void;
  /** From now on Ctrl-C only ends the looking: nothing is stopped by it, and nothing is said of stopping. */
  onlyLooks(): void;
  dispose(): void;
}

export function createTerminal(): Terminal {
  const controller = new AbortController();
  let stopping: string | null = "Stopping.";

  const onSignal = (signal: NodeJS.Signals): void => {
    const exitCode = signal === "SIGINT" ? 130 : 143;
    // `process.exit` also ends what processes are left: support/process.ts listens.
    if (controller.signal.aborted) process.exit(exitCode);
    if (stopping !== null) process.stderr.write(`\n${stopping}\n`);
    controller.abort(signal);
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  // A reader that has seen enough (`| head`) is no error.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
  });

  const color = (stream: "stdout" | "stderr"): boolean => {
    if ((process.env.NO_COLOR ?? "") !== "") return false;
    if ((process.env.FORCE_COLOR ?? "") !== "") return process.env.FORCE_COLOR !== "0";
    return process[stream].isTTY === true && process.env.TERM !== "dumb";
  };
  const say = (text: string): void => void process.stderr.write(`${text}\n`);

  return {
    signal: controller.signal,
    color,
    screen: () => {
      const { isTTY, columns, rows } = process.stdout;
      return isTTY === true && process.env.TERM !== "dumb" ? { columns: columns || 80, rows: rows || 24 } : null;
    },
    print: (text) => void process.stdout.write(text.endsWith("\n") ? text : `${text}\n`),
    say,
    ask: process.stdin.isTTY && process.stderr.isTTY ? (question) => askLine(question, controller.signal) : null,
    async diagnose(diagnostics) {
      if (diagnostics.length === 0) return;
      const { renderDiagnostics } = await import("../support/render-diagnostics.js");
      say(renderDiagnostics(diagnostics, { color: color("stderr") }));
    },
    refuse(failure) {
      // Names of tests and groups come from the data.
      say(visible(`error[${failure.code}]: ${failure.message}`));
      if (failure.hint !== undefined) say(visible(`  hint: ${failure.hint}`));
      if (failure.detail !== undefined && failure.detail !== "") say(visible(failure.detail).replaceAll(/^/gm, "  | "));
    },
    runs: () => {
      stopping = "Stopping: finished findings are kept. Once more to stop at once.";
    },
    onlyLooks: () => {
      stopping = null;
    },
    dispose() {
      process.off("SIGINT", onSignal);
      process.off("SIGTERM", onSignal);
    },
  };
}

/** One line, without what ends it; nothing where no answer comes. */
async function askLine(question: string, signal: AbortSignal): Promise<string> {
  const { createInterface } = await import("node:readline/promises");
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  // Ctrl-C is no answer, and stops the program as it does elsewhere.
  lines.on("SIGINT", () => process.kill(process.pid, "SIGINT"));
  try {
    return await Promise.race([
      lines.question(question, { signal }),
      new Promise<string>((resolve) => lines.once("close", () => resolve(""))),
    ]);
  } catch {
    return "";
  } finally {
    lines.close();
  }
}
