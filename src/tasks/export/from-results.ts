/**
 * The failing tests according to dbt's run_results.json. Knows no warehouse.
 */
import type { TestRef } from "../../model/case.js";
import type { Project, RunResults } from "../../model/project.js";
import {
  type FailingTest,
  isIncluded,
  knownNames,
  knownTest,
  type NamingContext,
  testNames,
  unknownTest,
} from "./failing-test.js";

export interface Selection {
  readonly failing: readonly FailingTest[];
  readonly broken: readonly { readonly test: TestRef; readonly message: string }[];
  readonly orphans: readonly string[];
  readonly testsSeen: number;
  /** Failing tests that the config's `tests` leaves out. */
  readonly leftOut: number;
  /** Names of tests that are known from the project or the results, for patterns to match. */
  readonly names: ReadonlySet<string>;
  /** Ids of tests that the artifacts call passing. */
  readonly passing: ReadonlySet<string>;
  /** Test id → raw groups that a summary table counts failures in. */
  readonly claimedGroups: ReadonlyMap<string, ReadonlySet<string | null>>;
}

export function selectFromResults(context: NamingContext, project: Project | null, results: RunResults): Selection {
  const { config } = context;
  const nameOf = testNames(project);
  const included = isIncluded(config);
  const failing = new Map<string, FailingTest>();
  const broken: { test: TestRef; message: string }[] = [];
  const passing = new Set<string>();
  const names = knownNames(project);
  let testsSeen = 0;
  let leftOut = 0;
  for (const result of results.results) {
    const resource = project?.resources.get(result.id) ?? null;
    if (resource === null ? !result.id.startsWith("test.") : resource.test === null) continue;
    // unique_id is test.<package>.<name>[.<hash>].
    const name = resource === null ? (result.id.split(".")[2] ?? result.id) : nameOf(resource);
    const test =
      resource === null ? unknownTest(result.id, name, result, context) : knownTest(resource, name, result, context);
    names.add(name);
    // Thresholds make a test of severity error end as warn: what dbt made of it counts.
    const severity = result.status === "fail" ? "error" : result.status === "warn" ? "warn" : null;
    if (!included(test.ref)) {
      if (severity !== null) leftOut++;
      continue;
    }
    testsSeen++;
    if (result.status === "pass") passing.add(result.id);
    if (result.status === "error") {
      broken.push({ test: test.ref, message: result.message ?? "dbt could not run it and gave no message" });
    }
    if (severity === null) continue;
    if (config.tests.severity.includes(severity)) failing.set(result.id, test);
    else leftOut++;
  }
  const claimedGroups = new Map<string, ReadonlySet<string | null>>();
  return { failing: [...failing.values()], broken, orphans: [], testsSeen, leftOut, names, passing, claimedGroups };
}
