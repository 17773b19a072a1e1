/** `audit-run plan`: a table of nodes with verdict, reasons and what they may take. */
import { plan } from "../audit.js";
import type { Plan, PlanRow } from "../graph/plan.js";
import { counted, dollars, tokenText } from "../model/amount.js";
import { durationText, harmless, visible } from "../reporters/terminal/text.js";
import type { CommonOptions, Invocation, NarrowingOptions } from "./options.js";
import { refuse, requestOf } from "./request.js";

export async function planCommand(invocation: Invocation, options: CommonOptions & NarrowingOptions): Promise<number> {
  const { terminal } = invocation;
  const end = await plan(requestOf(invocation, options));
  if ("diagnostics" in end) return refuse(terminal, end);
  const { plan: planned, loaded, strangers } = end.planned;
  await terminal.diagnose(loaded.warnings);
  for (const stranger of strangers) terminal.say(visible(`warning: ${stranger}`));
  terminal.print(
    options.json ? JSON.stringify({ version: 1, ...planned }, null, 2) : planText(planned, loaded.agent.id),
  );
  return 0;
}

interface Column {
  readonly heading: string;
  readonly cell: (row: PlanRow) => string;
}

const columns: readonly Column[] = [
  { heading: "node", cell: ({ node }) => harmless(node) },
  { heading: "verdict", cell: ({ verdict }) => verdict },
  { heading: "cases", cell: ({ cases }) => (cases === null ? "" : `${cases.open} of ${cases.open + cases.reused}`) },
  { heading: "failures", cell: ({ cases }) => (cases === null ? "" : String(cases.failures)) },
  { heading: "time", cell: timeText },
  { heading: "prompt", cell: ({ tokens }) => (tokens === null ? "" : `~${tokenText(tokens)}`) },
  { heading: "cost", cell: costText },
  { heading: "because", cell: becauseText },
];

export function planText(planned: Plan, agent: string): string {
  // Money is a column only where there is some to tell apart: of all together the line below says it.
  const isPriced = planned.rows.some(({ expected }) => (expected?.cost ?? 0) > 0);
  const isPrompted = planned.totals.tokens !== null;
  const shown = columns.filter(
    ({ heading }) => (heading !== "cost" || isPriced) && (heading !== "prompt" || isPrompted),
  );
  const rows = [shown.map(({ heading }) => heading), ...planned.rows.map((row) => shown.map(({ cell }) => cell(row)))];
  const widths = shown.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const table = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
  const assumed = planned.assumes === null ? [] : [planned.assumes];
  return [...table, "", ...assumed, ...totalLines(planned, agent), ...planned.notes].join("\n");
}

/** Blank where nothing worth a word is expected; `~` marks a guess. */
function timeText({ verdict, expected }: PlanRow): string {
  if (expected === null || verdict === "reuse" || expected.duration === 0) return "";
  return expected.duration === null ? "unknown" : `${mark(expected)}${durationText(expected.duration)}`;
}

function costText({ cases, expected }: PlanRow): string {
  if (cases === null || expected === null || expected.cost === 0) return "";
  return expected.cost === null ? "unknown" : `${mark(expected)}${dollars(expected.cost)}`;
}

function mark({ guessed }: { readonly guessed: boolean }): string {
  return guessed ? "~" : "";
}

function becauseText({ because }: PlanRow): string {
  const more = because.length > 3 ? `; and ${because.length - 3} more` : "";
  return harmless(because.slice(0, 3).join("; ") + more);
}

function totalLines({ rows, totals }: Plan, agent: string): readonly string[] {
  const { open, reused, excepted, investigations } = totals;
  if (!rows.some((row) => row.kind === "investigate") && excepted === 0) {
    const known = rows.some(({ kind, verdict }) => kind === "export" && verdict === "reuse");
    return [known ? "No test fails." : "The export will say which investigations there are."];
  }
  const work =
    open === 0 ? "Nothing to investigate" : `${counted(investigations, "investigation")} of ${counted(open, "case")}`;
  return [
    `${work}; ${counted(reused, "finding")} used again; ${counted(excepted, "accepted exception")}.`,
    expectedText(totals, agent),
    ...promptLines(totals),
    ...(totals.expected.guessed ? ["~ is a guess: this agent has not investigated all of these cases before."] : []),
  ];
}

/** Never money: a prompt is the least of what a conversation reads, and its price is nobody's to guess. */
function promptLines({ tokens }: Plan["totals"]): readonly string[] {
  if (tokens === null) return [];
  const share = `of these ~${tokenText(tokens.shared)} in text that all tasks share`;
  return [`Prompts: ~${tokenText(tokens.prompts)} by estimate, ${share}; what agents read by tools comes on top.`];
}

function expectedText({ open, expected }: Plan["totals"], agent: string): string {
  const { makespan, duration, places, cost } = expected;
  const price =
    cost === 0
      ? `the agent ${agent} costs nothing`
      : cost === null
        ? `what the agent ${agent} costs is not known`
        : `${mark(expected)}${dollars(cost)}`;
  const priced = open === 0 ? "." : `; ${price}.`;
  if (makespan === null || duration === null) return `Expected time: not known before it has run once${priced}`;
  const parallel = open === 0 ? "" : ` (${durationText(duration)} of work, up to ${counted(places, "task")} at a time)`;
  return `Expected time: ${mark(expected)}${durationText(makespan)}${parallel}${priced}`;
}
