/**
 * What a run left behind, looked at from outside, for tests that kill it or damage its files: which cases are finished,
 * which were asked of an agent, what the report says.
 */
import { mkdir, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "vitest";
import { readTraceStore } from "../../src/execution/traces.js";
import { verifyTraces } from "../../src/execution/verify.js";
import type { AuditFolder, Failures } from "./small-audit.js";
import { type ProgramEnd, runProgram } from "./strace.js";

/** Two tasks with three cases between them. */
export const failures: Failures = {
  vendor_missing: [
    ["VA", 3],
    ["TX", 2],
  ],
  total_wrong: [["VA", 5]],
};
export const caseIds = ["total_wrong@VA", "vendor_missing@TX", "vendor_missing@VA"];

/** Settings of `agent:` for one that prints what is written down for its task: the cheapest there is. */
export async function printingAgent(audit: AuditFolder): Promise<Record<string, unknown>> {
  await mkdir(join(audit.folder, "answers"), { recursive: true });
  for (const task of ["VA", "TX"]) {
    const found = Object.entries(failures).flatMap(([test, groups]) =>
      groups.filter(([group]) => group === task).map(([group, count]) => findingOf(test, group, count)),
    );
    await audit.write(`answers/${task}.json`, JSON.stringify({ findings: found }));
  }
  const command = ["sh", "-c", `cat "${join(audit.folder, "answers")}/$AUDIT_TASK.json"`];
  return { use: "command", command, slot: false };
}

function findingOf(test: string, group: string | null, count: number) {
  return {
    test,
    group,
    failures: count,
    classification: "needs_fix",
    confidence: "high",
    root_cause: "The join of bids loses the vendor of these rows.",
    recommendation: "Join by vendor_id.",
    evidence: [
      {
        title: "rows without a vendor",
        sql: `select count(*) as n from "small"."failures"."${test}" where vendor is null`,
      },
    ],
  };
}

/**
 * Lets the next run through, by the built program. It may ask for no case that is finished, and leaves what a run leaves
 * that nobody disturbed.
 */
export async function expectTakenUp(audit: AuditFolder, undisturbed: unknown): Promise<ProgramEnd> {
  const finished = await finishedCases(audit);
  const before = await runs(audit);
  const end = await runProgram(audit, { run: 9, args: ["--progress", "plain"] });
  expect(end, end.stderr).toMatchObject({ exitCode: 0 });
  for (const name of await runs(audit)) {
    if (before.includes(name)) continue;
    const again = (await askedIn(audit, name)).filter((id) => finished.includes(id));
    expect(again, "finished, and asked again").toEqual([]);
  }
  expect(await findings(audit)).toEqual(undisturbed);
  const verified = await verifyTraces(join(audit.folder, ".audit/traces"));
  expect(verified).toMatchObject({ ok: true, value: { damage: [] } });
  return end;
}

/** Cases whose findings nobody should pay for again. */
export async function finishedCases(audit: AuditFolder): Promise<readonly string[]> {
  const traces = await readTraceStore(join(audit.folder, ".audit/traces"));
  if (!traces.ok) throw new Error(traces.failure.message);
  return caseIds.filter((id) => traces.value.find(id).length > 0);
}

export async function runs(audit: AuditFolder): Promise<readonly string[]> {
  return (await readdir(join(audit.folder, ".audit/runs")).catch(() => [])).sort();
}

/** Cases that a run asked its agents, by the prompts that it wrote for them. */
export async function askedIn(audit: AuditFolder, run: string): Promise<readonly string[]> {
  const tasks = join(audit.folder, ".audit/runs", run, "tasks");
  const asked: string[] = [];
  for (const task of await readdir(tasks).catch(() => [])) {
    const prompt = await readFile(join(tasks, task, "prompt.md"), "utf8").catch(() => "");
    for (const [, test, group] of prompt.matchAll(/^\{"test":"(\w+)","group":"(\w+)","failures":/gm))
      asked.push(`${test}@${group}`);
  }
  return asked.sort();
}

/** All that the report says of each case, but for which run found it. */
export async function findings(audit: AuditFolder): Promise<unknown> {
  const { cases } = JSON.parse(await audit.read(".audit/findings.json"));
  const history = ["provenance", "reused"];
  return JSON.parse(JSON.stringify(cases, (key, value) => (history.includes(key) ? undefined : value)));
}
