/**
 * Which columns of which parents the failing columns of a resource are made of.
 */
import type { Resource } from "../model/project.js";
import type { RowPlace } from "./check.js";
import type { Candidate } from "./row-vote.js";
import { find, type Origin } from "./shape.js";
import type { ResourceShape } from "./workspace.js";

/** Parents' columns that the tested columns are made of; a text says why that cannot be known. */
export function candidatesOf(here: Resource, at: ResourceShape, place: RowPlace): readonly Candidate[] | string {
  const names = [...place.columns];
  const origins = names.map(([, name]) => find(at.shape.columns, name)?.origins);
  if (origins.some((item) => item === undefined)) {
    return `the SQL of ${here.name} does not show where ${names.map(([, name]) => name).join(", ")} comes from`;
  }
  if (names.length > 1) return together(at, here, place, origins as readonly (readonly Origin[])[]);
  const [test, local] = names[0] ?? ["", ""];
  const all = origins[0] ?? [];
  const candidates = new Map<string, Candidate>();
  for (const origin of all) {
    for (const base of origin.columns) {
      const parent = at.parents.get(base.instance);
      const reference = at.shape.instances.get(base.instance)?.reference.name ?? base.instance;
      if (parent === undefined) return `${here.name} reads ${reference}, which the project does not know`;
      const wide = place.wide || origin.kind !== "direct";
      candidates.set(JSON.stringify(base), {
        instance: base.instance,
        parent,
        place: { check: place.check, columns: new Map([[test, base.column]]), wide },
        kind: origin.kind,
        label: base.column,
      });
    }
  }
  if (candidates.size === 0 && all.some((origin) => origin.kind === "unknown")) {
    return `the SQL of ${here.name} does not show where ${local} comes from`;
  }
  return [...candidates.values()].slice(0, 8);
}

/** Several columns are followed only while all of them come unchanged from one and the same parent. */
function together(
  at: ResourceShape,
  here: Resource,
  place: RowPlace,
  origins: readonly (readonly Origin[])[],
): readonly Candidate[] | string {
  const instances = [...new Set(origins.flat().flatMap((origin) => origin.columns.map((column) => column.instance)))];
  const candidates: Candidate[] = [];
  for (const instance of instances) {
    const columns = new Map<string, string>();
    for (const [index, [test]] of [...place.columns].entries()) {
      const direct = origins[index]?.find((item) => item.kind === "direct" && item.columns[0]?.instance === instance);
      const base = direct?.columns[0];
      if (base !== undefined) columns.set(test, base.column);
    }
    const parent = at.parents.get(instance);
    if (columns.size < place.columns.size || parent === undefined) continue;
    candidates.push({
      instance,
      parent,
      place: { ...place, columns },
      kind: "direct",
      label: [...columns.values()].join(", "),
    });
  }
  if (candidates.length > 0) return candidates;
  const computed = origins.some((items) => items.some((origin) => origin.kind !== "direct"));
  if (computed)
    return `${here.name} computes what the test compares: any of the values that it does that with may be the wrong one`;
  return `the columns of the test come from several parents of ${here.name}, each of which may hold the wrong one`;
}
