// An earlier state of the project, as `repos.dbt.state` names it: read beside the manifest, and a part of what it can decide.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { lineage } from "../../src/adapters/agents/lineage.js";
import { caseInputs } from "../../src/audit/inputs.js";
import { loadArtifacts } from "../../src/audit/open.js";
import type { Case } from "../../src/model/case.js";
import { exportConfig } from "../tasks/export-rig.js";

const compiled = "examples/dot-bids/compiled";
let folder: string;
const stateIn = (name: string) => join(folder, name);

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "audit-run-state-"));
  const manifest = readFileSync(join(compiled, "manifest.json"), "utf8");
  for (const [name, text] of [
    ["target", manifest],
    ["same", manifest],
    ["other", manifest.replace("upper(trim(status))", "upper(status)")],
  ] as const) {
    mkdirSync(stateIn(name));
    writeFileSync(join(stateIn(name), "manifest.json"), text);
  }
});
beforeAll(() => writeFileSync(join(folder, "target", "run_results.json"), '{"metadata": {}, "results": []}'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const configWith = (state: string | null) =>
  exportConfig({
    baseDir: folder,
    dbt: { state },
    summary: { artifacts: stateIn("target"), targetPath: stateIn("target") },
  });

async function partsWith(state: string | null) {
  const config = configWith(state);
  const agent = await lineage.create({ maxQueries: 40 }, { baseDir: "/", env: {}, redact: (text) => text });
  if (!agent.ok) throw new Error(agent.failure.message);
  const artifacts = await loadArtifacts(config);
  if (!artifacts.ok) throw new Error(artifacts.failure.message);
  const { project } = artifacts.value;
  const { partsOf } = await caseInputs({ config, agent: agent.value, template: "", project });
  const idOf = (name: string) =>
    [...(project?.resources.keys() ?? [])].find((id) => id.startsWith("test.") && id.includes(name)) ?? "";
  const of = (name: string) => partsOf({ test: { id: idOf(name), name }, group: {} } as unknown as Case).state;
  return {
    earlier: project?.earlier?.says,
    bids: of("accepted_values_fct_bids_bid_status"),
    vendors: of("stg_vendors"),
  };
}

test("is read beside the manifest, and a change of it reopens what it can decide and nothing else", async () => {
  const [none, same, other] = [
    await partsWith(null),
    await partsWith(stateIn("same")),
    await partsWith(stateIn("other")),
  ];
  expect(none).toEqual({ earlier: undefined, bids: undefined, vendors: undefined });
  expect(same.earlier).toBe("the manifest in same");
  expect(other.bids).not.toBe(same.bids);
  expect(other.vendors).toBe(same.vendors);
});

test("without a manifest there, the run says what to do", async () => {
  const artifacts = await loadArtifacts(configWith(stateIn("nowhere")));
  expect(artifacts).toMatchObject({
    ok: false,
    failure: { code: "artifacts-missing", hint: "keep a manifest.json there, or leave out repos.dbt.state" },
  });
});
