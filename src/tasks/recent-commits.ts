/** The latest commits of some files, in one call of git. Knows nothing of what the files are. */
import { git } from "../support/git.js";

const perFile = 5;
/** How far back to look, in commits that touch any of the files. */
const furthest = 300;

/**
 * `<file>` and below it its latest commits (hash, date, author, subject); empty where there is no history.
 * `files` are relative to `folder`.
 */
export async function recentCommits(folder: string, files: readonly string[], signal: AbortSignal): Promise<string> {
  if (files.length === 0) return "";
  const format = "--format=%x1e%h %as %an: %s";
  const log = ["log", `--max-count=${furthest}`, format, "--name-only", "--relative", "--no-renames"];
  const told = await git(folder, ["--literal-pathspecs", ...log, "--", ...files], { signal, timeout: 30_000 });
  if (!told.ok) return "";
  const commits = new Map<string, string[]>(files.map((file) => [file, []]));
  for (const commit of told.value.stdout.split("\u001e").slice(1)) {
    const [head = "", ...names] = commit.split("\n").filter((line) => line !== "");
    for (const name of names) {
      const known = commits.get(name);
      if (known !== undefined && known.length < perFile) known.push(`  ${head.slice(0, 200)}`);
    }
  }
  const blocks = [...commits].flatMap(([file, lines]) => (lines.length === 0 ? [] : [[file, ...lines].join("\n")]));
  return blocks.length === 0 ? "" : `${blocks.join("\n\n")}\n`;
}
