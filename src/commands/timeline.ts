/** `audit-run timeline`: the nodes of a run as bars over its time. */

import { join, relative } from "node:path";
import { readTimeline, type Timeline, type TimelineRow } from "../audit/timeline.js";
import { load } from "../audit.js";
import { counted } from "../model/amount.js";
import { cutToFit, durationText, harmless, pad } from "../reporters/terminal/text.js";
import type { CommonOptions, Invocation } from "./options.js";
import { refuse, requestOf } from "./request.js";

export async function timelineCommand(
  invocation: Invocation,
  options: CommonOptions & { readonly run?: string },
): Promise<number> {
  const { terminal } = invocation;
  const loaded = await load(requestOf(invocation, options));
  if ("diagnostics" in loaded) return refuse(terminal, loaded);
  await loaded.agent.close();
  const timeline = await readTimeline(loaded.config.dir, options.run ?? null);
  if (timeline === null) {
    const runs = join(relative(process.cwd(), loaded.config.dir), "runs");
    terminal.say(options.run === undefined ? "error: nothing has run yet" : `error: there is no run ${options.run}`);
    if (options.run !== undefined)
      terminal.say(`  hint: ${runs} has a folder for each; without --run it is the newest.`);
    return 2;
  }
  terminal.print(options.json ? JSON.stringify({ version: 1, ...timeline }, null, 2) : asText(timeline));
  return 0;
}

const barColumns = 48;
const mostNameColumns = 32;

function asText(timeline: Timeline): string {
  const { run, startedAt, duration, rows, reused } = timeline;
  const names = rows.map(({ node }) => cutToFit(harmless(node), mostNameColumns, "…"));
  const columns = Math.max(0, ...names.map((name) => name.length));
  const lines = rows.map((row, index) => {
    const took = durationText(row.end - row.start).padStart(8);
    return `${pad(names[index] ?? "", columns)}  ${bar(row, duration)}  ${took}  ${row.outcome ?? "did not end"}`;
  });
  const more = reused === 0 ? [] : [`${counted(reused, "node")} reused.`];
  return [`${run}, started ${startedAt}, ${durationText(duration)} in all`, ...lines, ...more].join("\n");
}

function bar({ start, end }: TimelineRow, duration: number): string {
  const scale = barColumns / Math.max(1, duration);
  const from = Math.min(barColumns - 1, Math.floor(start * scale));
  const length = Math.max(1, Math.round((end - start) * scale));
  return `${" ".repeat(from)}${"█".repeat(length)}`.slice(0, barColumns).padEnd(barColumns);
}
