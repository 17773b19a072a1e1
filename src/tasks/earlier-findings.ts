/**
 * What is known already of the tests of a task: admitted findings of earlier audits for the same cases, and of other groups.
 * They go into the prompt alone: no fingerprint has them, since they tell how a case was found, not what it is.
 */
import type { Case } from "../model/case.js";
import type { Finding } from "../model/finding.js";
import type { TraceReader } from "../model/trace-store.js";

export interface EarlierInput {
  /** To be answered. */
  readonly cases: readonly Case[];
  /** All cases of the export. */
  readonly all: CasesByTest;
  readonly traces: Pick<TraceReader, "find" | "read">;
  /** Findings of this audit by case id, which need not be read again. */
  readonly found: ReadonlyMap<string, { readonly finding: Finding }>;
}

/** Test name → its cases, those with the most failures first. */
export type CasesByTest = ReadonlyMap<string, readonly Case[]>;

/** Of other groups, for one test. */
const mostOfTest = 3;
/** For one task; the prompt has room for no more. */
const mostOfTask = 24;
/** Groups of one test that are looked at, so that ten thousand tasks do not each look at ten thousand groups. */
const mostGroups = 100;

export function byTest(cases: readonly Case[]): CasesByTest {
  const tests = new Map<string, Case[]>();
  for (const item of cases) {
    const own = tests.get(item.test.name);
    if (own === undefined) tests.set(item.test.name, [item]);
    else own.push(item);
  }
  for (const own of tests.values()) own.sort((left, right) => right.failures - left.failures);
  return tests;
}

/** The task's own cases first, as earlier audits found them; then other groups, those with the most failures first. */
export async function earlierFindings({ cases, all, traces, found }: EarlierInput): Promise<readonly Finding[]> {
  const open = new Set(cases.map(({ id }) => id));
  const lookUp = async (id: string): Promise<Finding | null> => {
    const known = found.get(id);
    if (known !== undefined) return known.finding;
    const trace = traces.find(id)[0];
    return trace === undefined ? null : ((await traces.read(trace)) as Finding | null);
  };
  const findings: Finding[] = [];
  for (const { id } of cases) {
    if (findings.length >= mostOfTask) return findings;
    const own = await lookUp(id);
    if (own !== null) findings.push(own);
  }
  for (const test of new Set(cases.map((item) => item.test.name))) {
    const others = (all.get(test) ?? []).filter(({ id }) => !open.has(id)).slice(0, mostGroups);
    let ofTest = 0;
    for (const { id } of others) {
      if (findings.length >= mostOfTask) return findings;
      if (ofTest >= mostOfTest) break;
      const other = await lookUp(id);
      if (other === null) continue;
      findings.push(other);
      ofTest += 1;
    }
  }
  return findings;
}
