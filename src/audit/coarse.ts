/**
 * The coarse fingerprint of a dbt repository, for audits without a manifest: nobody can say which files a test depends on,
 * so every one of them counts.
 */
import { digestOf } from "../model/digest.js";
import type { Parts } from "../model/graph.js";
import { git } from "../support/git.js";
import { fileDigest } from "../support/repo-files.js";

/** Digest of the project's files in a git checkout: what is committed, changed and new. No part where there is no git. */
export async function coarseParts(projectDir: string): Promise<Parts> {
  const [head, changes, untracked] = await Promise.all([
    git(projectDir, ["rev-parse", "HEAD:./"]),
    git(projectDir, ["diff", "HEAD", "--no-ext-diff", "--binary", "--", "."]),
    git(projectDir, ["ls-files", "-z", "--others", "--exclude-standard", "--", "."]),
  ]);
  if (!head.ok || !changes.ok || !untracked.ok) return {};
  const names = untracked.value.stdout.split("\0").filter((name) => name !== "");
  const added = await Promise.all(names.map(async (name) => [name, await fileDigest(projectDir, name)]));
  return { repository: digestOf([head.value.stdout.trim(), changes.value.stdout, added]) };
}
