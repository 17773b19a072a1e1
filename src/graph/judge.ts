/**
 * The one decision function: may what an earlier run left be used again? `plan` asks it before, `run` while it works.
 * Pure; it never reads events, times or the names of slots.
 */
import { digestOf } from "../model/digest.js";
import type { Facts, NodeId, Parts, Reason, Trace, Verdict } from "../model/graph.js";

/** What is known of the inputs now. `awaiting`: they depend on a node that has not run. */
export type Inputs =
  | { readonly kind: "known"; readonly parts: Parts; readonly facts?: Facts }
  | { readonly kind: "awaiting"; readonly node: NodeId };

/** Digest of an observed input of this trace now; null where it is gone; undefined where nobody has looked yet. */
export type Observe = (name: string, trace: Trace) => string | null | undefined;

export function fingerprint(parts: Parts): string {
  let known = fingerprints.get(parts);
  if (known === undefined) {
    known = digestOf(parts);
    fingerprints.set(parts, known);
  }
  return known;
}

/** A case's is asked for by whoever judges, publishes and commits it. */
const fingerprints = new WeakMap<Parts, string>();

/**
 * @param traces of this subject, newest first; any of them may be used again, so reverting an input finds the older one.
 */
export function judge(inputs: Inputs, traces: readonly Trace[], observe: Observe): Verdict {
  if (inputs.kind === "awaiting") return { kind: "undecided", awaiting: inputs.node };
  const wanted = fingerprint(inputs.parts);
  const same = traces.filter((trace) => trace.fingerprint === wanted);
  // Newest first: one that may be valid is looked into before an older one that is.
  const possible = same.find((trace) => changedObservations(trace, observe).length === 0);
  if (possible !== undefined) {
    const known = Object.keys(possible.observed).every((name) => observe(name, possible) !== undefined);
    return known ? { kind: "reuse", trace: possible } : { kind: "undecided", awaiting: "export", trace: possible };
  }
  const closest = same[0] ?? traces[0];
  if (closest === undefined) return { kind: "run", reasons: [{ part: "trace", change: "no-trace" }] };
  return {
    kind: "run",
    reasons: [...differences(closest, inputs), ...changedObservations(closest, observe)],
  };
}

interface Described {
  readonly parts: Parts;
  readonly facts?: Facts;
}

/** What differs between two sets of parts, in the order of their names. */
export function differences(before: Described, now: Described): readonly Reason[] {
  const names = [...new Set([...Object.keys(before.parts), ...Object.keys(now.parts)])].sort();
  return names.flatMap((part): Reason[] => {
    const [old, current] = [before.parts[part], now.parts[part]];
    if (old === current) return [];
    const [was, is] = [before.facts?.[part], now.facts?.[part]];
    const detail = was === undefined || is === undefined || was === is ? {} : { detail: `${was} → ${is}` };
    return [{ part, change: old === undefined ? "new" : current === undefined ? "removed" : "changed", ...detail }];
  });
}

function changedObservations(trace: Trace, observe: Observe): readonly Reason[] {
  return Object.entries(trace.observed).flatMap(([part, digest]): Reason[] => {
    const now = observe(part, trace);
    if (now === digest || now === undefined) return [];
    return [{ part, change: now === null ? "removed" : "changed" }];
  });
}
