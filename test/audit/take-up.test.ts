// What agents hand in is taken up one by one, on a real folder: the fault of one is not the others', and no work is dropped.
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { SharedTasks } from "../../src/audit/shared-tasks.js";
import { type TakeUpContext, takeUpAll } from "../../src/audit/take-up.js";
import { openClaims } from "../../src/execution/claims.js";
import { openInbox } from "../../src/execution/inbox.js";
import type { Case } from "../../src/model/case.js";
import type { Catalogue, Deadline } from "../../src/model/claim.js";
import type { AuditEvent } from "../../src/model/events.js";
import type { Session } from "../../src/tasks/session.js";
import { publishedTask } from "../rig/claims.js";

let folder: string;
let events: AuditEvent[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "audit-run-take-up-"));
  events = [];
});
afterEach(() => rm(folder, { recursive: true }));

const now: Deadline = { wall: 1000, up: null, host: "here", boot: null };
const broken = { id: "a@VA", test: "a", group: "VA", failures: 1, rows: 1, fingerprint: "f", open: true };
// Nothing is left to find in TX; to look at VA's case fails.
const tasks = [publishedTask("VA", { cases: [broken] }), publishedTask("TX")];
const catalogue: Catalogue = {
  version: 1,
  project: "small",
  created: "2026-02-03",
  run: "run",
  edition: 1,
  floor: 0,
  tasks,
  order: ["VA", "TX"],
  tests: {},
};

const claims = () => openClaims({ folder, clock: () => now, runNow: async () => null });

function context(fail: () => never, signal = new AbortController().signal): TakeUpContext {
  const shared = { claims: claims(), inbox: openInbox(folder), catalogue: async () => catalogue } as SharedTasks;
  const session = {
    signal,
    redact: (text) => text,
    emit: (event) => events.push(event),
  } as Partial<Session> as Session;
  const cases = new Map([["a@VA", { id: "a@VA" } as Case]]);
  return { shared, session, cases, partsOf: fail, factsOf: fail };
}
const bug = (): never => {
  throw new Error("BUG: the case has no test");
};

async function claim(): Promise<void> {
  for (const task of tasks) await claims().claim([task], { by: "agent", owner: "a", lease: 9000 }, { edition: 1 });
}

const put = (task: string, wall: number, answer: string): Promise<string> =>
  openInbox(folder).put({ version: 1, task, token: 1, owner: null, at: { ...now, wall }, answer });

test("what cannot be taken up is kept aside and told, and the others are taken up", async () => {
  await claim();
  const [bad, good] = [await put("VA", 1, "of VA"), await put("TX", 2, "of TX")];
  expect(await takeUpAll(context(bug))).toEqual(["TX"]);
  const { takeReply } = openInbox(folder);
  expect(await takeReply(good)).toEqual({ kind: "completed", cases: [], hadFinding: [] });
  const why = expect.stringContaining(`claims/late/${bad}: BUG: the case has no test`);
  expect(await takeReply(bad)).toMatchObject({ kind: "failed", failure: { message: why } });
  expect(events).toEqual([{ type: "warning", message: why }]);
  expect(await readFile(join(folder, "late", bad), "utf8")).toContain("of VA");
  expect(await readdir(join(folder, "inbox"))).toEqual([]);
});

test("what an interrupt has cut short waits for the next", async () => {
  await claim();
  const [cut, next] = [await put("VA", 1, "of VA"), await put("TX", 2, "of TX")];
  const abort = new AbortController();
  const interrupted = context(() => {
    abort.abort();
    return bug();
  }, abort.signal);
  expect(await takeUpAll(interrupted)).toEqual([]);
  expect(await readdir(join(folder, "inbox"))).toEqual([cut, next]);
});

test("handed in again, the same is completed; anything else is refused and kept aside", async () => {
  await claim();
  await put("TX", 1, "one");
  expect(await takeUpAll(context(bug))).toEqual(["TX"]);
  const [again, other] = [await put("TX", 2, "one"), await put("TX", 3, "another")];
  expect(await takeUpAll(context(bug))).toEqual(["TX"]);
  const { takeReply } = openInbox(folder);
  expect(await takeReply(again)).toEqual({ kind: "completed", cases: [] });
  const file = `claims/late/${other}`;
  expect(await takeReply(other)).toEqual({ kind: "fenced", fence: "completed", by: null, file });
  expect(await readFile(join(folder, "late", other), "utf8")).toContain("another");
});
