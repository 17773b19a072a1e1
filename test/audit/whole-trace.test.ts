import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type FinishedAudit, stillWhole, writeWholeTrace } from "../../src/audit/whole-trace.js";

/** Later than all files that a test makes, so that none of them may have changed while the run was on. */
const startedAt = Date.now() + 60_000;
const now = startedAt + 1_000;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "audit-run-whole-"));
  for (const name of ["project", ".audit/results", ".audit/runs/1", ".audit/claims", ".audit/traces/objects/ab"])
    mkdirSync(at(name), { recursive: true });
  write("audit.config.yaml", "version: 1\nname: small\n");
  write("project/manifest.json", "{}");
  write(".audit/full-report.md", "# Report");
  write(".audit/tasks.json", "{}");
  write(".audit/results/VA.md", "# VA");
  write(".audit/traces/journal.jsonl", "{}\n");
  write(".audit/traces/objects/ab/cd.json", '{"a":1}');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const at = (name: string): string => join(folder, name);
const write = (name: string, text: string): void => writeFileSync(at(name), text);
const still = (env: Record<string, string> = { SCHEMA: "dev" }, time = now) =>
  stillWhole(at("audit.config.yaml"), env, time);

function finished(more: Partial<FinishedAudit> = {}): FinishedAudit {
  const summary = { cases: 1, totals: {}, groupLabel: "State", notes: [], unread: 0, leftOut: 0, retryCommand: null };
  return {
    config: at("audit.config.yaml"),
    dir: at(".audit"),
    inputs: [at("audit.config.yaml"), at("project"), at("project/manifest.json"), at("audit.exceptions.yaml")],
    variables: new Map([["SCHEMA", "dev"]]),
    startedAt,
    until: null,
    end: { run: "1", exitCode: 0, nodes: ["setup"], cases: ["late@VA"], summary, warnings: [] },
    ...more,
  };
}

describe("a whole trace", () => {
  test("holds while nothing has changed, however often it is asked for", async () => {
    await writeWholeTrace(finished());
    expect(still()?.end).toEqual(finished().end);
    expect(still()?.dir).toBe(at(".audit"));
    expect(still()).not.toBeNull();
  });

  test.each<[string, () => void]>([
    ["the config is written again", () => write("audit.config.yaml", "version: 1\nname: other\n")],
    ["an input changes", () => write("project/manifest.json", "[]")],
    ["an input is removed", () => rmSync(at("project/manifest.json"))],
    ["a folder is removed", () => rmSync(at("project"), { recursive: true })],
    ["a file that was absent appears", () => write("audit.exceptions.yaml", "")],
    ["an input is replaced by one of the same size and times", () => sameSizeAndTimes("project/manifest.json", "[]")],
    ["an output is edited in place", () => write(".audit/results/VA.md", "# AV")],
    ["an output is edited and its times are set back", () => sameSizeAndTimes(".audit/results/VA.md", "# AV")],
    ["an output is removed", () => rmSync(at(".audit/results/VA.md"))],
    ["an output is renamed", () => renameSync(at(".audit/results/VA.md"), at(".audit/results/TX.md"))],
    ["the report is removed", () => rmSync(at(".audit/full-report.md"))],
    ["an object is damaged", () => sameSizeAndTimes(".audit/traces/objects/ab/cd.json", '{"a":2}')],
    ["the journal loses its end", () => write(".audit/traces/journal.jsonl", "")],
    ["somebody else claims a task", () => write(".audit/claims/VA.1", "{}")],
    ["a run is on, or was killed", () => write(".audit/run.lock", "{}")],
    ["the trace itself is damaged", () => damage(".audit/whole-trace.json")],
    ["the trace itself is cut", () => write(".audit/whole-trace.json", "")],
    ["the audit folder is removed", () => rmSync(at(".audit"), { recursive: true })],
  ])("no longer holds when %s", async (_, change) => {
    await writeWholeTrace(finished());
    expect(still()).not.toBeNull();
    change();
    expect(still()).toBeNull();
  });

  test("no longer holds when a variable of the config has another value, or none", async () => {
    await writeWholeTrace(finished());
    expect(still({ SCHEMA: "prod" })).toBeNull();
    expect(still({})).toBeNull();
    expect(still({ SCHEMA: "dev", OTHER: "value" })).not.toBeNull();
  });

  test("does not tell the value of a variable", async () => {
    await writeWholeTrace(finished({ variables: new Map([["TOKEN", "canary-value"]]) }));
    expect(readFileSync(at(".audit/whole-trace.json"), "utf8")).not.toContain("canary-value");
  });

  test("holds no longer than time alone changes nothing, and not before it was made", async () => {
    await writeWholeTrace(finished({ until: now + 10 }));
    expect(still(undefined, now)).not.toBeNull();
    expect(still(undefined, now + 10)).toBeNull();
    expect(still(undefined, startedAt - 1)).toBeNull();
  });

  test("is not written where an input has changed so short before the run that it may have changed in it", async () => {
    await writeWholeTrace(finished({ startedAt: Date.now() + 500 }));
    expect(still(undefined, Date.now() + 1_000)).toBeNull();
  });

  test("is found where the config names another folder", async () => {
    write("audit.config.yaml", 'version: 1\ndir: "elsewhere"\n');
    renameSync(at(".audit"), at("elsewhere"));
    await writeWholeTrace(finished({ dir: at("elsewhere") }));
    expect(still()?.dir).toBe(at("elsewhere"));
  });

  test("is of no use to another config", async () => {
    write("other.yaml", "version: 1\nname: small\n");
    await writeWholeTrace(finished());
    expect(stillWhole(at("other.yaml"), { SCHEMA: "dev" }, now)).toBeNull();
  });
});

function sameSizeAndTimes(name: string, text: string): void {
  const { atime, mtime } = statSync(at(name));
  write(name, text);
  utimesSync(at(name), atime, mtime);
}

function damage(name: string): void {
  const text = readFileSync(at(name), "utf8");
  write(name, text.replace('"exitCode":0', '"exitCode":1'));
}
