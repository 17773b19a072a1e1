// Builds dist/: one entry file and a chunk for every lazy import. Small packages that every run needs are bundled, since
// finding and reading their two hundred files takes longer than running them; heavy ones, which few runs need, stay packages.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { defineConfig } from "rolldown";

const { version } = JSON.parse(readFileSync("package.json", "utf8"));
const bundled = ["commander", "listr2", "p-limit", "yaml", "zod"];

/** Packages that the bundled ones need come with them. */
const isOurs = (id) => id.startsWith(".") || id.startsWith("/");
const isBundled = (id, importer) =>
  bundled.includes(id.split("/")[0]) || (importer?.includes("/node_modules/") && !id.startsWith("node:"));

/** The licenses of what is bundled ask to be handed on with it. */
const licenses = {
  name: "licenses",
  generateBundle(_options, chunks) {
    const modules = Object.values(chunks).flatMap((chunk) => Object.keys(chunk.modules ?? {}));
    const folders = new Set(modules.flatMap((id) => /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(id) ?? []));
    const texts = [...folders].sort().map((folder) => {
      const { name, version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
      const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
      const text = file === undefined ? `License: ${license}` : readFileSync(join(folder, file), "utf8").trim();
      return `${name} ${version}\n\n${text}\n`;
    });
    this.emitFile({
      type: "asset",
      fileName: "THIRD-PARTY-LICENSES.txt",
      source: texts.join(`\n${"-".repeat(80)}\n\n`),
    });
  },
};

export default defineConfig({
  input: { cli: "src/cli.ts" },
  platform: "node",
  external: (id, importer) => !isOurs(id) && !isBundled(id, importer),
  transform: { define: { __AUDIT_RUN_VERSION__: JSON.stringify(version) } },
  plugins: [licenses],
  output: {
    dir: "dist",
    format: "esm",
    cleanDir: true,
    entryFileNames: "[name].js",
    chunkFileNames: "chunks/[name]-[hash].js",
    banner: (chunk) => (chunk.isEntry ? "#!/usr/bin/env node" : ""),
  },
});
