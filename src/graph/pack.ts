/**
 * Strategies: how cases are packed into tasks. Packing decides who looks at a case, never whether it is looked at,
 * so it is no part of a fingerprint. Pure.
 */
import type { Case } from "../model/case.js";
import type { StrategyName } from "../model/config.js";
import { safeNames } from "../model/names.js";
import type { Task } from "../model/task.js";

export interface PackOptions {
  readonly strategy: StrategyName;
  readonly maxTestsPerTask: number;
  /** Agents that work at a time: the number of loads of `balanced`. */
  readonly agents: number;
  /** How many cases really need an agent; only `auto`'s words depend on it. */
  readonly open?: number;
}

export interface Packing {
  readonly tasks: readonly Task[];
  readonly strategy: Exclude<StrategyName, "auto">;
  /** Why `auto` chose it; null where the user did. */
  readonly why: string | null;
  /** Set where the work is too small to be worth agents. */
  readonly tooSmall: string | null;
}

/** Fewer failures than this in one group are quicker to look at by hand. */
const smallAudit = 4;

export function pack(cases: readonly Case[], options: PackOptions): Packing {
  const groups = new Set(cases.map((item) => item.group.key)).size;
  const tests = new Set(cases.map((item) => item.test.id)).size;
  const chosen = options.strategy === "auto" ? choose(groups, tests) : { strategy: options.strategy, why: null };
  const tooSmall =
    groups === 1 && cases.length < smallAudit
      ? `One group and ${count(cases.length, "failing test")}: this is too small to be worth parallel agents; looking at it by hand is as quick.`
      : null;
  return { tasks: strategies[chosen.strategy](cases, options), ...chosen, tooSmall };
}

function choose(groups: number, tests: number): { strategy: Exclude<StrategyName, "auto">; why: string } {
  const both = `${count(groups, "group")} and ${count(tests, "failing test")}`;
  if (groups === 1 && tests > 1)
    return { strategy: "balanced", why: `${both}: one group alone would keep one agent busy` };
  if (tests < groups)
    return { strategy: "per-test", why: `${both}: fewer tests than groups, so the same fix is looked for once` };
  return { strategy: "per-group", why: `${both}: no more groups than tests, so each agent gets to know one group` };
}

const strategies: Record<
  Exclude<StrategyName, "auto">,
  (cases: readonly Case[], options: PackOptions) => readonly Task[]
> = {
  "per-group": (cases, options) => byKey(cases, "group", (item) => item.group.key, options.maxTestsPerTask),
  // A task of one test has one test, however many groups it fails in; it is split by the number of its cases.
  "per-test": (cases, options) => byKey(cases, "test", (item) => item.test.name, options.maxTestsPerTask * 8),
  balanced,
};

function byKey(
  cases: readonly Case[],
  axis: "group" | "test",
  key: (item: Case) => string,
  most: number,
): readonly Task[] {
  const buckets = new Map<string, Case[]>();
  for (const item of cases) {
    const bucket = buckets.get(key(item));
    if (bucket === undefined) buckets.set(key(item), [item]);
    else bucket.push(item);
  }
  const titles = [...buckets.keys()].sort(byText);
  const names = safeNames(titles);
  return titles.flatMap((title) => {
    const chunks = chunk(sorted(buckets.get(title) ?? []), most);
    // A safe name holds no dot, so a part's name cannot be another group's.
    return chunks.map((part, index): Task => {
      const suffix = index === 0 ? "" : `.${index + 1}`;
      return {
        id: `${names.get(title)}${suffix}`,
        title: chunks.length === 1 ? title : `${title} (${index + 1} of ${chunks.length})`,
        axis,
        cases: part,
      };
    });
  });
}

/** Longest first into the lightest load: at most 4/3 of the best possible makespan (Graham 1969). */
function balanced(cases: readonly Case[], options: PackOptions): readonly Task[] {
  const needed = Math.max(options.agents, Math.ceil(cases.length / options.maxTestsPerTask));
  const loads = Array.from({ length: Math.min(needed, cases.length) }, () => ({ weight: 0, cases: [] as Case[] }));
  const heaviestFirst = [...cases].sort((left, right) => right.failures - left.failures || byText(left.id, right.id));
  for (const item of heaviestFirst) {
    const open = loads.filter((load) => load.cases.length < options.maxTestsPerTask);
    const lightest = open.reduce((best, load) => (load.weight < best.weight ? load : best));
    lightest.weight += effort(item);
    lightest.cases.push(item);
  }
  return loads.map((load, index) => ({
    id: `task-${index + 1}`,
    title: `Task ${index + 1}`,
    axis: "mixed" as const,
    cases: sorted(load.cases),
  }));
}

/** Reading 10,000 failing rows takes an agent little longer than reading 1,000. */
export function effort(item: Case): number {
  return 1 + Math.log10(1 + item.failures);
}

function chunk<Item>(items: readonly Item[], most: number): readonly (readonly Item[])[] {
  const parts = Math.max(1, Math.ceil(items.length / most));
  const size = Math.ceil(items.length / parts);
  return Array.from({ length: parts }, (_, index) => items.slice(index * size, (index + 1) * size));
}

function sorted(cases: readonly Case[]): readonly Case[] {
  return [...cases].sort(
    (left, right) => byText(left.group.key, right.group.key) || byText(left.test.name, right.test.name),
  );
}

function byText(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

function count(amount: number, noun: string): string {
  return `${amount} ${noun}${amount === 1 ? "" : "s"}`;
}
