// Writes the files that are made from the sources (schema/, docs/config.md, docs/cli.md): scripts/generated-files.ts lists them.
// Usage: node scripts/generate.mjs [--check]; with --check it writes nothing and exits 1 where a file is stale.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { rolldown } from "rolldown";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");

/** Bundles the TypeScript, since Node 20 runs none, in a folder from which packages can be found. */
async function loadGeneratedFiles() {
  const cache = join(root, "node_modules", ".cache");
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, "generate-"));
  try {
    const bundle = await rolldown({
      input: join(root, "scripts/generated-files.ts"),
      cwd: root,
      platform: "node",
      logLevel: "warn",
      external: (id) => !id.startsWith(".") && !id.startsWith("/"),
      // No generated file names a version: each release would make it stale.
      transform: { define: { __AUDIT_RUN_VERSION__: JSON.stringify("") } },
    });
    await bundle.write({ dir: folder, format: "esm", entryFileNames: "files.mjs" });
    await bundle.close();
    const { generatedFiles } = await import(pathToFileURL(join(folder, "files.mjs")).href);
    return generatedFiles.map(({ path, render }) => ({ path, content: render() }));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function committed(path) {
  try {
    return readFileSync(join(root, path), "utf8");
  } catch {
    return null;
  }
}

const isCheck = process.argv.includes("--check");
const stale = (await loadGeneratedFiles()).filter(({ path, content }) => committed(path) !== content);
for (const { path, content } of stale) {
  if (isCheck) console.error(`${path} is stale: run \`npm run generate\``);
  else {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
    console.log(`wrote ${path}`);
  }
}
if (stale.length === 0) console.log("all generated files are fresh");
process.exitCode = isCheck && stale.length > 0 ? 1 : 0;
