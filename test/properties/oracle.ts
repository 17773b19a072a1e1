/**
 * The oracle of "Build systems à la carte": whatever happened on the way, a last undisturbed run says what an audit in an
 * empty folder says of the same inputs, and no case is paid for twice. And a plan never lies.
 * In parts, for as many workers: `FC_HISTORIES=10000` tries so many in all.
 */
import fc from "fast-check";
import { expect, it } from "vitest";
import { exitCodes } from "../../src/audit/exit-codes.js";
import type { AuditReport } from "../../src/model/report.js";
import { type Edit, edits, firstWorlds, history, step } from "./oracle-histories.js";
import { isWhole, openRig, type Rig, type RunOptions, undisturbed } from "./oracle-rig.js";
import type { World } from "./oracle-world.js";

const parts = 2;
/** Of five histories, one asks `plan`. */
const { FC_HISTORIES: histories = "400", FC_SEED: seed, FC_FAIL_FAST } = process.env;
/** Who only wants to know whether something is found has no use for the shortest history in which it is. */
const endOnFailure = FC_FAIL_FAST === "1";

/** One of the parts, from 1; without FC_SEED each has a seed of its own. */
export function describeOracle(part: number): void {
  const share = Math.ceil(Number(histories) / parts);
  const own = seed === undefined ? { seed: 20260203 + part } : {};

  it("ends where an audit from scratch ends, whatever happened before, and pays for nothing twice", async () => {
    const property = fc.asyncProperty(firstWorlds, history(4), edits(2), (world, steps, last) =>
      inRig(async (rig) => {
        rig.world = world;
        const worlds = [rig.world];
        for (const { damage, edits, run } of steps) {
          if (damage !== null) rig.damage(damage);
          change(rig, edits, worlds);
          if (isWhole(run)) await expectAsFromScratch(rig);
          else await rig.run(run);
        }
        change(rig, last, worlds);
        await expectAsFromScratch(rig);
      }),
    );
    await fc.assert(property, { ...own, endOnFailure, numRuns: share });
  }, 3_600_000);

  it("does exactly what plan says, wherever plan is not undecided", async () => {
    const property = fc.asyncProperty(firstWorlds, history(2), step, (world, steps, { edits, run }) =>
      inRig(async (rig) => {
        rig.world = world;
        const worlds = [rig.world];
        for (const before of steps) {
          change(rig, before.edits, worlds);
          await rig.run(before.run);
        }
        change(rig, edits, worlds);
        // A plan is one of a whole run.
        await expectAsPlanned(rig, { ...run, targets: [], retry: false, trouble: null });
      }),
    );
    await fc.assert(property, { ...own, endOnFailure, numRuns: Math.ceil(share / 5) });
  }, 3_600_000);
}

async function expectAsPlanned(rig: Rig, options: RunOptions): Promise<void> {
  const planned = await rig.plan(options);
  if (planned === null) return;
  const { plan, assignment } = planned;
  const end = await rig.run(options);
  // A narrowed run may be refused: nothing fails there.
  if (end === null || end.exitCode === exitCodes.usage) return;
  const outcomes = new Map(end.settled.map(({ node, outcome }) => [node, outcome]));
  for (const { node, verdict } of plan.rows) {
    const outcome = outcomes.get(node);
    if (verdict === "run") expect([node, outcome]).toEqual([node, "executed"]);
    // One that the run was not narrowed to has no node.
    if (verdict === "reuse") expect(["reused", undefined], node).toContain(outcome);
  }
  if (plan.assumes !== null) return;
  if (assignment === null) return;
  const open = assignment.tasks.flatMap((task) => task.open);
  // An undecided one may go either way: its findings cite queries that a plan does not ask.
  const wavering = new Set(open.filter(({ verdict }) => verdict.kind === "undecided").map((item) => item.case.id));
  const decided = (ids: readonly string[]) => ids.filter((id) => !wavering.has(id)).sort();
  expect(decided([...rig.asked])).toEqual(decided(open.map((item) => item.case.id)));
}

/** Changes the rig's world; every world with a new test run gets an invocation of its own. */
function change(rig: Rig, edits: readonly Edit[], worlds: World[]): void {
  let world = edits.reduce((before, apply) => apply(before, worlds), rig.world);
  if (world.invocation === -1) world = { ...world, invocation: worlds.length };
  rig.world = world;
  worlds.push(world);
}

export async function inRig<Value>(work: (rig: Rig) => Promise<Value>, folder?: string): Promise<Value> {
  const rig = openRig(folder);
  try {
    return await work(rig);
  } finally {
    rig.remove();
  }
}

export async function expectAsFromScratch(rig: Rig): Promise<void> {
  const end = await rig.run(undisturbed);
  const [found, expected] = [essence(end?.report ?? null), await fromScratch(rig.visible)];
  // The latter makes the better message, and takes its time.
  if (JSON.stringify(found) !== JSON.stringify(expected)) expect(found).toEqual(expected);
  expect(end?.exitCode).toBe(exitCodes.complete);
  // Only a result that is said to be fresh enough may be one of an older world.
  expect(rig.isUpToDate || rig.world.summary === "max-age").toBe(true);
}

/** What an audit in an empty folder says of a world, with dbt run before it. */
async function fromScratch(world: World): Promise<unknown> {
  return inRig(async (rig) => {
    rig.world = { ...world, summary: "artifacts" };
    const end = await rig.run(undisturbed);
    return essence(end?.report ?? null);
  }, "/oracle/scratch");
}

/** What must not differ between two ways to the same end: all but times, ids, what was reused, and what history tells. */
function essence(report: AuditReport | null): unknown {
  if (report === null) return null;
  const { run: _run, at: _at, retryCommand: _retry, ...rest } = report;
  return {
    ...rest,
    // What passes now and failed in an earlier export is history.
    export: { ...rest.export, noLongerFailing: [] },
    cases: rest.cases.map(({ report: each, ...subject }) => {
      if (each.status !== "found") return { ...subject, report: each };
      const { provenance, ...finding } = each.finding;
      return { ...subject, report: { status: "found", finding, agent: provenance.agent, model: provenance.model } };
    }),
  };
}
