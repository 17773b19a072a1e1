/** `audit-run logs VA`: what an agent does, or did, a line each, from the events of its task. */
import { resolve } from "node:path";
import { type FoundTask, findTask, readTask } from "../audit/task-log.js";
import { settings } from "../audit.js";
import { createAgentLog } from "../reporters/terminal/agent-log.js";
import { styleFor } from "../reporters/terminal/style.js";
import { harmless } from "../reporters/terminal/text.js";
import { closest } from "../support/suggest.js";
import { taskNode } from "./asking.js";
import type { CommonOptions, Invocation } from "./options.js";
import { refuse, requestOf } from "./request.js";

export interface LogsOptions extends CommonOptions {
  readonly follow?: boolean;
  readonly run?: string;
  readonly dir?: string;
}

export async function logsCommand(invocation: Invocation, task: string, options: LogsOptions): Promise<number> {
  const { terminal } = invocation;
  const dir = folderOf(invocation, options);
  if (typeof dir !== "string") return refuse(terminal, dir);
  const node = taskNode(task);
  const found = await findTask(dir, node, options.run ?? null);
  if (found.kind === "unknown") {
    terminal.refuse(unknownTask(node, found));
    return 2;
  }
  const isTTY = process.stdout.isTTY === true;
  const style = { ...styleFor(isTTY, process.env), color: terminal.color("stdout") };
  const lines = createAgentLog(style);
  terminal.onlyLooks();
  if (options.json !== true) terminal.print(`${harmless(node)} in run ${found.run}`);
  const end = await readTask(dir, found.run, node, {
    follow: options.follow ?? false,
    signal: terminal.signal,
    tell: (events) => {
      const shown = options.json ? events.map((event) => JSON.stringify(event)) : events.flatMap(lines);
      if (shown.length > 0) terminal.print(shown.join("\n"));
    },
  });
  // Only the task's own events are told, and that its run is no more is none of them.
  if (end === "run-ended" && options.json !== true) terminal.print("The run has ended before the task had.");
  return 0;
}

/** The audit folder: the one that is named, or the config's. */
export function folderOf(
  invocation: Invocation,
  options: LogsOptions,
): string | Extract<ReturnType<typeof settings>, { readonly exitCode: number }> {
  if (options.dir !== undefined) return resolve(options.dir);
  const loaded = settings(requestOf(invocation, options));
  return "exitCode" in loaded ? loaded : loaded.config.dir;
}

export function unknownTask(node: string, { tasks }: Extract<FoundTask, { readonly kind: "unknown" }>) {
  const near = closest(node, tasks);
  const hint =
    near !== undefined
      ? `Did you mean ${near}?`
      : tasks.length === 0
        ? "No run has come as far as its tasks."
        : "`audit-run status` lists the tasks.";
  return { code: "usage", message: `there is no task ${node}`, hint } as const;
}
