// Artifacts on disk: compiled SQL beside the manifest, and folders where something is missing.
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { loadProject, loadRunResults } from "../../src/dbt/load.js";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "audit-run-artifacts-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function write(path: string, content: string): Promise<void> {
  await mkdir(dirname(join(folder, path)), { recursive: true });
  await writeFile(join(folder, path), content);
}

const node = (type: string, name: string, path: string, more: object = {}) => ({
  resource_type: type,
  name,
  package_name: "demo",
  original_file_path: path,
  ...more,
});

describe("loadProject", () => {
  it("takes compiled SQL from target/compiled where the manifest has none, as after Fusion", async () => {
    const generic = { test_metadata: { name: "unique" }, alias: "unique_short" };
    await write(
      "target/manifest.json",
      JSON.stringify({
        metadata: { project_name: "demo" },
        nodes: {
          model: node("model", "bids", "models/bids.sql"),
          kept: node("model", "kept", "models/kept.sql", { compiled_code: "select 'kept'" }),
          singular: node("test", "wrong", "tests/wrong.sql"),
          generic: node("test", "unique_very_long", "models/schema.yml", generic),
          packaged: node("model", "u", "models/u.sql", { package_name: "utils" }),
          hostile: node("model", "h", "models/h.sql", { package_name: ".." }),
          seed: node("seed", "s", "seeds/s.csv"),
        },
      }),
    );
    await write("target/compiled/demo/models/bids.sql", "select 'bids'");
    await write("target/compiled/demo/models/kept.sql", "select 'other'");
    await write("target/compiled/demo/tests/wrong.sql", "select 'wrong'");
    await write("target/compiled/demo/models/schema.yml/unique_short.sql", "select 'unique'");
    await write("target/compiled/utils/models/u.sql", "select 'u'");
    await write("target/models/h.sql", "select 'outside'");
    const project = await loadProject(join(folder, "target"));
    if (!project.ok) throw new Error(project.failure.message);
    const code = Object.fromEntries([...project.value.resources].map(([id, resource]) => [id, resource.compiledCode]));
    expect(code).toEqual({
      model: "select 'bids'",
      kept: "select 'kept'",
      singular: "select 'wrong'",
      generic: "select 'unique'",
      packaged: "select 'u'",
      hostile: null,
      seed: null,
    });
  });

  it("says what to do where there is no manifest, or a broken one", async () => {
    const missing = await loadProject(folder);
    expect(missing.ok ? "ok" : missing.failure).toMatchObject({
      code: "artifacts-missing",
      message: `there is no manifest.json in '${folder}'`,
      hint: expect.stringContaining("dbt build"),
    });
    await write("manifest.json", '{"nodes": {');
    const broken = await loadProject(folder);
    expect(broken.ok ? "ok" : broken.failure.code).toBe("artifacts-unreadable");
    expect(broken.ok ? "" : broken.failure.message).toContain(folder);
    await mkdir(join(folder, "run_results.json"));
    const directory = await loadRunResults(folder);
    expect(directory.ok ? "ok" : directory.failure.code).toBe("artifacts-unreadable");
  });
});
