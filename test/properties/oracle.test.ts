/**
 * The oracle of "Build systems à la carte": whatever happened on the way (edits, reverts, narrowed runs, agents that die,
 * runs that are stopped or killed), a last undisturbed run says what an audit in an empty folder says of the same inputs,
 * and no case is paid for twice. And a plan never lies. `FC_RUNS=10000` for the long version.
 */
import fc from "fast-check";
import { expect, it } from "vitest";
import { exitCodes } from "../../src/audit/exit-codes.js";
import type { AuditEnd } from "../../src/audit/run.js";
import { essence, openRig, type Rig, type RunOptions, undisturbed } from "./oracle-rig.js";
import { caseName, codes, groupKey, states, testNames, type World } from "./oracle-world.js";

type Edit = (world: World, earlier: readonly World[]) => World;

/** Data, models and macros change together with a new test run: another invocation. */
const afresh = (world: World, more: Partial<World>): World => ({ ...world, ...more, invocation: -1 });
/** Most changes are between two versions, so that a change changes something, and another one brings back what was. */
const other = (version: number): number => 1 - version;
const nothing = fc.constant(null);
type Versioned = "probe" | "description" | "cited" | "vars" | "categories" | "model" | "template";

/** An edit with a name, so that a counterexample can be read. */
function edit<Value>(name: string, values: fc.Arbitrary<Value>, apply: (value: Value) => Edit): fc.Arbitrary<Edit> {
  return values.map((value) =>
    Object.assign(apply(value), { [fc.toStringMethod]: () => `${name} ${JSON.stringify(value)}` }),
  );
}

/** Another version of one thing; with a new test run where dbt must have run for it. */
const versioned = (name: Versioned, dbt: boolean): fc.Arbitrary<Edit> =>
  edit(name, nothing, () => (world) => {
    const changed = { [name]: other(world[name]) };
    return dbt ? afresh(world, changed) : { ...world, ...changed };
  });

const subject = { test: fc.constantFrom(...testNames), state: fc.constantFrom(...states) };

const anyEdit: fc.Arbitrary<Edit> = fc.oneof(
  {
    weight: 3,
    arbitrary: edit("rows", fc.record(subject), ({ test, state }) => (world) => {
      const name = caseName(test, state);
      const { count, version } = world.rows[name] ?? { count: 1, version: 1 };
      return afresh(world, { rows: { ...world.rows, [name]: { count, version: other(version) } } });
    }),
  },
  edit("failures", fc.record({ ...subject, count: fc.nat(3) }), ({ test, state, count }) => (world) => {
    const name = caseName(test, state);
    const { version } = world.rows[name] ?? { version: 0 };
    return afresh(world, { rows: { ...world.rows, [name]: { count, version } } });
  }),
  {
    weight: 2,
    arbitrary: edit(
      "code",
      fc.constantFrom(...codes),
      (name) => (world) => afresh(world, { code: { ...world.code, [name]: other(world.code[name]) } }),
    ),
  },
  edit("tests run again", nothing, () => (world) => afresh(world, {})),
  versioned("probe", true),
  versioned("description", true),
  versioned("cited", false),
  versioned("vars", false),
  versioned("categories", false),
  versioned("model", false),
  versioned("template", false),
  edit("knowledge", fc.constantFrom("all", "VA", "t1"), (name) => (world) => ({
    ...world,
    knowledge: { ...world.knowledge, [name]: other(world.knowledge[name]) },
  })),
  edit(
    "exceptions",
    fc.uniqueArray(
      fc.record({
        test: fc.constantFrom("*", ...testNames),
        group: fc.constantFrom("*", ...states.map(groupKey)),
        expires: fc.option(fc.nat(6)),
      }),
      { maxLength: 2, selector: ({ test, group }) => `${test} ${group}` },
    ),
    (exceptions) => (world) => ({ ...world, exceptions }),
  ),
  edit("days later", fc.integer({ min: 1, max: 3 }), (days) => (world) => ({ ...world, day: world.day + days })),
  edit(
    "packing",
    fc.record({
      strategy: fc.constantFrom("per-group", "per-test", "balanced", "auto"),
      maxTestsPerTask: fc.constantFrom(1, 2, 12),
      concurrency: fc.constantFrom(1, 3),
      slots: fc.boolean(),
    }),
    (packing) => (world) => ({ ...world, ...packing }),
  ),
  // Time goes on; artifacts come back as they were, as when a branch is checked out again, or from a new test run.
  edit("revert", fc.record({ to: fc.nat(5), sameBytes: fc.boolean() }), ({ to, sameBytes }) => (world, earlier) => {
    const target = earlier[to % Math.max(1, earlier.length)] ?? world;
    return { ...target, day: world.day, invocation: sameBytes ? target.invocation : -1 };
  }),
);

const trouble: fc.Arbitrary<RunOptions["trouble"]> = fc.option(
  fc.record({
    kind: fc.constantFrom(
      "agent-fails",
      "agent-throws",
      "answer-missing",
      "answer-invalid",
      "warehouse-fails",
      "cancelled",
      "killed",
    ),
    at: fc.integer({ min: 1, max: 20 }),
    size: fc.nat(400),
  }),
  { freq: 1 },
);

const anyRun: fc.Arbitrary<RunOptions> = fc.record({
  groups: fc.oneof({ weight: 5, arbitrary: fc.constant([]) }, fc.constantFrom(["VA"], ["(empty)", "(null)"])),
  tests: fc.oneof({ weight: 4, arbitrary: fc.constant([]) }, fc.constantFrom(["t0"], ["t1"])),
  retry: fc.integer({ min: 0, max: 5 }).map((value) => value === 5),
  failFast: fc.boolean(),
  trouble,
});

const step = fc.record({ edits: fc.array(anyEdit, { maxLength: 3, size: "max" }), run: anyRun });
const history = (maxLength: number) => fc.array(step, { minLength: 1, maxLength, size: "max" });

/** Whether a run's report is that of all cases. */
const isWhole = ({ groups, tests, retry, trouble }: RunOptions): boolean =>
  groups.length + tests.length === 0 && !retry && trouble === null;

/** Changes the rig's world; every world with a new test run gets an invocation of its own. */
function change(rig: Rig, edits: readonly Edit[], worlds: World[]): void {
  let world = edits.reduce((before, apply) => apply(before, worlds), rig.world);
  if (world.invocation === -1) world = { ...world, invocation: worlds.length };
  rig.world = world;
  worlds.push(world);
}

async function inRig<Value>(work: (rig: Rig) => Promise<Value>): Promise<Value> {
  const rig = openRig();
  try {
    return await work(rig);
  } finally {
    rig.remove();
  }
}

async function fromScratch(world: World): Promise<AuditEnd | null> {
  return inRig((rig) => {
    rig.world = world;
    return rig.run(undisturbed);
  });
}

it("ends where an audit from scratch ends, whatever happened before, and pays for nothing twice", async () => {
  await fc.assert(
    fc.asyncProperty(history(4), fc.array(anyEdit, { maxLength: 2, size: "max" }), (steps, last) =>
      inRig(async (rig) => {
        const worlds = [rig.world];
        for (const { edits, run } of steps) {
          change(rig, edits, worlds);
          if (isWhole(run)) await expectAsFromScratch(rig);
          else await rig.run(run);
        }
        change(rig, last, worlds);
        await expectAsFromScratch(rig);
      }),
    ),
    { numRuns: runs(12) },
  );
}, 3_600_000);

it("does exactly what plan says, wherever plan is not undecided", async () => {
  await fc.assert(
    fc.asyncProperty(history(2), step, (steps, { edits, run }) =>
      inRig(async (rig) => {
        const worlds = [rig.world];
        for (const before of steps) {
          change(rig, before.edits, worlds);
          await rig.run(before.run);
        }
        change(rig, edits, worlds);
        const options = { ...run, trouble: null };
        const { plan, assignment } = await rig.plan(options);
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
        const open = assignment?.tasks.flatMap((task) => task.open.map((item) => item.case.id));
        if (open !== undefined) expect([...rig.asked].sort()).toEqual(open.sort());
      }),
    ),
    { numRuns: runs(12) },
  );
}, 3_600_000);

async function expectAsFromScratch(rig: Rig): Promise<void> {
  const end = await rig.run(undisturbed);
  expect(essence(end?.report ?? null)).toEqual(essence((await fromScratch(rig.world))?.report ?? null));
  expect(end?.exitCode).toBe(exitCodes.complete);
}

/** FC_RUNS is for all properties; these are slow ones. */
function runs(normally: number): number {
  return Number(process.env.FC_RUNS ?? normally);
}
