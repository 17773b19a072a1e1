/** The warehouse: how it would be opened, whether it opens, and whether what an audit reads can be read. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Config } from "../../model/config.js";
import type { Project, Relation } from "../../model/project.js";
import { relationKey, relationText } from "../../model/relation.js";
import type { Warehouse } from "../../model/warehouse.js";
import { loadArtifacts, openWarehouse } from "../open.js";
import { type Check, diagnosed, fine, type Told, told } from "./check.js";

export const profileCheck: Check = {
  id: "profile",
  timeout: 10_000,
  async look({ credentials }) {
    if ("diagnostics" in credentials) {
      const { diagnostics, failure } = credentials;
      return [...diagnostics.map(diagnosed), ...(failure === null ? [] : [told("problem", failure)])];
    }
    const { adapter, source, warnings } = credentials;
    return [fine(`${adapter.id}, by ${source}`), ...warnings.map(diagnosed)];
  },
};

export const warehouseCheck: Check = {
  id: "warehouse",
  timeout: 90_000,
  async look({ config, credentials, request }, signal) {
    if ("diagnostics" in credentials) return [];
    const relations = await relationsOf(config);
    const scratchDir = await mkdtemp(join(tmpdir(), "audit-run-doctor-"));
    try {
      const opened = await openWarehouse({ config, credentials }, { scratchDir, env: request.env, signal });
      if (!opened.ok) return [told("problem", opened.failure)];
      const warehouse = opened.value;
      try {
        const answer = await warehouse.query("select 1 as one", { signal, timeout: 60_000, label: "doctor" });
        if (!answer.ok) return [told("problem", answer.failure)];
        return [fine(`${credentials.adapter.id} opens and answers`), ...(await readable(warehouse, relations))];
      } finally {
        await warehouse.close();
      }
    } finally {
      await rm(scratchDir, { recursive: true, force: true });
    }
  },
};

/** More would take too long for a look. */
const most = 500;

/** What an audit would read: the failing tests' stored rows and all that is upstream of them; null without a manifest. */
async function relationsOf(config: Config): Promise<readonly Relation[] | null> {
  const artifacts = await loadArtifacts(config);
  if (!artifacts.ok || artifacts.value.project === null) return null;
  const { project, runResults } = artifacts.value;
  const failing = runResults?.results.filter(({ status }) => status === "fail" || status === "warn") ?? [];
  const tests = failing.length > 0 ? failing.map(({ id }) => id) : testsOf(project);
  const relations = new Map<string, Relation>();
  const seen = new Set<string>();
  const add = (id: string, isFailing: boolean): void => {
    if (seen.has(id)) return;
    seen.add(id);
    const resource = project.resources.get(id);
    if (resource === undefined) return;
    const { relation, test } = resource;
    // Stored rows are there only where a test has failed.
    if (relation !== null && (test === null || (isFailing && test.storesFailures))) {
      relations.set(relationKey(relation), relation);
    }
    for (const parent of resource.dependsOn) add(parent, false);
  };
  for (const id of tests) add(id, failing.length > 0);
  return [...relations.values()];
}

function testsOf(project: Project): readonly string[] {
  return [...project.resources.values()].flatMap(({ id, type }) => (type === "test" ? [id] : []));
}

async function readable(warehouse: Warehouse, relations: readonly Relation[] | null): Promise<readonly Told[]> {
  if (relations === null) {
    const hint = "The first run makes one; then `audit-run doctor` also looks at the rights to each relation.";
    return [{ level: "warning", message: "there is no manifest yet, so no relation was looked at", hint }];
  }
  const looked = relations.slice(0, most);
  const rest = relations.length > most ? ` (the first ${most} of ${relations.length})` : "";
  if (warehouse.preflight !== undefined) {
    const notes = await warehouse.preflight(looked);
    if (!notes.ok) return [told("problem", notes.failure)];
    return rest === "" ? notes.value : notes.value.map((note) => ({ ...note, message: `${note.message}${rest}` }));
  }
  const described = await warehouse.describe(looked);
  if (!described.ok) return [told("problem", described.failure)];
  const missing = looked.filter((relation) => !described.value.has(relationKey(relation)));
  if (missing.length === 0) return [fine(`${looked.length} relations of the manifest are there${rest}`)];
  const names = missing.slice(0, 5).map(relationText);
  const message = `${missing.length} relations of the manifest are not there, such as ${names.join(", ")}`;
  return [
    { level: "warning", message, hint: "Build them with dbt; without them a failure cannot be followed upstream." },
  ];
}
