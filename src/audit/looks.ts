/**
 * Looking again at the queries that findings cite: once for each version of the data, and remembered for the runs after.
 */

import type { Case } from "../model/case.js";
import type { Config } from "../model/config.js";
import { digestOf } from "../model/digest.js";
import type { Finding } from "../model/finding.js";
import type { Trace } from "../model/graph.js";
import type { TraceReader, TraceStore } from "../model/trace-store.js";
import { fileDigest } from "../support/repo-files.js";
import { observedFile, observedQuery } from "../tasks/admission.js";
import type { Requery } from "./requery.js";

/** What this run saw; undefined where a query could not be run. */
export type Looked = ReadonlyMap<string, string | null | undefined>;

interface Looks {
  /** What an earlier run saw when it looked at these data. */
  readonly recorded: ReadonlyMap<string, string | null>;
  /** What this run saw. */
  readonly looked: Looked;
  readonly data: string | null;
}

/** Files are always looked at; a query once for each version of the data. */
export function observedNow(
  name: string,
  trace: Trace,
  files: ReadonlyMap<string, string | null>,
  { recorded, looked, data }: Looks,
): string | null | undefined {
  const then = trace.observed[name];
  if (!name.startsWith("query:")) return files.get(name) ?? null;
  if (data === null || trace.data === data) return then;
  if (recorded.has(name)) return recorded.get(name);
  // Asked, and the world kept it from running: it changes no verdict, and the next run asks again.
  return looked.has(name) ? (looked.get(name) ?? then) : undefined;
}

/** Subject of the traces that remember what was seen. */
const lookSubject = "look";

/** What earlier runs saw when they looked at these data. */
export async function earlierLooks(
  traces: TraceReader,
  data: string | null,
): Promise<ReadonlyMap<string, string | null>> {
  const trace = traces.find(lookSubject).find((one) => one.parts.data === data);
  const seen = trace === undefined ? null : ((await traces.read(trace)) as Record<string, string | null> | null);
  return new Map(Object.entries(seen ?? {}));
}

/** Keeps what this run saw for those that find the same data. */
export async function commitLooks(
  traces: TraceStore,
  looked: Looked,
  made: { readonly data: string; readonly run: string; readonly at: string },
): Promise<void> {
  const seen = [...looked].filter(([, digest]) => digest !== undefined);
  if (seen.length === 0) return;
  const { data, run, at } = made;
  const earlier = traces.find(lookSubject).find((one) => one.parts.data === data);
  const known = earlier === undefined ? {} : ((await traces.read(earlier)) as Record<string, string | null> | null);
  const parts = { data };
  const output = { ...known, ...Object.fromEntries(seen) };
  await traces.commit({ subject: lookSubject, fingerprint: digestOf(parts), parts, observed: {}, run, at }, output);
}

/** Runs what nobody has looked at yet. */
export async function lookAgain(
  findings: readonly Finding[],
  looked: Map<string, string | null | undefined>,
  requery: Requery,
): Promise<void> {
  const recorded = new Map<string, Set<string>>();
  for (const { sql, resultDigest } of findings.flatMap(({ evidence }) => evidence)) {
    if (!looked.has(observedQuery(sql))) recorded.set(sql, (recorded.get(sql) ?? new Set()).add(resultDigest));
  }
  const digests = await requery([...recorded].map(([sql, digests]) => ({ sql, recorded: digests })));
  for (const sql of recorded.keys()) looked.set(observedQuery(sql), digests.get(sql));
}

/** Digests of the cited files of other repositories, as they are now. */
export async function observeFiles(
  cases: readonly Case[],
  traces: TraceReader,
  config: Config,
): Promise<Map<string, string | null>> {
  const wanted = new Set(cases.flatMap((item) => traces.find(item.id).flatMap((trace) => Object.keys(trace.observed))));
  const digests = new Map<string, string | null>();
  for (const { name, path } of config.sources) {
    const prefix = observedFile(name, "");
    for (const part of wanted) {
      if (!part.startsWith(prefix)) continue;
      const digest = await fileDigest(path, part.slice(prefix.length));
      if (digest !== null) digests.set(part, digest);
    }
  }
  return digests;
}
