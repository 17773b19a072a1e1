/**
 * The histories that the oracle tries: edits of a world, damages of what earlier runs left, and runs with what may go wrong
 * in them. Knows no audit.
 */
import fc from "fast-check";
import type { Damage } from "./machine/damage.js";
import type { Trouble } from "./oracle-mishaps.js";
import type { RunOptions } from "./oracle-rig.js";
import {
  caseName,
  codes,
  firstWorld,
  groupings,
  groupKey,
  sources,
  states,
  summaries,
  testNames,
  type World,
} from "./oracle-world.js";

export type Edit = (world: World, earlier: readonly World[]) => World;

/** Data, models and macros change together with a new test run: another invocation. */
const afresh = (world: World, more: Partial<World>): World => ({ ...world, ...more, invocation: -1 });
/** Most changes are between two versions, so that a change changes something, and another one brings back what was. */
const other = (version: number): number => 1 - version;
const nothing = fc.constant(null);
type Versioned =
  | "probe"
  | "description"
  | "loaded"
  | "cited"
  | "vars"
  | "projectVars"
  | "categories"
  | "model"
  | "variant"
  | "template";

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

export const anyEdit: fc.Arbitrary<Edit> = fc.oneof(
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
    weight: 5,
    arbitrary: edit(
      "code",
      fc.constantFrom(...codes),
      (name) => (world) => afresh(world, { code: { ...world.code, [name]: other(world.code[name]) } }),
    ),
  },
  edit("tests run again", nothing, () => (world) => afresh(world, {})),
  edit("dbt run by hand", nothing, () => (world) => ({ ...world, byHand: world.byHand + 1 })),
  versioned("probe", true),
  versioned("description", true),
  versioned("loaded", true),
  versioned("cited", false),
  versioned("vars", false),
  versioned("projectVars", false),
  versioned("categories", false),
  versioned("model", false),
  versioned("variant", false),
  versioned("template", false),
  edit("knowledge", fc.constantFrom("all", "VA", "t1"), (name) => (world) => ({
    ...world,
    knowledge: { ...world.knowledge, [name]: other(world.knowledge[name]) },
  })),
  edit("repository", fc.constantFrom("head", "changes", "untracked"), (name) => (world) => ({
    ...world,
    repository: { ...world.repository, [name]: other(world.repository[name]) },
  })),
  edit("loads ignored", fc.boolean(), (ignoresLoads) => (world) => ({ ...world, ignoresLoads })),
  edit("grouping", fc.constantFrom(...groupings), (grouping) => (world) => ({ ...world, grouping })),
  edit("source", fc.constantFrom(...sources), (source) => (world) => ({ ...world, source })),
  {
    weight: 2,
    arbitrary: edit("summary", fc.constantFrom(...summaries), (summary) => (world) => ({ ...world, summary })),
  },
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

/** How an audit is set up at first; most edits leave that alone. */
export const firstWorlds: fc.Arbitrary<World> = fc
  .record({
    summary: fc.constantFrom(...summaries),
    source: fc.constantFrom(...sources),
    grouping: fc.constantFrom(...groupings),
    ignoresLoads: fc.boolean(),
  })
  .map((setup) => ({ ...firstWorld, ...setup }));

type Kind = Trouble["kind"];

/** What is asked of others, and changes of the disk: a run has a few of the former and a hundred of the latter. */
const asked: readonly Kind[] = [
  "agent-fails",
  "agent-throws",
  "answer-missing",
  "answer-invalid",
  "warehouse-slow",
  "warehouse-away",
  "no-slot",
  "dbt-fails",
  "dbt-fails-early",
];
const anywhere: readonly Kind[] = ["disk-full", "cancelled", "killed", "killed"];
const troubleAt = (kinds: readonly Kind[], last: number): fc.Arbitrary<Trouble> =>
  fc.record({ kind: fc.constantFrom(...kinds), at: fc.integer({ min: 1, max: last }), size: fc.nat(400) });

const trouble: fc.Arbitrary<Trouble | null> = fc.oneof(
  fc.constant(null),
  troubleAt(asked, 20),
  troubleAt(anywhere, 150),
);

const rarely = <Value>(value: fc.Arbitrary<Value>, otherwise: Value, times: number): fc.Arbitrary<Value> =>
  fc.oneof({ weight: times, arbitrary: fc.constant(otherwise) }, { weight: 1, arbitrary: value });

const anyRun: fc.Arbitrary<RunOptions> = fc.record({
  groups: rarely<readonly string[]>(fc.constantFrom(["VA"], ["(empty)", "(null)"], ["north"]), [], 4),
  tests: rarely<readonly string[]>(fc.constantFrom(["t0"], ["t1"]), [], 5),
  targets: rarely<readonly string[]>(
    fc.constantFrom(["summary"], ["export"], ["investigate:VA"], ["investigate:t1"]),
    [],
    6,
  ),
  retry: rarely(fc.constant(true), false, 5),
  failFast: fc.boolean(),
  trouble,
});

const anyDamage: fc.Arbitrary<Damage> = fc.record({
  how: fc.constantFrom("bit", "cut", "deleted"),
  file: fc.nat(200),
  at: fc.nat(2_000),
  inTraces: fc.boolean(),
});

export interface Step {
  readonly damage: Damage | null;
  readonly edits: readonly Edit[];
  readonly run: RunOptions;
}

export const edits = (maxLength: number): fc.Arbitrary<readonly Edit[]> =>
  fc.array(anyEdit, { maxLength, size: "max" });

export const step: fc.Arbitrary<Step> = fc.record({
  damage: rarely<Damage | null>(anyDamage, null, 9),
  edits: edits(3),
  run: anyRun,
});

export const history = (maxLength: number): fc.Arbitrary<readonly Step[]> =>
  fc.array(step, { minLength: 1, maxLength, size: "max" });
