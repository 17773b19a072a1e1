// What other terminals leave for a run, on a real folder: each request is taken once, and nothing that lies there does harm.
import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, readdir, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { leaveRequest, takeAnswer, watchRequests, withdrawRequest } from "../../src/execution/requests.js";
import type { Answer, AuditRequested } from "../../src/model/request.js";

let folder: string;
beforeEach(async () => {
  folder = join(await mkdtemp(join(tmpdir(), "audit-run-requests-")), "requests");
});
afterEach(() => rm(join(folder, ".."), { recursive: true, force: true }));

const now = new Date("2026-02-03T12:00:00Z");
const done: Answer = { taken: true, message: "done" };
const stopVA: AuditRequested = { kind: "stop", node: "investigate:VA" };

/** A run that does all that it is asked. */
function listening() {
  const asked: AuditRequested[] = [];
  const watch = watchRequests(folder, async (request) => {
    asked.push(request);
    return done;
  });
  return { asked, ...watch, close: () => watch.close({ taken: false, message: "over" }) };
}

/** A name that a request might have. */
const nameOf = (index: number): string => `${1_770_120_000_000 + index}-${"0123456789abcdef"}.request.json`;

test("a request is handed over once, is gone then, and its answer is fetched once", async () => {
  const run = listening();
  const id = await leaveRequest(folder, stopVA, now);
  await run.look();
  await run.look();
  expect(run.asked).toEqual([stopVA]);
  expect(await takeAnswer(folder, id)).toEqual(done);
  expect(await takeAnswer(folder, id)).toBeNull();
  expect(await readdir(folder)).toEqual([]);
  await run.close();
});

test("what was left before the run listened is taken, in the order in which it was asked", async () => {
  const requests: AuditRequested[] = [stopVA, { kind: "retry", nodes: ["investigate:VA"] }, { kind: "accept" }];
  for (const [index, request] of requests.entries())
    await leaveRequest(folder, request, new Date(now.getTime() + index));
  const run = listening();
  await run.look();
  expect(run.asked).toEqual(requests);
  await run.close();
});

test("a folder that is told of changes needs no look", async () => {
  let told: () => void = () => undefined;
  const taken = new Promise<void>((resolve) => {
    told = resolve;
  });
  const watch = watchRequests(folder, async () => {
    told();
    return done;
  });
  await leaveRequest(folder, { kind: "accept" }, now);
  await taken;
  await watch.close(done);
});

test("a request belongs to the run or to who withdraws it, never to both", async () => {
  const first = await leaveRequest(folder, stopVA, now);
  expect(await withdrawRequest(folder, first)).toBe(true);
  const run = listening();
  await run.look();
  expect(run.asked).toEqual([]);
  const second = await leaveRequest(folder, stopVA, now);
  await run.look();
  expect(await withdrawRequest(folder, second)).toBe(false);
  await run.close();
});

test("twenty that ask at once are each answered", async () => {
  const run = listening();
  const ids = await Promise.all(Array.from({ length: 20 }, () => leaveRequest(folder, { kind: "accept" }, now)));
  await run.look();
  expect(run.asked).toHaveLength(20);
  expect(await Promise.all(ids.map((id) => takeAnswer(folder, id)))).toEqual(ids.map(() => done));
  await run.close();
});

test("what comes when the run is over is refused, not left", async () => {
  const run = listening();
  await run.look();
  const id = await leaveRequest(folder, stopVA, now);
  // The folder may have told of it already.
  await run.close();
  const answer = await takeAnswer(folder, id);
  expect([done, { taken: false, message: "over" }]).toContainEqual(answer);
});

test("what is no request is named in an answer, and changes nothing", async () => {
  await mkdir(folder, { recursive: true });
  const bodies = [
    "",
    "{",
    "null",
    "[]",
    '"stop"',
    "\u0000\u0000",
    '{"kind":3}',
    '{"kind":"stop"}',
    '{"kind":"stop","node":""}',
    '{"kind":"stop","node":["investigate:VA"]}',
    '{"kind":"retry","nodes":"investigate:VA"}',
    '{"kind":"retry","nodes":[3]}',
    `{"kind":"stop","node":"${"x".repeat(5_000)}"}`,
    '{"kind":"delete-everything"}',
    '{"kind":"__proto__"}',
    "[".repeat(100_000),
  ];
  for (const [index, body] of bodies.entries()) await writeFile(join(folder, nameOf(index)), body);
  const run = listening();
  await run.look();
  expect(run.asked).toEqual([]);
  const answers = await Promise.all(bodies.map((_, index) => takeAnswer(folder, nameOf(index).slice(0, 30))));
  expect(answers.every((answer) => answer?.taken === false)).toBe(true);
  expect(answers.map((answer) => answer?.message)).toContain('this audit-run knows no request "delete-everything"');
  expect(await readdir(folder)).toEqual([]);
  await run.close();
});

test("files of another name stay where they are, and whoever leaves a folder, a link, a pipe or a flood stops nobody", async () => {
  await mkdir(folder, { recursive: true });
  const others = ["notes.md", ".tmp-left-by-a-crash", "1770120000000-0123456789abcdef.request.json.bak", "stop"];
  for (const name of others) await writeFile(join(folder, name), '{"kind":"stop","node":null}');
  const secret = join(folder, "..", "secret.json");
  await writeFile(secret, '{"version":1,"kind":"stop","node":null}');
  await mkdir(join(folder, nameOf(1)));
  await symlink(secret, join(folder, nameOf(2)));
  execFileSync("mkfifo", [join(folder, nameOf(3))]);
  await writeFile(join(folder, nameOf(4)), "");
  await truncate(join(folder, nameOf(4)), 3 * 1024 ** 3);
  const run = listening();
  await leaveRequest(folder, stopVA, new Date("2027-01-01T00:00:00Z"));
  await run.look();
  expect(run.asked).toEqual([stopVA]);
  expect(await readdir(folder)).toEqual(expect.arrayContaining(others));
  await run.close();
});

test("a run whose folder cannot be made goes on without requests", async () => {
  await writeFile(folder, "a file");
  const run = listening();
  await run.look();
  await run.close();
  expect(run.asked).toEqual([]);
});
