// Checks src/ against the rules in .dependency-cruiser.mjs, and distrusts the checker: dependency-cruiser without a
// parser for TypeScript sees nothing and is content, so an own crude scan of the text must find no import that it missed.
// Usage: node scripts/check-imports.mjs [folder that holds src/]
import { readdirSync, readFileSync } from "node:fs";
import { join, posix, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { cruise } from "dependency-cruiser";
import { homes, knownFiles, rules } from "../.dependency-cruiser.mjs";

const importPattern =
  /\b(?:(import|export)\s+(type\s)?(?:[^"'`;()]*?\sfrom\s*)?|(import)\(\s*)"([^"\n]+)"(\s*\)\s*[.[<]?)?/g;

/** Every import that the text of a file has: `kind` is static, type or dynamic. */
function scanImports(text) {
  const code = text.replaceAll(/\/\*[\s\S]*?\*\//g, "").replaceAll(/^\s*\/\/.*$/gm, "");
  return [...code.matchAll(importPattern)].map(([, , type, dynamic, specifier]) => ({
    specifier,
    kind: dynamic ? "dynamic" : type ? "type" : "static",
  }));
}

function sourceFiles(root) {
  return readdirSync(join(root, "src"), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.[mc]?tsx?$/.test(entry.name))
    .map((entry) => posix.join("src", resolve(entry.parentPath, entry.name).slice(join(root, "src").length + 1)))
    .sort();
}

/** @returns {Promise<{modules: number, imports: number, problems: string[]}>} */
export async function checkImports(root) {
  const files = sourceFiles(root);
  const { output } = await cruise(
    ["src"],
    {
      baseDir: root,
      parser: "swc", // TypeScript 7 has no compiler API that dependency-cruiser 17 could use.
      tsPreCompilationDeps: true,
      doNotFollow: { path: "node_modules" },
      // A package whose files have other names outside (`@modelcontextprotocol/sdk/types.js`) is found by its exports alone.
      enhancedResolveOptions: { exportsFields: ["exports"], conditionNames: ["import", "node", "types"] },
      validate: true,
      ruleSet: rules,
    },
    {},
    {},
  );
  const seen = new Map(output.modules.map((module) => [module.source, module.dependencies]));
  const scanned = new Map(files.map((file) => [file, scanImports(readFileSync(join(root, file), "utf8"))]));
  const problems = [
    ...output.summary.violations.map(violationText),
    ...blindSpots(files, scanned, seen),
    ...files.filter((file) => !knownFiles.test(file)).map((file) => `${file}: error[unknown-room]: belongs to no room`),
    ...eagerPackages(scanned),
    ...sharedHomes(scanned),
  ];
  const imports = files.reduce((sum, file) => sum + (seen.get(file)?.length ?? 0), 0);
  if (files.length === 0 || imports === 0) problems.push("src: error[saw-nothing]: 0 modules or 0 imports were seen");
  return { modules: files.filter((file) => seen.has(file)).length, imports, problems };
}

function violationText({ rule, from, to, cycle }) {
  const comment = rules.forbidden.find(({ name }) => name === rule.name)?.comment;
  const way = cycle ? cycle.map((step) => step.name).join(" → ") : to;
  return `${from}: error[${rule.name}]: imports ${way} (${comment})`;
}

/** Files and imports that dependency-cruiser did not see, `import("./x.js").Type` for one. */
function blindSpots(files, scanned, seen) {
  return files.flatMap((file) => {
    const dependencies = seen.get(file);
    if (dependencies === undefined) return [`${file}: error[unseen]: dependency-cruiser did not read this file`];
    const specifiers = new Set(dependencies.map(({ module }) => module));
    return scanned
      .get(file)
      .filter(({ specifier }) => !specifiers.has(specifier) && !specifiers.has(specifier.replace(/^node:/, "")))
      .map(
        ({ specifier }) => `${file}: error[unseen]: the import of "${specifier}" escapes the rules; write it plainly`,
      );
  });
}

/** Heavy packages that load with the file that imports them, where something imports that file eagerly too. */
function eagerPackages(scanned) {
  const lazy = Object.entries(homes).filter(([, { lazy }]) => lazy);
  return lazy.flatMap(([name]) =>
    [...scanned]
      .filter(([, imports]) => imports.some(({ specifier, kind }) => isOf(specifier, name) && kind === "static"))
      .flatMap(([home]) => {
        const eager = [...scanned].find(([file, imports]) =>
          imports.some(({ specifier, kind }) => kind === "static" && targetOf(file, specifier) === home),
        );
        return eager
          ? [`${eager[0]}: error[not-lazy]: loads ${name} through ${home}; one of them must use import()`]
          : [];
      }),
  );
}

/** A pattern in `homes` leaves the choice of the file open, but not the number of files. */
function sharedHomes(scanned) {
  const single = Object.entries(homes).filter(([, { many }]) => !many);
  return single.flatMap(([name]) => {
    const users = [...scanned].filter(([, imports]) => imports.some(({ specifier }) => isOf(specifier, name)));
    return users.length > 1 ? [`${users[1][0]}: error[two-homes]: ${name} is at home in ${users[0][0]} already`] : [];
  });
}

/** The package itself, or a part of it. */
function isOf(specifier, name) {
  return specifier === name || specifier.startsWith(`${name}/`);
}

function targetOf(file, specifier) {
  return specifier.startsWith(".") ? posix.join(posix.dirname(file), specifier).replace(/\.js$/, ".ts") : specifier;
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { modules, imports, problems } = await checkImports(resolve(process.argv[2] ?? "."));
  for (const problem of problems) console.error(problem);
  console.log(`imports: ${modules} modules, ${imports} imports, ${problems.length} problems`);
  process.exitCode = problems.length === 0 ? 0 : 1;
}
