/**
 * Files that a draft cites: which of them may be looked for at all, and what must then exist.
 * Pure; knows no disk.
 */
import type { Location, Objection } from "../model/finding.js";
import { cleanLine, cleanText, quoted } from "./text.js";

/** A file that a draft cites: relative, without `..`. Whether a link leads out of the repository is for the caller to see. */
export interface FileQuestion {
  readonly repo: string;
  readonly file: string;
}

/** Makes an objection of the case at hand. */
export type Objecting = (code: Objection["code"], message: string) => Objection;

/** Locations with clean paths, and which files must exist for them. A path that leaves its repository is refused unasked. */
export function checkLocations(
  given: readonly Location[],
  repos: readonly string[],
  object: Objecting,
): { locations: readonly Location[]; questions: readonly FileQuestion[]; objections: readonly Objection[] } {
  const locations: Location[] = [];
  const questions = new Map<string, FileQuestion>();
  const objections: Objection[] = [];
  for (const location of given) {
    const repo = location.repo ?? "dbt";
    const file = relativePath(location.file);
    if (!repos.includes(repo)) {
      const known = repos.join(", ");
      objections.push(object("unknown-file", `There is no repository ${quoted(repo)}; it must be one of: ${known}.`));
    } else if (file === null) {
      objections.push(
        object(
          "unknown-file",
          `${quoted(location.file)} must be a path relative to the root of ${quoted(repo)}, with forward slashes and without "..".`,
        ),
      );
    } else {
      questions.set(JSON.stringify([repo, file]), { repo, file });
      const { resource, ...rest } = location;
      locations.push({ ...rest, repo, file, ...(resource && { resource: cleanLine(resource).slice(0, 300) }) });
    }
    if (location.end_line !== undefined && location.end_line < (location.line ?? location.end_line)) {
      objections.push(
        object("schema", `In ${quoted(location.file)}, end_line ${location.end_line} is before line ${location.line}.`),
      );
    }
  }
  return { locations, questions: [...questions.values()], objections };
}

function relativePath(path: string): string | null {
  if (path !== cleanText(path) || /[\n\t]/.test(path) || /^([A-Za-z]:|~|\/)/.test(path) || path.includes("\\"))
    return null;
  const parts = path.split("/").filter((part) => part !== "" && part !== ".");
  return parts.length === 0 || parts.includes("..") ? null : parts.join("/");
}
