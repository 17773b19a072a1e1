/**
 * Reads dbt's artifacts from the folder that dbt left them in. Knows nothing of how they came to be, or how old they are.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Project, Resource, RunResults } from "../model/project.js";
import { type Failure, failed, ok, type Result } from "../model/result.js";
import { readProject, readRunResults } from "./artifacts.js";

/** The manifest, with compiled SQL that it lacks taken from `compiled/` beside it. Codes: artifacts-missing, artifacts-unreadable. */
export async function loadProject(folder: string): Promise<Result<Project>> {
  const text = await readArtifact(folder, "manifest.json");
  if (!text.ok) return text;
  const project = readProject(text.value);
  if (!project.ok) return inFolder(project.failure, folder);
  return ok(await withCompiledFiles(project.value, folder));
}

/**
 * Takes compiled SQL that a project lacks from what an earlier invocation left, where the source is still the same:
 * an invocation compiles only what it selects, such as the summary table alone.
 */
export function completedFrom(project: Project, earlier: Project): Project {
  const resources = new Map<string, Resource>();
  for (const [id, resource] of project.resources) {
    const before = earlier.resources.get(id);
    const usable = resource.compiledCode === null && before?.rawCode === resource.rawCode;
    resources.set(id, usable ? { ...resource, compiledCode: before.compiledCode } : resource);
  }
  return { ...project, resources };
}

/** `adapter` decides how an unquoted name is stored; take it from the project. */
export async function loadRunResults(folder: string, adapter = ""): Promise<Result<RunResults>> {
  const text = await readArtifact(folder, "run_results.json");
  if (!text.ok) return text;
  const results = readRunResults(text.value, adapter);
  return results.ok ? results : inFolder(results.failure, folder);
}

async function readArtifact(folder: string, file: string): Promise<Result<string>> {
  try {
    return ok(await readFile(join(folder, file), "utf8"));
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "ENOENT" || code === "ENOTDIR") {
      return failed("artifacts-missing", `there is no ${file} in '${folder}'`, {
        hint: "run the tests with dbt first (`dbt build`), or set summary.artifacts to the folder that holds it",
      });
    }
    return failed("artifacts-unreadable", `${file} in '${folder}' cannot be read (${code ?? "unknown error"})`, {
      hint: "check that it is a file that you may read",
    });
  }
}

function inFolder(failure: Failure, folder: string): { readonly ok: false; readonly failure: Failure } {
  return { ok: false, failure: { ...failure, message: `${failure.message} (in '${folder}')` } };
}

/** Fusion, and dbt after `--no-compile`-like runs, leave compiled SQL in files only. */
async function withCompiledFiles(project: Project, folder: string): Promise<Project> {
  const resources = new Map<string, Resource>();
  for (const [id, resource] of project.resources) {
    const compiled = resource.compiledCode ?? (await compiledFile(resource, folder));
    resources.set(id, compiled === resource.compiledCode ? resource : { ...resource, compiledCode: compiled });
  }
  return { ...project, resources };
}

async function compiledFile(resource: Resource, folder: string): Promise<string | null> {
  const { file, packageName, language } = resource;
  if (file === null || language !== "sql" || !["model", "snapshot", "test"].includes(resource.type)) return null;
  // Names come from the manifest: none may lead out of the folder.
  const isName = (text: string) => text !== "" && text !== ".." && !/[\\/\0]/.test(text);
  if (!isName(packageName)) return null;
  const own = file.startsWith(`dbt_packages/${packageName}/`)
    ? file.slice(`dbt_packages/${packageName}/`.length)
    : file;
  const isGeneric = resource.test !== null && resource.test.kind !== "singular";
  const names = [resource.alias, resource.name].filter((name): name is string => name !== undefined && isName(name));
  const candidates = isGeneric ? names.map((name) => join(own, `${name}.sql`)) : [own];
  for (const candidate of candidates) {
    const text = await readFile(join(folder, "compiled", packageName, candidate), "utf8").catch(() => null);
    if (text !== null && text.trim() !== "") return text;
  }
  return null;
}
