// What a run's events say of its tasks, while it goes on, after it, and of logs that older versions or crashes left.
import { appendFile, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { emptyLog, take } from "../../src/audit/run-log.js";
import { statusOf, watchStatus } from "../../src/audit/status.js";
import { frame, statusText } from "../../src/commands/status-text.js";
import { readEventLog } from "../../src/execution/event-log.js";
import { acquireLock } from "../../src/execution/lock.js";
import type { Usage } from "../../src/model/agent.js";
import type { AuditEvent, AuditEventLine } from "../../src/model/events.js";

const at = (second: number): string => new Date(Date.UTC(2026, 1, 3, 12, 0, second)).toISOString();
const now = new Date(at(60));
const process_ = { pid: 42, host: "here" };

/** Events, a second apart. */
function lines(...events: AuditEvent[]): AuditEventLine[] {
  return events.map((event, index) => ({ ...event, seq: index + 1, at: at(index) }));
}

function status(events: readonly AuditEventLine[], more: { readonly goesOn: boolean }) {
  const log = emptyLog();
  for (const event of events) take(log, event);
  return statusOf(log, { run: "r1", process: more.goesOn ? process_ : null, now });
}

const failure = { code: "agent-failed", message: "the agent died" } as const;
const events = lines(
  { type: "run-started", run: "r1", version: "0", argv: [], events: 2 },
  { type: "added", nodes: ["export", "investigate:VA", "investigate:TX", "investigate:OH"] },
  { type: "reused", nodes: ["investigate:FL"] },
  { type: "settled", node: "export", outcome: "executed", duration: 5 },
  { type: "started", node: "investigate:VA" },
  { type: "started", node: "investigate:TX" },
  { type: "finding", node: "investigate:VA", case: "a@VA", classification: "needs_fix", reused: false },
  { type: "progress", node: "investigate:VA", message: "looks upstream" },
  { type: "settled", node: "investigate:TX", outcome: "failed", duration: 3000, failure },
);

describe("the status of a run", () => {
  test("that goes on has a row a task: state, owner, elapsed, last activity", () => {
    const told = status(events, { goesOn: true });
    expect(told).toMatchObject({ state: "running", run: "r1", elapsed: 60_000, exitCode: null, process: process_ });
    expect(told.tasks).toMatchObject([
      {
        node: "investigate:VA",
        state: "running",
        owner: "agent-va",
        elapsed: 56_000,
        lastActivity: at(7),
        message: "looks upstream",
        findings: 1,
      },
      { node: "investigate:TX", state: "failed", elapsed: 3000, message: "the agent died", failure },
      { node: "investigate:OH", state: "waiting", owner: null, elapsed: 0, lastActivity: null },
      { node: "investigate:FL", state: "reused", owner: null },
    ]);
    expect(told.totals).toMatchObject({ waiting: 1, running: 1, executed: 0, reused: 1, failed: 1, findings: 1 });
    expect(told.stages.map(({ node }) => node)).toEqual(["export"]);
  });

  test("that was killed says what ran then", () => {
    const told = status(events, { goesOn: false });
    expect(told).toMatchObject({ state: "killed", elapsed: 8000, totals: { killed: 1, running: 0 } });
    expect(told.tasks[0]).toMatchObject({ state: "killed", elapsed: 4000 });
  });

  test("that has ended says how", () => {
    const ended = lines(
      ...events,
      { type: "settled", node: "investigate:VA", outcome: "executed", duration: 4000 },
      { type: "run-settled", exitCode: 3, executed: 1, reused: 1, failed: 1 },
    );
    expect(status(ended, { goesOn: false })).toMatchObject({ state: "ended", exitCode: 3, elapsed: 10_000 });
  });

  test("says where an agent works and adds up what it has spent, over all its attempts", () => {
    const node = "investigate:VA";
    const spent = (usage: Partial<Usage>): AuditEvent => {
      const all = { input: 0, output: 0, cached: 0, cost: null, turns: 0, ...usage };
      return { type: "agent", node, activity: { type: "spent", usage: all } };
    };
    const work = { agent: "claude", slot: 2, isolation: "restricted", session: "agent-va" } as const;
    const log = lines(
      ...events,
      { type: "at-work", node, ...work },
      spent({ input: 1_000, output: 20, turns: 1 }),
      { type: "agent", node, activity: { type: "uses", tool: "run_sql", detail: "select 1" } },
      spent({ cached: 500, cost: 0.02, turns: 2 }),
    );
    const told = status(log, { goesOn: true });
    const usage = { input: 1_000, output: 20, cached: 500, cost: 0.02, turns: 3, unpriced: 1_020 };
    expect(told.tasks[0]).toMatchObject({ ...work, spent: usage, message: "run_sql select 1" });
    expect(told.totals.spent).toEqual(usage);
    expect(told.tasks[1]).toMatchObject({ agent: null, slot: null, spent: { cost: 0, turns: 0 } });
    const text = statusText(told, now);
    expect(text[1]).toMatch(
      /^investigate:VA +running +agent-va +slot 2 +restricted +56 s +3 turns +1\.0k tokens +\$0\.02 +1 finding, run_sql/,
    );
    expect(text.at(-1)).toContain("; $0.02 spent (1,020 tokens, of which 1,020 at a price that was not told).");
  });

  test("is drawn over what stood there, and never beyond the screen", () => {
    const text = ["the head", ...Array.from({ length: 30 }, (_, index) => `task ${index}`), "the sum of it all"];
    const drawn = frame(text, { columns: 8, rows: 10 });
    expect(drawn.split("\n")).toHaveLength(9);
    expect(drawn).toContain("…");
    expect(stripVTControlCharacters(drawn)).toContain("the sum…");
  });

  test("counts a node that was opened again by what it does now", () => {
    const reopened = lines(...events, { type: "reopened", node: "investigate:TX" });
    expect(status(reopened, { goesOn: true }).tasks[1]).toMatchObject({
      state: "waiting",
      failure: null,
      message: null,
    });
  });

  test("of a log of version 1 counts what was reused, and leaves out types of later versions", () => {
    const old = lines({ type: "settled", node: "investigate:VA", outcome: "reused", duration: 0 });
    const later = { type: "sung", node: "investigate:VA", seq: 2, at: at(1) } as unknown as AuditEventLine;
    expect(status([...old, later], { goesOn: false }).totals).toMatchObject({ reused: 1 });
  });
});

describe("in an audit folder", () => {
  let dir: string;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), "audit-run-status-"));
  });
  afterEach(() => rm(dir, { recursive: true, force: true }));
  const text = (more: readonly AuditEventLine[]): string => more.map((line) => `${JSON.stringify(line)}\n`).join("");

  async function writeRun(run: string, content: string): Promise<string> {
    await mkdir(join(dir, "runs", run), { recursive: true });
    const file = join(dir, "runs", run, "events.jsonl");
    await writeFile(file, content);
    return file;
  }

  test("where nothing has run, there is nothing to tell", async () => {
    expect(await watchStatus(dir, () => now)()).toMatchObject({ state: "none", run: null, tasks: [] });
    expect(await watchStatus(join(dir, "nowhere"), () => now)()).toMatchObject({ state: "none" });
  });

  test("the newest run with events counts, and the one that holds the lock before it", async () => {
    await writeRun("20260203-120000000", text(events));
    await mkdir(join(dir, "runs", "20260203-130000000"));
    expect(await watchStatus(dir, () => now)()).toMatchObject({ state: "killed", run: "20260203-120000000" });
    await writeRun("20260203-140000000", text(events));
    const lock = await acquireLock(join(dir, "run.lock"), () => now, "20260203-120000000");
    expect(await watchStatus(dir, () => now)()).toMatchObject({
      state: "running",
      run: "20260203-120000000",
      process: { pid: process.pid, host: hostname() },
    });
    if (lock.ok) await lock.value();
  });

  test("looking again reads what has come since, wherever the writer was interrupted", async () => {
    const whole = Buffer.from(text(lines(...events, { type: "progress", node: "investigate:VA", message: "é ✓" })));
    for (const cut of [1, whole.length - 8, whole.length - 1]) {
      const file = await writeRun("20260203-120000000", "");
      await writeFile(file, whole.subarray(0, cut));
      const look = watchStatus(dir, () => now);
      await look();
      await appendFile(file, whole.subarray(cut));
      expect((await look()).tasks.find(({ node }) => node === "investigate:VA")).toMatchObject({ message: "é ✓" });
    }
  });

  test("lines that are no events say nothing", async () => {
    const file = await writeRun(
      "20260203-120000000",
      `null\n{\n[]\n"x"\n{"type":"settled"}\n\u0000\n${text(events)}{"type":"st`,
    );
    expect(await readEventLog(file).more()).toEqual(events);
  });

  test("a log of many portions is read to its end", async () => {
    const nodes = Array.from({ length: 10_000 }, (_, index) => `investigate:${index}`);
    const many = nodes.map((node): AuditEvent => ({ type: "started", node }));
    await writeRun("20260203-120000000", text(lines({ type: "added", nodes }, ...many)));
    const look = watchStatus(dir, () => now);
    expect((await look()).totals).toMatchObject({ killed: 10_000 });
  });
});
