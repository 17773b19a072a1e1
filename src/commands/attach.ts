/**
 * `audit-run attach VA`: brings the tmux session of a task's agent into this terminal. Where there is none (any more), says
 * where its log is.
 */
import { spawn } from "node:child_process";
import { taskOf } from "../audit/status.js";
import { findTask, logFile } from "../audit/task-log.js";
import { registries, settings } from "../audit.js";
import type { Attachment } from "../model/runner.js";
import { taskNode } from "./asking.js";
import { unknownTask } from "./logs.js";
import type { CommonOptions, Invocation } from "./options.js";
import { refuse, requestOf } from "./request.js";

export async function attachCommand(invocation: Invocation, task: string, options: CommonOptions): Promise<number> {
  const { terminal } = invocation;
  const loaded = settings(requestOf(invocation, options));
  if ("exitCode" in loaded) return refuse(terminal, loaded);
  const { dir } = loaded.config;
  const node = taskNode(task);
  const found = await findTask(dir, node, null);
  if (found.kind === "unknown") {
    terminal.refuse(unknownTask(node, found));
    return 2;
  }
  const name = found.log.work?.session ?? null;
  const attachment = name === null ? null : await attachmentOf(dir, name);
  const log = await logFile(dir, found.run, taskOf(node));
  if (options.json) {
    const session = attachment === null ? null : { name, command: attachment.command };
    terminal.print(JSON.stringify({ version: 1, run: found.run, task: taskOf(node), session, log }, null, 2));
    return 0;
  }
  if (attachment === null || process.stdin.isTTY !== true || process.stdout.isTTY !== true) {
    if (attachment !== null) terminal.say(`This is no terminal; in one: ${attachment.command.join(" ")}`);
    else if (found.goesOn) terminal.say("No session shows it; to see what it does: audit-run logs -f");
    terminal.print(log);
    return 0;
  }
  const exitCode = await hand(attachment);
  terminal.print(log);
  return exitCode;
}

async function attachmentOf(dir: string, name: string): Promise<Attachment | null> {
  for (const runner of Object.values(registries.runners)) {
    const attachment = await runner.attachment(dir, name, process.env);
    if (attachment !== null) return attachment;
  }
  return null;
}

/** This terminal is the program's until it ends. Leaving, and the end of the session, are no errors. */
function hand({ command: [program = "", ...args], env }: Attachment): Promise<number> {
  return new Promise((resolve) => {
    const child = spawn(program, args, { env, stdio: "inherit" });
    child.once("error", () => resolve(3));
    child.once("exit", (code) => resolve(code === 0 || code === 1 ? 0 : 3));
  });
}
