/**
 * Which cases a change of files would have investigated again: what git says has changed, held against the lineage of
 * each case of the last export. Rows are not looked at.
 */
import { posix } from "node:path";
import { relevantParts } from "../dbt/relevance.js";
import type { Case } from "../model/case.js";
import type { Config } from "../model/config.js";
import type { Project } from "../model/project.js";
import { failed, ok, type Result } from "../model/result.js";
import { git } from "../support/git.js";

export interface AffectedCase {
  readonly case: string;
  /** Changed files of its lineage, relative to the dbt project. */
  readonly files: readonly string[];
}

export interface Affected {
  readonly base: string;
  /** Changed files of the dbt project. */
  readonly changed: readonly string[];
  readonly cases: readonly AffectedCase[];
}

/** Failure codes: command-failed (no git checkout, no such revision). */
export async function affectedBy(
  base: string,
  cases: readonly Case[],
  project: Project,
  config: Config,
): Promise<Result<Affected>> {
  const { projectDir } = config.dbt;
  // Outside of a checkout `git diff` explains its options instead of what is wrong.
  const revision = await git(projectDir, ["rev-parse", "--verify", "--quiet", "--end-of-options", `${base}^{commit}`]);
  if (!revision.ok) {
    return failed("command-failed", `git knows no revision ${JSON.stringify(base)} in ${projectDir}`, {
      hint: "The dbt project must be in a git checkout, and --base a branch, tag or commit of it.",
    });
  }
  const diff = await git(projectDir, [
    "diff",
    "--name-only",
    "-z",
    "--relative",
    "--no-renames",
    "--end-of-options",
    base,
    "--",
    ".",
  ]);
  if (!diff.ok) return diff;
  const untracked = await git(projectDir, ["ls-files", "-z", "--others", "--exclude-standard", "--", "."]);
  if (!untracked.ok) return untracked;
  const changed = [...diff.value.stdout.split("\0"), ...untracked.value.stdout.split("\0")].filter(
    (file) => file !== "",
  );
  const parts = partsOf(changed, project);
  const byTest = new Map<string, readonly string[]>();
  const filesOf = (test: string): readonly string[] => {
    const known = byTest.get(test);
    if (known !== undefined) return known;
    const lineage = relevantParts(project, test);
    const files = changed.filter((file) => parts.get(file)?.some((part) => Object.hasOwn(lineage, part)));
    // Vars may be read anywhere.
    const all = changed.includes("dbt_project.yml") ? [...new Set([...files, "dbt_project.yml"])] : files;
    byTest.set(test, all);
    return all;
  };
  const affected = cases
    .map((item) => ({ case: item.id, files: filesOf(item.test.id) }))
    .filter(({ files }) => files.length > 0);
  return ok({ base, changed: [...changed].sort(), cases: affected });
}

/** File → the parts of a fingerprint that come from it. */
function partsOf(changed: readonly string[], project: Project): ReadonlyMap<string, readonly string[]> {
  const wanted = new Set(changed);
  const parts = new Map<string, string[]>();
  const add = (file: string | null, part: string): void => {
    const path = file === null ? "" : posix.normalize(file);
    if (!wanted.has(path)) return;
    parts.set(path, [...(parts.get(path) ?? []), part]);
  };
  for (const resource of project.resources.values()) {
    add(resource.file, `resource:${resource.id}`);
    add(resource.patchFile, `resource:${resource.id}`);
  }
  for (const macro of project.macros.values()) add(macro.file ?? null, `macro:${macro.id}`);
  return parts;
}
