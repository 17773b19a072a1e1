/** `audit-run status`: a line a task and totals, of the audit that runs here or of the last one; once, or again and again. */
import { setTimeout as sleep } from "node:timers/promises";
import { type Status, type StatusRow, watchStatus } from "../audit/status.js";
import { settings } from "../audit.js";
import type { CommonOptions, Invocation } from "./options.js";
import { refuse, requestOf } from "./request.js";
import { frame, statusText } from "./status-text.js";
import type { Terminal } from "./terminal.js";

export async function statusCommand(
  invocation: Invocation,
  options: CommonOptions & { readonly watch?: boolean },
): Promise<number> {
  const { terminal } = invocation;
  const loaded = settings(requestOf(invocation, options));
  if ("exitCode" in loaded) return refuse(terminal, loaded);
  const look = watchStatus(loaded.config.dir, () => new Date());
  terminal.onlyLooks();
  if (options.watch === true) return watch(look, terminal, options.json ?? false);
  const status = await look();
  terminal.print(options.json ? JSON.stringify(status, null, 2) : statusText(status, new Date()).join("\n"));
  return 0;
}

/** Milliseconds between two looks. */
const pause = 1_000;

/** Until the run has ended, or the person has seen enough: neither is an error. */
async function watch(look: () => Promise<Status>, terminal: Terminal, json: boolean): Promise<number> {
  let before = "";
  for (;;) {
    const screen = json ? null : terminal.screen();
    const status = await look();
    const lines = statusText(status, new Date());
    if (screen === null) {
      // What only time has changed is no news.
      const news = JSON.stringify({ ...status, elapsed: 0, ...withoutTime(status) });
      if (news !== before) terminal.print(json ? JSON.stringify(status) : `${lines.join("\n")}\n`);
      before = news;
    } else terminal.print(frame(lines, screen));
    if (status.state !== "running") return 0;
    await sleep(pause, undefined, { signal: terminal.signal }).catch(() => undefined);
    if (terminal.signal.aborted) return 0;
  }
}

function withoutTime({ stages, tasks }: Status): Pick<Status, "stages" | "tasks"> {
  const still = (row: StatusRow): StatusRow => (row.state === "running" ? { ...row, elapsed: 0 } : row);
  return { stages: stages.map(still), tasks: tasks.map(still) };
}
