/**
 * What no schema can say: how parts of the config fit together. Each check works on what is there,
 * so that a mistake elsewhere hides nothing. Knows no disk.
 */
import { basename } from "node:path";
import type { z } from "zod";
import { CategoryRole, type configShape, Name } from "../model/config.js";
import { closest } from "../support/suggest.js";
import { absolutePath, type PathBase } from "./paths.js";
import { type Problem, pathText, problem, quoted, valueAt } from "./problems.js";
import type { Path } from "./source-text.js";

/** The top-level values that were valid by themselves. */
export type Sections = { readonly [Key in keyof typeof configShape]?: z.output<(typeof configShape)[Key]> };
/** All of them. */
export type CompleteSections = { readonly [Key in keyof typeof configShape]: z.output<(typeof configShape)[Key]> };

export interface CheckContext extends PathBase {
  /** The whole file's value, variables filled in. It has passed no schema. */
  readonly value: unknown;
  /** Before substitution, for messages. */
  readonly written: unknown;
}

/** A repository as far as it can be made out, though something else of it may be wrong. */
export interface LooseRepo {
  readonly at: Path;
  readonly name: string | undefined;
  readonly path: string;
  readonly dir: string;
  readonly loads: readonly unknown[];
}

export function looseRepos(value: unknown): { readonly dbt: LooseRepo | null; readonly sources: readonly LooseRepo[] } {
  const sources = valueAt(value, ["repos", "sources"]);
  const paths = Array.isArray(sources) ? sources.map((_, index): Path => ["repos", "sources", index]) : [];
  return {
    dbt: looseRepo(value, ["repos", "dbt"]),
    sources: paths.map((at) => looseRepo(value, at)).filter((repo) => repo !== null),
  };
}

function looseRepo(value: unknown, at: Path): LooseRepo | null {
  const path = textAt(value, [...at, "path"]);
  if (path === undefined) return null;
  const loads = valueAt(value, [...at, "loads"]);
  return {
    at,
    name: textAt(value, [...at, "name"]),
    path,
    dir: textAt(value, [...at, "dir"]) ?? ".",
    loads: Array.isArray(loads) ? loads : [],
  };
}

/** Undefined where there is no text, or an empty one. */
export function textAt(value: unknown, path: Path): string | undefined {
  const found = valueAt(value, path);
  return typeof found === "string" && found !== "" ? found : undefined;
}

export function crossChecks(sections: Sections, context: CheckContext): readonly Problem[] {
  return [...checkCategories(sections), ...checkFailOn(sections, context), ...checkSources(context)];
}

function checkCategories({ categories }: Sections): readonly Problem[] {
  const problems: Problem[] = [];
  const ids = new Set<string>();
  const roles = new Map<string, string>();
  for (const [index, { id, role }] of (categories ?? []).entries()) {
    if (ids.has(id)) {
      problems.push(problem(["categories", index, "id"], "duplicate-id", `category ${quoted(id)} stands twice`));
    }
    ids.add(id);
    if (role === undefined) continue;
    const first = roles.get(role);
    if (first === undefined) roles.set(role, id);
    else {
      const message = `category ${quoted(first)} has the role ${quoted(role)} already`;
      const hint = "each role has exactly one category; others have no role";
      problems.push(problem(["categories", index, "role"], "duplicate-role", message, { hint }));
    }
  }
  if (categories === undefined) return problems;
  for (const role of CategoryRole.options.filter((option) => !roles.has(option))) {
    const message = `no category has the role ${quoted(role)}`;
    const hint = `add \`role: ${role}\` to the category that it is by default`;
    problems.push({ ...problem(["categories"], "missing-role", message, { hint }), part: "key" });
  }
  return problems;
}

function checkFailOn({ categories, failOn }: Sections, { written }: CheckContext): readonly Problem[] {
  if (categories === undefined) return [];
  const ids = categories.map(({ id }) => id);
  return (failOn ?? []).flatMap((id, index) => {
    if (ids.includes(id)) return [];
    const path = ["failOn", index];
    const didYouMean = closest(id, ids);
    return [
      problem(path, "not-allowed", `${quoted(valueAt(written, path))} is no category`, {
        allowed: ids,
        ...(didYouMean === undefined ? {} : { didYouMean }),
      }),
    ];
  });
}

/** The name of a source repository: as given, or its folder's. */
export function repoName(repo: { readonly name?: string | undefined; readonly path: string }, base: PathBase): string {
  return repo.name ?? basename(absolutePath(repo.path, base));
}

function checkSources(context: CheckContext): readonly Problem[] {
  const problems: Problem[] = [];
  // An agent finds the dbt project under this name.
  const names = new Set(["dbt"]);
  const loaders = new Map<unknown, string>();
  for (const repo of looseRepos(context.value).sources) {
    const name = repoName(repo, context);
    const path = [...repo.at, repo.name === undefined ? "path" : "name"];
    const shown = quoted(valueAt(context.written, path));
    if (names.has(name.toLowerCase())) {
      const hint = "give this one another `name`";
      problems.push(problem(path, "duplicate-name", `two repositories have the name of ${shown}`, { hint }));
    } else if (repo.name === undefined && !Name.safeParse(name).success) {
      const hint = "give it a `name` of letters, digits, _ . -";
      problems.push(problem(path, "bad-format", `the folder of ${shown} makes no name`, { hint }));
    }
    names.add(name.toLowerCase());
    for (const [position, source] of repo.loads.entries()) {
      const loader = loaders.get(source);
      const at = [...repo.at, "loads", position];
      const loaded = quoted(valueAt(context.written, at));
      if (loader !== undefined) problems.push(problem(at, "duplicate-source", `${loaded} is loaded by ${loader} too`));
      loaders.set(source, pathText(repo.at));
    }
  }
  return problems;
}
