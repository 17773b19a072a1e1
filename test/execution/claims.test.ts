// Claims in one folder: one holder a task, whatever the order of events; tokens only grow; who comes late is fenced.
import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, readdir, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Claims, isClaimsFile, openClaims, parseName } from "../../src/execution/claims.js";
import type { ClaimableTask, Claimant, Deadline } from "../../src/model/claim.js";
import { claimable } from "../rig/claims.js";

let folder: string;
let time: number;
let run: string | null;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "audit-run-claims-"));
  time = 1_000_000;
  run = null;
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const now = (): Deadline => ({ wall: time, up: time, host: "here", boot: "this" });
const open = (): Claims => openClaims({ folder, clock: now, runNow: async () => run, pick: () => 0 });
const agent = (owner: string, lease = 1000): Claimant => ({ by: "agent", owner, lease });
const first = { edition: 1 };
const VA: ClaimableTask = { id: "VA", first: 1, edition: 1, done: false };

describe("a claim", () => {
  test("is of one alone; the next one gets the next task, and none where none is left", async () => {
    const tasks = claimable("VA", "VA.2", "TX");
    const got = [];
    for (const owner of ["a", "b", "c", "d"]) got.push(await open().claim(tasks, agent(owner), first));
    expect(got.map((each) => each?.task)).toEqual(["VA", "VA.2", "TX", undefined]);
    expect((await readdir(folder)).sort()).toEqual(["TX.1", "VA.1", "VA.2.1"]);
  });

  test("goes back when its lease has run out, and then has another token", async () => {
    expect(await open().claim([VA], agent("a", 1000), first)).toMatchObject({ token: 1 });
    time += 999;
    expect(await open().claim([VA], agent("b"), first)).toBeNull();
    time += 1;
    expect((await open().states([VA])).get("VA")).toMatchObject({ status: "pending", owner: null, token: null });
    expect(await open().check(VA, 1)).toMatchObject({ held: false, fence: "expired" });
    expect(await open().claim([VA], agent("b"), first)).toMatchObject({ token: 2 });
    expect(await open().check(VA, 1)).toEqual({ held: false, fence: "superseded", by: "b" });
    expect(await open().heartbeat(VA, 1)).toMatchObject({ held: false });
    expect(await open().end(VA, 1, "completed")).toBe(false);
    expect(await open().check(VA, 2)).toMatchObject({ held: true, owner: "b" });
  });

  test("lasts as long as its heart beats", async () => {
    await open().claim([VA], agent("a", 1000), first);
    for (let beat = 0; beat < 5; beat += 1) {
      time += 900;
      expect(await open().heartbeat(VA, 1)).toMatchObject({ held: true });
    }
    expect(await open().heartbeat(VA, 1, { lease: 5000 })).toMatchObject({ held: true });
    time += 4999;
    expect(await open().check(VA, 1)).toMatchObject({ held: true });
  });

  test("is no other owner's, and ends once", async () => {
    await open().claim([VA], agent("a"), first);
    expect(await open().check(VA, 1, { owner: "b" })).toEqual({ held: false, fence: "other-owner", by: "a" });
    expect(await open().check(VA, 2)).toMatchObject({ fence: "unknown" });
    expect(await open().end(VA, 1, "released")).toBe(true);
    expect(await open().end(VA, 1, "completed")).toBe(false);
    expect(await open().check(VA, 1)).toMatchObject({ fence: "released" });
    expect(await open().claim([VA], agent("b"), first)).toMatchObject({ token: 3 });
    expect(await open().end(VA, 3, "completed")).toBe(true);
    expect(await open().check(VA, 3)).toMatchObject({ fence: "completed" });
    expect(await open().claim([VA], agent("c"), { ...first, failedToo: true })).toBeNull();
  });

  test("of a run lasts as long as the run, and what it failed at may be claimed by name", async () => {
    run = "r1";
    expect(await open().claim([VA], { by: "run", owner: "agent-va", run: "r1" }, first)).toMatchObject({ until: null });
    time += 1e12;
    expect(await open().claim([VA], agent("a"), first)).toBeNull();
    await open().end(VA, 1, "failed");
    expect((await open().states([VA])).get("VA")).toMatchObject({ status: "failed", owner: "agent-va" });
    expect(await open().claim([VA], agent("a"), first)).toBeNull();
    expect(
      await open().claim([VA], { by: "run", owner: "agent-va", run: "r1" }, { ...first, failedToo: true }),
    ).toMatchObject({ token: 3 });
    run = "r2";
    expect(await open().claim([VA], agent("a"), first)).toMatchObject({ token: 4 });
  });

  test("of a task that has changed since is void, and so are all of the past", async () => {
    await open().claim([VA], agent("a"), first);
    expect(await open().check({ ...VA, edition: 2 }, 1)).toMatchObject({ fence: "changed" });
    expect(await open().check({ ...VA, first: 2 }, 1)).toMatchObject({ fence: "changed" });
    expect(await open().claim([{ ...VA, edition: 2 }], agent("b"), { edition: 2 })).toMatchObject({ token: 2 });
    expect(await open().claim([{ ...VA, first: 9, edition: 2 }], agent("c"), { edition: 2 })).toMatchObject({
      token: 9,
    });
  });

  test("that a power cut left half written holds nobody up", async () => {
    await open().claim([VA], agent("a"), first);
    for (const text of ["", "{", "null", '{"v":9}']) {
      await writeFile(join(folder, "VA.1"), text);
      expect((await open().states([VA])).get("VA")).toMatchObject({ status: "pending" });
    }
    expect(await open().claim([VA], agent("b"), first)).toMatchObject({ token: 2 });
  });

  test("in good JSON of another shape is nobody's, and holds nobody up", async () => {
    const claim = {
      v: 1,
      kind: "claim",
      edition: 1,
      since: 0,
      until: { wall: 9e12, up: 9e12, host: "here", boot: "this" },
    };
    const whole = { ...claim, claimant: { by: "agent", owner: "x", lease: 1 } };
    const end = { v: 1, kind: "completed", owner: "x", by: "agent" };
    await mkdir(folder, { recursive: true });
    const status = async (step: unknown) => {
      await writeFile(join(folder, "VA.1"), JSON.stringify(step));
      return (await open().states([VA])).get("VA")?.status;
    };
    expect([await status(whole), await status(end)]).toEqual(["in_progress", "completed"]);
    const wrong = [
      { v: 1, kind: "claim" },
      claim,
      { ...whole, until: null },
      { ...whole, until: { wall: "soon" } },
      { ...whole, until: { ...claim.until, wall: 1e300 } },
      { ...whole, edition: "1" },
      { ...whole, since: null },
      { ...whole, claimant: null },
      { ...whole, claimant: { by: "agent", owner: 7, lease: 1 } },
      { ...whole, claimant: { by: "nobody", owner: "x", lease: 1 } },
      { ...whole, claimant: { by: "run", owner: "x", run: "r" } },
      { ...whole, v: 2 },
      { ...end, kind: "toString" },
      { ...end, owner: undefined },
      { ...end, by: "x" },
      [whole],
    ];
    for (const step of wrong) {
      expect(await status(step), JSON.stringify(step)).toBe("pending");
      expect(await open().check(VA, 1), JSON.stringify(step)).toMatchObject({ held: false });
      expect(await open().heartbeat(VA, 1), JSON.stringify(step)).toMatchObject({ held: false });
    }
    expect(await open().claim([VA], agent("b"), first)).toMatchObject({ token: 2 });
  });

  test("is not waited for at a pipe, and not looked for in what is too large", async () => {
    await mkdir(folder, { recursive: true });
    execFileSync("mkfifo", [join(folder, "VA.1")]);
    await writeFile(join(folder, "VA.2"), "");
    await truncate(join(folder, "VA.2"), 2 ** 32);
    expect((await open().states([VA])).get("VA")).toMatchObject({ status: "pending" });
    expect(await open().check(VA, 1)).toMatchObject({ held: false, fence: "unknown" });
    expect(await open().claim([VA], agent("a"), first)).toMatchObject({ token: 3 });
    execFileSync("mkfifo", [join(folder, "VA.4")]);
    expect(await open().check(VA, 3)).toMatchObject({ held: false, fence: "superseded" });
  });

  test("is had whatever somebody has put in the way of its number", async () => {
    await writeFile(join(folder, "VA.999999999999999"), "");
    await mkdir(join(folder, "VA.1"));
    await symlink("nowhere", join(folder, "VA.2"));
    expect(await open().claim([VA], agent("a"), first)).toMatchObject({ token: 3 });
    await symlink("nowhere", join(folder, "TX.999999999"));
    expect(await open().claim([VA, { ...VA, id: "TX" }], agent("b"), first)).toBeNull();
  });
});

test("a lease is told by the time since the machine's start, on another machine by its clock", async () => {
  let clock: Deadline = { wall: 0, up: 0, host: "here", boot: "one" };
  const claims = openClaims({ folder, clock: () => clock, runNow: async () => null });
  await claims.claim([VA], agent("a", 1000), first);
  const held = async (then: Partial<Deadline>) => {
    clock = { ...clock, ...then };
    return (await claims.check(VA, 1)).held;
  };
  expect(await held({ wall: 1e9, up: 999 })).toBe(true);
  expect(await held({ wall: -1e9, up: 1000 })).toBe(false);
  expect(await held({ wall: 999, up: 5, boot: "two" })).toBe(true);
  expect(await held({ wall: 1000, up: 5, boot: "two" })).toBe(false);
  expect(await held({ wall: 999, up: 1e9, host: "there" })).toBe(true);
  expect(await held({ wall: 1000, up: 0, boot: null })).toBe(false);
});

test("names of files are parsed back, and what is none of ours is nobody's claim", () => {
  expect(parseName("VA.2.1")).toEqual({ task: "VA.2", number: 1 });
  expect(parseName("x-0af.12")).toEqual({ task: "x-0af", number: 12 });
  for (const name of ["VA", ".VA.1", "VA.0", "VA.01", "VA.-1", "VA.x", "a/b.1", "catalogue.json"])
    expect(parseName(name)).toBeNull();
  expect(["catalogue.json", ".turn-7", "VA.1", "notes.md"].filter(isClaimsFile)).toHaveLength(3);
});

test("a task whose id is no file's name is a bug, not a path", async () => {
  await expect(open().claim(claimable("../VA"), agent("a"), first)).rejects.toThrow("BUG");
});

test("many at once in one process: nothing twice, nothing lost", async () => {
  const tasks = claimable(...Array.from({ length: 60 }, (_, index) => `task-${index}`));
  const got: string[] = [];
  const work = async (name: number): Promise<void> => {
    const claims = openClaims({ folder, clock: now, runNow: async () => null });
    for (;;) {
      const claimed = await claims.claim(tasks, agent(`agent-${name}`), first);
      if (claimed === null) return;
      got.push(claimed.task);
      if (!(await claims.end({ ...VA, id: claimed.task }, claimed.token, "completed"))) got.push("fenced");
    }
  };
  await Promise.all(Array.from({ length: 12 }, (_, name) => work(name)));
  expect(got.sort()).toEqual(tasks.map(({ id }) => id).sort());
});

/** What agents and time may do, one after the other. */
type Event =
  | { readonly do: "claim"; readonly agent: number; readonly lease: number }
  | { readonly do: "heartbeat" | "release" | "complete"; readonly agent: number }
  | { readonly do: "wait"; readonly time: number };

const event: fc.Arbitrary<Event> = fc.oneof(
  fc.record({ do: fc.constant("claim" as const), agent: fc.nat(2), lease: fc.integer({ min: 1, max: 50 }) }),
  fc.record({ do: fc.constantFrom("heartbeat" as const, "release" as const, "complete" as const), agent: fc.nat(2) }),
  fc.record({ do: fc.constant("wait" as const), time: fc.integer({ min: 1, max: 40 }) }),
);

test("whatever happens: one completion a task, by the newest token, and tokens only grow", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(event, { maxLength: 25 }), async (events) => {
      await rm(folder, { recursive: true, force: true });
      const tokens: (number | null)[] = [null, null, null];
      let newest = 0;
      let heldUntil = 0;
      let isCompleted = false;
      for (const one of events) {
        if (one.do === "wait") {
          time += one.time;
          continue;
        }
        const token = tokens[one.agent] ?? null;
        if (one.do === "claim") {
          const claimed = await open().claim([VA], agent(`agent-${one.agent}`, one.lease), first);
          expect(claimed !== null).toBe(!isCompleted && time >= heldUntil);
          if (claimed === null) continue;
          expect(claimed.token).toBeGreaterThan(newest);
          newest = claimed.token;
          tokens[one.agent] = newest;
          heldUntil = time + one.lease;
        } else if (token !== null) {
          const { held } = await open().check(VA, token);
          expect(held).toBe(token === newest && time < heldUntil && !isCompleted);
          if (one.do === "heartbeat") {
            const beaten = await open().heartbeat(VA, token);
            expect(beaten.held).toBe(held);
            if (beaten.held) heldUntil = Date.parse(beaten.until);
          } else if (held) {
            expect(await open().end(VA, token, one.do === "release" ? "released" : "completed")).toBe(true);
            if (one.do === "complete") isCompleted = true;
            heldUntil = 0;
            newest += 1;
          }
        }
      }
    }),
    { numRuns: 60 },
  );
});
