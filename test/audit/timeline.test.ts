import { expect, test } from "vitest";
import { timelineOf } from "../../src/audit/timeline.js";
import type { AuditEvent, AuditEventLine } from "../../src/model/events.js";

/** Events, a second apart. */
function log(...events: AuditEvent[]): AuditEventLine[] {
  return events.map((event, index) => ({ ...event, seq: index + 1, at: new Date(index * 1000).toISOString() }));
}

test("each node that ran has its start and end; reused ones are counted", () => {
  const timeline = timelineOf(
    "r1",
    log(
      { type: "started", node: "setup" },
      { type: "settled", node: "setup", outcome: "executed", duration: 1000 },
      { type: "settled", node: "investigate:TX", outcome: "reused", duration: 0 },
      { type: "started", node: "investigate:VA" },
      { type: "settled", node: "investigate:VA", outcome: "failed", duration: 1000 },
    ),
  );
  expect(timeline).toEqual({
    run: "r1",
    startedAt: "1970-01-01T00:00:00.000Z",
    duration: 4000,
    reused: 1,
    rows: [
      { node: "setup", start: 0, end: 1000, outcome: "executed" },
      { node: "investigate:VA", start: 3000, end: 4000, outcome: "failed" },
    ],
  });
});

test("a line of reused nodes counts as many as it names", () => {
  const events = log(
    { type: "reused", nodes: ["investigate:TX", "investigate:FL"] },
    { type: "settled", node: "export", outcome: "reused", duration: 0 },
  );
  expect(timelineOf("r1", events)).toMatchObject({ reused: 3, rows: [] });
});

test("a node that ran twice has a row for each time", () => {
  const { rows } = timelineOf(
    "r1",
    log(
      { type: "started", node: "investigate:VA" },
      { type: "settled", node: "investigate:VA", outcome: "failed", duration: 1000 },
      { type: "reopened", node: "investigate:VA" },
      { type: "started", node: "investigate:VA" },
      { type: "settled", node: "investigate:VA", outcome: "executed", duration: 1000 },
    ),
  );
  expect(rows).toEqual([
    { node: "investigate:VA", start: 0, end: 1000, outcome: "failed" },
    { node: "investigate:VA", start: 3000, end: 4000, outcome: "executed" },
  ]);
});

test("a node whose end the log does not tell ends with the log", () => {
  const { rows } = timelineOf("r1", log({ type: "started", node: "summary" }, { type: "warning", message: "killed" }));
  expect(rows).toEqual([{ node: "summary", start: 0, end: 1000, outcome: null }]);
});

test("a log without events is an empty timeline", () => {
  expect(timelineOf("r1", [])).toMatchObject({ duration: 0, rows: [] });
});
