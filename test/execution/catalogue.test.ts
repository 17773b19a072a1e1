// What becomes of claims and tokens when a run publishes other tasks.
import { execFileSync } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Publication, publish, readCatalogue } from "../../src/execution/catalogue.js";
import { openClaims } from "../../src/execution/claims.js";
import type { Catalogue } from "../../src/model/claim.js";
import { publishedTask } from "../rig/claims.js";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "audit-run-catalogue-"));
});
afterEach(() => rm(folder, { recursive: true }));

const claims = () =>
  openClaims({
    folder,
    clock: () => ({ wall: 0, up: 0, host: "here", boot: "one" }),
    runNow: async () => null,
  });

/** Publishes tasks, each with a digest, as `VA=1`. */
async function published(...tasks: readonly string[]): Promise<Catalogue> {
  const named = tasks.map((text) => text.split("="));
  const publication: Publication = {
    project: "small",
    created: "2026-02-03",
    run: "run",
    tasks: named.map(([id = "", digest = ""]) => publishedTask(id, { digest })),
    order: named.map(([id = ""]) => id),
    tests: {},
  };
  const before = await readCatalogue(folder);
  const states = await claims().states(before?.tasks ?? []);
  const held = [...states].flatMap(([id, { token }]) => (token === null ? [] : [[id, token] as const]));
  return publish(folder, publication, before, new Map(held));
}

async function claim(catalogue: Catalogue, owner: string): Promise<number | undefined> {
  const { edition, tasks } = catalogue;
  return (await claims().claim(tasks, { by: "agent", owner, lease: 1000 }, { edition }))?.token;
}

const only = ({ tasks: [task] }: Catalogue) => {
  if (task === undefined) throw new Error("no task");
  return task;
};

test("a claim of a task that is as it was stays, and can be ended", async () => {
  expect(await claim(await published("VA=1"), "a")).toBe(1);
  const next = await published("VA=1", "TX=1");
  expect(await claims().check(only(next), 1)).toMatchObject({ held: true, owner: "a" });
  expect(await claims().end(only(next), 1, "completed")).toBe(true);
  expect((await claims().states(next.tasks)).get("VA")).toMatchObject({ status: "completed" });
});

test("what was completed or given back before is open again, with higher tokens", async () => {
  const one = await published("VA=1");
  await claim(one, "a");
  await claims().end(only(one), 1, "completed");
  const two = await published("VA=1");
  expect((await claims().states(two.tasks)).get("VA")).toMatchObject({ status: "pending" });
  expect(await claim(two, "b")).toBe(3);
  expect(await readdir(folder)).toEqual(expect.not.arrayContaining(["VA.1", "VA.2"]));
});

test("a claim of a task with other cases is void, also where it was made from the catalogue before", async () => {
  const one = await published("VA=1");
  await claim(one, "a");
  const two = await published("VA=2");
  expect(await claims().check(only(two), 1)).toMatchObject({ held: false, fence: "changed" });
  // A process that was paused over the catalogue before.
  const late = await claims().claim(one.tasks, { by: "agent", owner: "late", lease: 1000 }, { edition: one.edition });
  expect(await claims().check(only(two), late?.token ?? 0)).toMatchObject({ held: false, fence: "changed" });
  expect(await claim(two, "b")).toBeGreaterThan(late?.token ?? 0);
});

test("claims of tasks that are gone are removed, and their tokens never come back", async () => {
  const one = await published("VA=1");
  await claim(one, "a");
  await claims().end(only(one), 1, "released");
  await claim(one, "a");
  await writeFile(join(folder, "notes.txt"), "mine");
  await published("TX=1");
  expect((await readdir(folder)).sort()).toEqual(["catalogue.json", "notes.txt"]);
  const again = await published("VA=1");
  expect(await claims().check(only(again), 3)).toMatchObject({ held: false, fence: "changed" });
  expect(await claim(again, "b")).toBe(4);
});

test("a catalogue that is lost or damaged is written anew, and what claims there were is void", async () => {
  await claim(await published("VA=1"), "a");
  await writeFile(join(folder, "catalogue.json"), "{ half");
  expect(await readCatalogue(folder)).toBeNull();
  expect(await claim(await published("VA=1"), "b")).toBe(2);
});

test("a catalogue of another shape, or a pipe in its place, is none", async () => {
  const file = join(folder, "catalogue.json");
  await published("VA=1");
  const whole = JSON.parse(await readFile(file, "utf8"));
  const [task] = whole.tasks;
  const wrong = [
    { version: 1, tasks: [null] },
    { ...whole, version: 2 },
    { ...whole, order: [7] },
    { ...whole, tests: [] },
    { ...whole, tests: { total_wrong: {} } },
    { ...whole, edition: null },
    { ...whole, tasks: {} },
    { ...whole, tasks: [{ ...task, id: "../VA" }] },
    { ...whole, tasks: [{ ...task, first: -1 }] },
    { ...whole, tasks: [{ ...task, cases: [{}] }] },
  ];
  for (const catalogue of wrong) {
    await writeFile(file, JSON.stringify(catalogue));
    expect(await readCatalogue(folder), JSON.stringify(catalogue)).toBeNull();
  }
  await writeFile(file, JSON.stringify({ ...whole, ofALaterVersion: true }));
  expect(await readCatalogue(folder)).toMatchObject(whole);
  await rm(file);
  execFileSync("mkfifo", [file]);
  expect(await readCatalogue(folder)).toBeNull();
});
