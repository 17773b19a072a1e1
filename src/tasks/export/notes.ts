/**
 * What a person should know of an export that neither fails nor makes a case: patterns that fit no test, a column that
 * none has, and groups that a summary table counts and no row has. Pure.
 */
import type { Case } from "../../model/case.js";
import type { Config } from "../../model/config.js";
import { allRows, groupOf } from "../../model/group.js";
import { globs } from "../../support/glob.js";
import { closest } from "../../support/suggest.js";
import type { Selection } from "./from-results.js";

/** One sentence each. */
export function exportNotes(config: Config, selection: Selection, cases: readonly Case[]): readonly string[] {
  return [
    ...idlePatterns("tests.include", config.tests.include, selection.names),
    ...idlePatterns("tests.exclude", config.tests.exclude, selection.names),
    ...absentGroups(config, selection, cases),
    ...unknownColumn(config, cases),
  ];
}

/** A single test without the column is nothing special; where none of several has it, it is most likely misspelt. */
function unknownColumn({ groupBy }: Config, cases: readonly Case[]): readonly string[] {
  if (cases.length < 2 || cases.some((each) => each.group.key !== allRows.key)) return [];
  const columns = groupBy.columns.map((column) => `'${column}'`).join(" or ");
  return [`groupBy: no failing test could be split by ${columns}; is the column called so?`];
}

/** Patterns that fit no test at all are most likely misspelt. Nothing is said where no test is known. */
function idlePatterns(where: string, patterns: readonly string[], names: ReadonlySet<string>): readonly string[] {
  if (names.size === 0) return [];
  return patterns.flatMap((pattern) => {
    if ([...names].some(globs([pattern]))) return [];
    const near = closest(pattern, names);
    return [`${where}: no test is called '${pattern}'${near === undefined ? "" : `; did you mean '${near}'?`}`];
  });
}

function absentGroups(config: Config, selection: Selection, cases: readonly Case[]): readonly string[] {
  const found = new Map<string, Set<string>>();
  for (const each of cases) {
    const keys = found.get(each.test.id) ?? new Set();
    found.set(each.test.id, keys.add(each.group.key));
  }
  const { map } = config.groupBy;
  return selection.failing.flatMap(({ ref }) => {
    const keys = found.get(ref.id);
    if (keys === undefined || keys.has(allRows.key)) return [];
    // A summary may itself write (all) where rows have no group.
    const absent = [...(selection.claimedGroups.get(ref.id) ?? [])]
      .filter((raw) => raw !== allRows.key)
      .map((raw) => groupOf(raw === null ? null : Object.hasOwn(map, raw) ? (map[raw] ?? raw) : raw).key)
      .filter((key) => !keys.has(key));
    if (absent.length === 0) return [];
    const groups = [...new Set(absent)].sort().join(", ");
    return [`the summary table counts failures of ${ref.name} in ${groups}; no failing row is there`];
  });
}
