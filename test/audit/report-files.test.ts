/** The report's files: written whole, made anew only where something has changed, and right whatever was done to them since. */
import { mkdtemp, readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openReportFiles } from "../../src/audit/report-files.js";
import type { ReportFile } from "../../src/model/report.js";

let dir = "";
beforeEach(async () => {
  later = 0;
  dir = await mkdtemp(join(tmpdir(), "audit-run-report-files-"));
});
afterEach(() => rm(dir, { recursive: true }));

/** What was made, piece by piece. */
let made: string[] = [];

function fileOf(path: string, texts: readonly string[]): ReportFile {
  const piece = (text: string) => ({
    key: text.startsWith("always") ? null : `key of ${text}`,
    text: () => {
      made.push(text);
      return `${text}\n`;
    },
  });
  return { path, pieces: texts.map(piece) };
}

/** Milliseconds between the last change of a file and the end of the run: when they are many, a file's times tell of each later one. */
let later = 0;

/** As each run does it. Resolves to the pieces that were made. */
async function run(...files: readonly ReportFile[]): Promise<readonly string[]> {
  made = [];
  const opened = openReportFiles(dir, () => Date.now() + later);
  await opened.write(files);
  opened.remember(files);
  return made;
}

const page = (...texts: readonly string[]) => fileOf("results/VA.md", texts);
const content = (path = "results/VA.md") => readFile(join(dir, path), "utf8");

test("what is as it was is neither made nor written again", async () => {
  expect(await run(page("one", "two"))).toEqual(["one", "two"]);
  const { ino } = await stat(join(dir, "results/VA.md"));
  expect(await run(page("one", "two"))).toEqual([]);
  expect(await content()).toBe("one\ntwo\n");
  expect((await stat(join(dir, "results/VA.md"))).ino).toBe(ino);
});

test("of a file that has changed in part only that part is made, wherever it stands", async () => {
  await run(page("one", "two", "three"));
  expect(await run(page("two", "new", "one"))).toEqual(["new"]);
  expect(await content()).toBe("two\nnew\none\n");
  expect(await run(page("one"))).toEqual([]);
  expect(await content()).toBe("one\n");
});

test("a piece without a key is made each time, and the file is written only where it says something else", async () => {
  await run(page("always", "one"));
  const { ino } = await stat(join(dir, "results/VA.md"));
  expect(await run(page("always", "one"))).toEqual(["always"]);
  expect((await stat(join(dir, "results/VA.md"))).ino).toBe(ino);
  expect(await run(page("always else", "one"))).toEqual(["always else"]);
  expect(await content()).toBe("always else\none\n");
});

test.each([0, 10_000])("what somebody has changed, cut off or removed is made again, %i ms later", async (since) => {
  later = since;
  const harm = [
    () => writeFile(join(dir, "results/VA.md"), "one\ntwp\n"),
    () => truncate(join(dir, "results/VA.md"), 3),
    () => rm(join(dir, "results/VA.md")),
  ];
  for (const act of harm) {
    await run(page("one", "two"));
    expect(await run(page("one", "two"))).toEqual([]);
    await act();
    expect(await run(page("one", "two"))).toEqual(["one", "two"]);
    expect(await content()).toBe("one\ntwo\n");
  }
});

test("pieces of a file that somebody has changed are not put into the next one", async () => {
  await run(page("one", "two"));
  await writeFile(join(dir, "results/VA.md"), "uno\ntwo\n");
  expect(await run(page("one", "three"))).toEqual(["one", "three"]);
});

test("without its memory, or with one that is damaged, everything is made again and is right", async () => {
  const memory = join(dir, "report-files.json");
  await run(page("one", "two"));
  await rm(memory);
  expect(await run(page("one", "two"))).toEqual(["one", "two"]);
  const text = await readFile(memory, "utf8");
  await writeFile(memory, text.replace("key of one", "key of eno"));
  expect(await run(page("one", "two"))).toEqual(["one", "two"]);
  // As another version of the program would have left it.
  await writeFile(memory, text.replace(/^".*"\n/, '"another program"\n'));
  expect(await run(page("one", "two"))).toEqual(["one", "two"]);
  expect(await content()).toBe("one\ntwo\n");
});

test("files that are no longer written are forgotten", async () => {
  await run(page("one"), fileOf("findings.json", ["two"]));
  await run(page("one"));
  expect(await run(fileOf("findings.json", ["two"]))).toEqual(["two"]);
});
