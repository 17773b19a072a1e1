/**
 * Whether the config's paths lead somewhere, and whether the audit folder is one that may be written to and cleaned.
 */
import { join, resolve } from "node:path";
import { configShape } from "../model/config.js";
import { type CheckContext, type LooseRepo, looseRepos, textAt } from "./checks.js";
import type { ConfigFiles } from "./files.js";
import { absolutePath, contains, nearestPath } from "./paths.js";
import { type Problem, problem, quoted, valueAt } from "./problems.js";
import type { Path } from "./source-text.js";

export interface DiskContext extends CheckContext {
  readonly files: ConfigFiles;
}

/** Looks at each path by itself, so that whatever else is wrong hides none. */
export function diskChecks(context: DiskContext): readonly Problem[] {
  const { value } = context;
  const { dbt, sources } = looseRepos(value);
  const need = (kind: "folder" | "file", path: Path) => {
    const written = textAt(value, path);
    return written === undefined ? [] : mustExist(kind, absolutePath(written, context), path, context);
  };
  // It may come later; a misspelt name would go unnoticed, though.
  const exceptions = need("file", ["exceptions"]).map(
    (one): Problem => ({ ...one, finding: { ...one.finding, severity: "warning" } }),
  );
  return [
    ...(dbt === null ? [] : [...checkRepo(dbt, context), ...checkDbtProject(dbt, context)]),
    ...sources.flatMap((repo) => checkRepo(repo, context)),
    ...need("folder", ["repos", "dbt", "profilesDir"]),
    ...need("folder", ["summary", "cwd"]),
    ...need("file", ["prompt"]),
    ...exceptions,
    ...checkAuditFolder(context),
  ];
}

function mustExist(
  kind: "folder" | "file",
  absolute: string,
  path: Path,
  { files, written }: DiskContext,
): readonly Problem[] {
  const found = files.kind(absolute);
  if (found === kind) return [];
  const text = String(valueAt(written, path));
  if (found !== "absent") {
    return [problem(path, found === "file" ? "not-a-folder" : "not-a-file", `${quoted(text)} is a ${found}`)];
  }
  const didYouMean = nearestPath(text, absolute, files);
  // Where a variable is in it, the whole path is not for showing.
  const hint = text.includes("$") ? undefined : `looked at ${absolute}`;
  return [
    problem(path, "path-not-found", `${kind} ${quoted(text)} does not exist`, {
      ...(didYouMean === undefined ? {} : { didYouMean }),
      ...(hint === undefined ? {} : { hint }),
    }),
  ];
}

function checkRepo(repo: LooseRepo, context: DiskContext): readonly Problem[] {
  const root = absolutePath(repo.path, context);
  const missing = mustExist("folder", root, [...repo.at, "path"], context);
  if (missing.length > 0) return missing;
  const dir = resolve(root, repo.dir);
  const dirPath = [...repo.at, "dir"];
  if (!contains(root, dir)) {
    return [
      problem(dirPath, "outside-repo", `${quoted(valueAt(context.written, dirPath))} is outside of the repository`),
    ];
  }
  return mustExist("folder", dir, dirPath, context);
}

/** A warning only: an audit of artifacts can do without. */
function checkDbtProject(repo: LooseRepo, context: DiskContext): readonly Problem[] {
  const { files, written } = context;
  const root = absolutePath(repo.path, context);
  const folder = resolve(root, repo.dir);
  const isProject = (path: string) => files.kind(join(path, "dbt_project.yml")) === "file";
  if (!contains(root, folder) || files.kind(folder) !== "folder" || isProject(folder)) return [];
  const path = valueAt(written, ["repos", "dbt", "dir"]) === undefined ? "path" : "dir";
  const inside = files.names(folder).find((name) => isProject(join(folder, name)));
  return [
    problem(["repos", "dbt", path], "no-dbt-project", "there is no dbt_project.yml in this folder", {
      severity: "warning",
      ...(inside === undefined ? {} : { hint: `write \`dir: ${join(repo.dir, inside)}\`` }),
    }),
  ];
}

/** Whatever would be lost or littered if it were the audit folder, with what to call it. */
function checkAuditFolder(context: DiskContext): readonly Problem[] {
  const { files, homeDir, baseDir, value, written } = context;
  const dir = valueAt(value, ["dir"]) === undefined ? configShape.dir.parse(undefined) : textAt(value, ["dir"]);
  if (dir === undefined) return [];
  const folder = files.realPath(absolutePath(dir, context));
  const shown = quoted(valueAt(written, ["dir"]) ?? dir);
  const { dbt, sources } = looseRepos(value);
  const repoFolders = (repo: LooseRepo, what: string) => {
    const root = absolutePath(repo.path, context);
    return [root, resolve(root, repo.dir)].map((path) => [path, what] as const);
  };
  const kept: readonly (readonly [string, string])[] = [
    [homeDir, "your home folder"],
    [baseDir, "the folder of this config"],
    ...(dbt === null ? [] : repoFolders(dbt, "the dbt repository")),
    ...sources.flatMap((repo) => repoFolders(repo, "a source repository")),
  ];
  const unsafe = (what: string) => [
    problem(["dir"], "unsafe-dir", `${shown} cannot be the audit folder: it ${what}`, {
      hint: "choose a folder of its own, such as .audit",
    }),
  ];
  for (const [path, what] of kept) {
    const real = files.realPath(path);
    if (real === folder) return unsafe(`is ${what}`);
    if (contains(folder, real)) return unsafe(`holds ${what}`);
  }
  if (folder.split("/").includes(".git")) return unsafe("is inside of .git");
  if (files.kind(folder) === "file") return [problem(["dir"], "not-a-folder", `${shown} is a file`)];
  return [];
}
