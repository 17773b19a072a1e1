// What agents hand in, on a real folder: it waits in the order of its times, and what is none of ours is in nobody's way.
import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type HandedIn, openInbox } from "../../src/execution/inbox.js";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "audit-run-inbox-"));
  await mkdir(join(folder, "inbox"));
});
afterEach(() => rm(folder, { recursive: true }));

const handedIn = (wall: number, more: Partial<HandedIn> = {}): HandedIn => ({
  version: 1,
  task: "VA",
  token: 1,
  owner: null,
  at: { wall, up: null, host: "here", boot: null },
  answer: "{}",
  ...more,
});
/** A name that something handed in might have. */
const nameOf = (index: number, end = "json"): string => `${String(index).padStart(15, "0")}-VA.1-0badcafe.${end}`;

test("the oldest comes first, and an answer is fetched once", async () => {
  const inbox = openInbox(folder);
  const later = await inbox.put(handedIn(2000, { task: "TX" }));
  const name = await inbox.put(handedIn(1000));
  expect((await inbox.waiting()).map((each) => each.handedIn.task)).toEqual(["VA", "TX"]);
  await inbox.reply(name, { kind: "completed", cases: ["a@VA"] });
  expect((await inbox.waiting()).map((each) => each.name)).toEqual([later]);
  expect(await inbox.takeReply(name)).toEqual({ kind: "completed", cases: ["a@VA"] });
  expect(await inbox.takeReply(name)).toBeNull();
});

test("what has another shape, and what is no plain file, is kept aside, and the rest waits", async () => {
  const inbox = openInbox(folder);
  const wrong = [
    {},
    null,
    { ...handedIn(1), at: undefined },
    { ...handedIn(1), at: { wall: "now" } },
    { ...handedIn(1), token: undefined },
    { ...handedIn(1), token: "1" },
    { ...handedIn(1), owner: 7 },
    { ...handedIn(1), answer: {} },
  ];
  for (const [index, value] of wrong.entries())
    await writeFile(join(folder, "inbox", nameOf(index)), JSON.stringify(value));
  execFileSync("mkfifo", [join(folder, "inbox", nameOf(50))]);
  await mkdir(join(folder, "inbox", nameOf(51)));
  // It cannot be moved: a folder that is not empty stands there.
  await writeFile(join(folder, "inbox", nameOf(52)), "x");
  await mkdir(join(folder, "late", nameOf(52), "full"), { recursive: true });
  const name = await inbox.put(handedIn(1000));
  expect((await inbox.waiting()).map((each) => each.name)).toEqual([name]);
  expect((await readdir(join(folder, "inbox"))).sort()).toEqual([nameOf(52), name].sort());
  expect(await readdir(join(folder, "late"))).toHaveLength(wrong.length + 3);
});

test("an answer of another shape is none", async () => {
  const inbox = openInbox(folder);
  for (const text of ["", "{", "null", '{"kind":"completed"}', '{"kind":"fenced","fence":"no","by":null,"file":"x"}']) {
    await writeFile(join(folder, "inbox", nameOf(1, "reply")), text);
    expect(await inbox.takeReply(nameOf(1)), text).toBeNull();
  }
  const replies = [
    { kind: "objections", admitted: [], objections: [{ case: null, code: "schema", message: "no" }] },
    { kind: "fenced", fence: "expired", by: null, file: "claims/late/x" },
    { kind: "failed", failure: { code: "disk", message: "full" } },
    { kind: "failed", failure: { code: "disk", message: "full", hint: "Make room", detail: "df" } },
  ] as const;
  for (const reply of replies) {
    await inbox.reply(nameOf(1), reply);
    expect(await inbox.takeReply(nameOf(1))).toEqual(reply);
  }
});
