/**
 * Writes reports into the audit folder: a task's own pages as soon as it has ended, everything when all have.
 */
import { readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import type { JudgedTask } from "../graph/assign.js";
import type { Export } from "../model/case.js";
import type { Config } from "../model/config.js";
import type { Settled } from "../model/graph.js";
import type { AuditReport, Reporter } from "../model/report.js";
import { spentOf } from "../model/spending.js";
import { writeFileAtomic } from "../support/files.js";
import { redactStrings } from "../support/redact.js";
import { collectReport } from "../tasks/collect.js";
import type { Session } from "../tasks/session.js";
import type { Assigned } from "./inputs.js";
import type { ReportFiles } from "./report-files.js";

export interface ReportInput {
  readonly session: Session;
  readonly exported: Export;
  readonly assigned: Assigned;
  readonly settled: readonly Settled[];
  readonly retryCommand: string;
  readonly notes: readonly string[];
}

export function makeReport(input: ReportInput): AuditReport {
  const { session, exported, assigned } = input;
  const judged = assigned.assignment.tasks.flatMap((task) => task.cases);
  const asked = new Set(judged.filter((item) => item.selected).map((item) => item.case.id));
  const report = collectReport({
    name: session.config.name,
    run: session.run.id,
    at: session.run.startedAt.toISOString(),
    groupLabel: session.config.groupBy.label,
    categories: session.config.categories,
    export: exported,
    tasks: assigned.assignment.tasks.map(({ task }) => task),
    findings: session.progress.findings,
    refused: session.progress.rejected,
    isAsked: (id) => asked.has(id),
    settled: input.settled,
    exceptions: assigned.exceptions,
    retryCommand: input.retryCommand,
    notes: input.notes,
    spent: spentOf(session.ledger.total),
  });
  return redactStrings(report, session.redact);
}

/** The pages of one task, without waiting for the others, and without a look at them. */
export async function writeTaskPages(
  input: ReportInput,
  judged: JudgedTask,
  reporters: readonly Reporter[],
  files: ReportFiles,
): Promise<void> {
  const { exported, assigned } = input;
  const { task } = judged;
  const groups = new Set(task.cases.map((item) => item.group.key));
  const accepted = assigned.exceptions.excepted.filter(({ case: item }) => groups.has(item.group.key));
  const report = makeReport({
    ...input,
    exported: { ...exported, cases: [...task.cases, ...accepted.map((each) => each.case)] },
    assigned: {
      ...assigned,
      exceptions: { ...assigned.exceptions, excepted: accepted },
      assignment: { ...assigned.assignment, tasks: [judged] },
    },
  });
  const own = [`results/${task.id}.md`, `results/${task.id}.json`];
  const rendered = reporters.flatMap((reporter) => reporter.render(report));
  await files.write(rendered.filter(({ path }) => own.includes(path)));
}

/** Everything; pages of tasks that no longer exist are removed, since they would speak of an older audit. */
export async function writeReports(
  report: AuditReport,
  config: Config,
  reporters: readonly Reporter[],
  files: ReportFiles,
): Promise<void> {
  const rendered = reporters.flatMap((reporter) => reporter.render(report));
  await files.write(rendered);
  files.remember(rendered);
  const kept = new Set(rendered.map((file) => file.path));
  const results = join(config.dir, "results");
  for (const name of await readdir(results)) {
    if (/\.(md|json)$/.test(name) && !kept.has(`results/${name}`)) await rm(join(results, name), { force: true });
  }
}

const earlierMark = "<!-- what follows is of an earlier run -->\n\n";

/** A run that did not get as far as its report says so on top of the old one, which would look current otherwise. */
export async function markAsEarlier(session: Session, ends: readonly Settled[]): Promise<void> {
  const file = join(session.config.dir, "full-report.md");
  const text = await readFile(file, "utf8").catch(() => null);
  if (text === null) return;
  const first = ends.find(({ failure }) => failure !== undefined);
  const why =
    first?.failure === undefined ? "It was stopped" : `${first.node} failed: ${oneLine(first.failure.message)}`;
  const banner = `> **The latest run, ${session.run.id}, made no report.** ${why}. What follows is of an earlier run.\n\n`;
  const earlier = text.slice(text.indexOf(earlierMark) + (text.includes(earlierMark) ? earlierMark.length : 1));
  await writeFileAtomic(file, `${banner}${earlierMark}${earlier}`);
}

/** Messages hold names and paths of the outside. */
function oneLine(text: string): string {
  return text
    .replaceAll(/\s+/g, " ")
    .replaceAll(/[\\`*_<>[\]#|]/g, "\\$&")
    .replace(/\.$/, "");
}
