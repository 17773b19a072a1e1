import { describe, expect, test } from "vitest";
import { isOvergrown, journalLine, readJournal, worthKeeping } from "../../src/execution/journal.js";
import { sha256 } from "../../src/model/digest.js";
import type { Trace } from "../../src/model/graph.js";

function traceOf(subject: string, rows: string, output = `output of ${rows}`): Trace {
  const trace = { subject, fingerprint: `f${rows}`, parts: { rows }, observed: {}, output };
  return { ...trace, run: "r", at: "2026-02-03T00:00:00Z" };
}

/** A line of a version as that version would have written it. */
function lineOfVersion(version: number): string {
  const body = JSON.stringify({ v: version, unheard: "of" }).slice(0, -1);
  return `${body},"sum":"${sha256(body).slice(0, 16)}"}\n`;
}

describe("a line", () => {
  test("comes back as it was", () => {
    const trace = traceOf('quoted "name", "sum":"0123456789abcdef"}', "1\n2\u2028");
    expect(readJournal(journalLine(trace))).toEqual({ traces: [trace], damage: [], newer: null });
  });

  test("of a newer version is told apart from a damaged one", () => {
    const text = `${journalLine(traceOf("a", "1"))}${lineOfVersion(7)}`;
    expect(readJournal(text)).toMatchObject({ newer: 7, damage: [] });
    expect(readJournal(text.replace('"v":7', '"v":8'))).toMatchObject({ newer: null, damage: [expect.any(String)] });
  });

  test("of a version that never was is damage", () => {
    expect(readJournal(lineOfVersion(0))).toMatchObject({ newer: null, damage: [expect.any(String)] });
  });
});

describe("compaction", () => {
  test("keeps the newest of each subject's inputs, so that a reverted input finds its trace", () => {
    const traces = [traceOf("a", "1", "old"), traceOf("b", "1"), traceOf("a", "2"), traceOf("a", "1", "new")];
    expect(worthKeeping(traces)).toEqual([traces[1], traces[2], traces[3]]);
  });

  test("tells traces apart by what their outputs cite", () => {
    const cites = (digest: string): Trace => ({ ...traceOf("a", "1"), observed: { "file:load.py": digest } });
    expect(worthKeeping([cites("x"), cites("y")])).toHaveLength(2);
  });

  test("keeps twenty of a subject, however many there were", () => {
    const traces = Array.from({ length: 50 }, (_, index) => traceOf("a", String(index)));
    expect(worthKeeping(traces)).toEqual(traces.slice(30));
  });

  test("pays only where much is superfluous", () => {
    const many = (count: number, of: (index: number) => Trace) =>
      Array.from({ length: count }, (_, index) => of(index));
    expect(isOvergrown([])).toBe(false);
    expect(isOvergrown(many(1000, (index) => traceOf(`case ${index}`, "1")))).toBe(false);
    expect(isOvergrown(many(40, (index) => traceOf("export", String(index))))).toBe(false);
    expect(isOvergrown(many(41, (index) => traceOf("export", String(index))))).toBe(true);
    expect(isOvergrown(many(4, () => traceOf("a", "1")))).toBe(false);
    expect(isOvergrown(many(5, () => traceOf("a", "1")))).toBe(true);
  });
});
