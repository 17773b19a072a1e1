// docs/agents.md shows case.json as the evidence pack has it. Its program without a prompt runs in test/e2e/agents.test.ts.
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Config } from "../../src/model/config.js";
import { writeEvidence } from "../../src/tasks/evidence.js";
import { caseOf } from "../rig/cases.js";
import { codeBlocks, document } from "./documents.js";

const page = document("docs/agents.md");
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "audit docs "));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test("a case is shown with the fields that its file has", async () => {
  const pack = await writeEvidence({
    config: { redactColumns: [], dbt: { projectDir: folder } } as unknown as Config,
    project: null,
    cases: [caseOf("duplicate_identifier", "VA", 3)],
    samples: new Map(),
    folder,
    signal: new AbortController().signal,
  });
  expect(pack.ok).toBe(true);
  const [name = ""] = await readdir(join(folder, "cases"));
  const written = JSON.parse(await readFile(join(folder, "cases", name, "case.json"), "utf8"));
  const shown = codeBlocks(page, "json")
    .map(({ code }) => JSON.parse(code))
    .find((value) => "failingRows" in value);
  expect(fields(shown)).toEqual(fields(written));
  expect(shown.id).toBe(written.id);
});

/** Names of all fields, with those inside a field after a dot. */
function fields(value: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(value).flatMap(([key, inner]) =>
    inner !== null && typeof inner === "object"
      ? fields(inner as Record<string, unknown>).map((each) => `${key}.${each}`)
      : [key],
  );
}
