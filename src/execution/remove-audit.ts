/**
 * Takes an audit folder away again: what audit-run has made in it, by name, and nothing else. Follows no link.
 * Slots are not removed here: a run gives them back by the ledger, after it has archived what agents changed.
 */
import { lstat, readdir, readFile, rm, rmdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { realDisk } from "../support/disk.js";
import { temporaryPrefix } from "../support/files.js";
import { listOf, object, readShape, type Shape } from "../support/shape.js";
import { isClaimsFile, taskName } from "./claims.js";
import { isInboxFile } from "./inbox.js";
import { listObjects } from "./objects.js";
import { runsIn } from "./runs.js";

/** What an adapter of a warehouse puts into scratch/: its name, a process, a random number. */
const scratchName = /^\w+-\d+-[0-9a-f]+$/;

const ownFiles = [
  "full-report.md",
  "findings.json",
  "tasks.json",
  "last-run.json",
  "whole-trace.json",
  "report-files.json",
  "accept.lock",
  "tmux.json",
];

/**
 * Removes everything of the audit in `dir`; resolves to the names that are left there: not ours, or slots in use.
 * The caller holds run.lock.
 */
export async function removeAudit(dir: string): Promise<readonly string[]> {
  const pages = await ownPages(dir);
  const runs = (await runsIn(dir)).map((name) => join("runs", name));
  const slots = (await hasSlots(dir)) ? [] : [join("slots", "archive"), join("slots", "ledger.json")];
  const scratch = (await namesIn(join(dir, "scratch"))).filter((name) => scratchName.test(name));
  const own = [
    ...scratch.map((name) => join("scratch", name)),
    ...pages,
    ...runs,
    ...slots,
    ...(await ownTraces(dir)),
    ...(await ownClaims(dir)),
    ...(await ownStatusFiles(dir)),
    "dbt-target",
    ...ownFiles,
  ];
  for (const path of own) await removeInside(dir, path);
  if ((await readFile(join(dir, ".gitignore"), "utf8").catch(() => "")) === "*\n")
    await removeInside(dir, ".gitignore");
  for (const folder of ["results", "runs", "traces", "slots", "scratch", "claims", "claims/inbox", "claims/late", "."])
    await removeTemporary(join(dir, folder));
  for (const folder of ["results", "runs", "traces", "slots", "scratch", "claims/inbox", "claims/late", "claims"])
    await removeIfEmpty(join(dir, folder));
  return (await namesIn(dir)).filter((name) => name !== "run.lock").sort();
}

/** Those of the tasks that tasks.json lists, failed ones too; a page of no task may be the user's own. */
async function ownPages(dir: string): Promise<readonly string[]> {
  const tasks = readShape(await readFile(join(dir, "tasks.json"), "utf8").catch(() => null), isTaskList)?.tasks ?? [];
  return tasks.flatMap(({ node, result }) => {
    const name = /^results\/([^/\\]+)\.md$/.exec(String(result))?.[1] ?? /^investigate:(.+)$/.exec(String(node))?.[1];
    return name === undefined || !taskName.test(name)
      ? []
      : [join("results", `${name}.md`), join("results", `${name}.json`)];
  });
}

const anything: Shape<unknown> = (_): _ is unknown => true;
const isTaskList = object({
  tasks: listOf(object<{ node: unknown; result: unknown }>({ node: anything, result: anything })),
});

/** What agents have handed in goes with it: the cases that it is about are of this audit. */
async function ownClaims(dir: string): Promise<readonly string[]> {
  const own = async (folder: string, isOwn: (name: string) => boolean): Promise<readonly string[]> =>
    (await isFolder(join(dir, folder)))
      ? (await namesIn(join(dir, folder))).filter(isOwn).map((name) => join(folder, name))
      : [];
  return [
    ...(await own("claims", isClaimsFile)),
    ...(await own(join("claims", "inbox"), isInboxFile)),
    ...(await own(join("claims", "late"), isInboxFile)),
  ];
}

/** As tasks/status-file.ts writes them: by their name, and by how they begin. */
async function ownStatusFiles(dir: string): Promise<readonly string[]> {
  const own: string[] = [];
  for (const name of await namesIn(dir)) {
    if (!/^agent-.+-status\.txt$/.test(name)) continue;
    const text = await readFile(join(dir, name), "utf8").catch(() => "");
    if (/^(RUNNING|DONE|FAILED: )/.test(text)) own.push(name);
  }
  return own;
}

async function ownTraces(dir: string): Promise<readonly string[]> {
  const own = [join("traces", "journal.jsonl"), join("traces", "journal.end")];
  const objects = join(dir, "traces", "objects");
  if (!(await isFolder(join(dir, "traces"))) || !(await isFolder(objects))) return own;
  const files = await listObjects(objects, realDisk);
  for (const { file, digest, isTemporary } of files)
    if (digest !== null || isTemporary) await rm(file, { force: true });
  for (const folder of new Set(files.map(({ file }) => dirname(file)))) await removeIfEmpty(folder);
  await removeIfEmpty(objects);
  return own;
}

/** A ledger that cannot be read may name some. */
async function hasSlots(dir: string): Promise<boolean> {
  const text = await readFile(join(dir, "slots", "ledger.json"), "utf8").catch(() => '{"slots":[]}');
  try {
    const { slots } = JSON.parse(text) as { slots?: unknown };
    return !Array.isArray(slots) || slots.length > 0;
  } catch {
    return true;
  }
}

/** Where the folder that should hold it is a link, it is somewhere else, and not ours. */
async function removeInside(dir: string, path: string): Promise<void> {
  const file = join(dir, path);
  if (!(await isFolder(dirname(file)))) return;
  const found = await lstat(file).catch(() => null);
  if (found === null || found.isSymbolicLink()) return;
  await rm(file, { recursive: true, force: true });
}

async function removeTemporary(folder: string): Promise<void> {
  if (!(await isFolder(folder))) return;
  for (const name of await namesIn(folder)) {
    if (name.startsWith(temporaryPrefix)) await rm(join(folder, name), { force: true });
  }
}

async function removeIfEmpty(folder: string): Promise<void> {
  if (await isFolder(folder)) await rmdir(folder).catch(() => undefined);
}

async function isFolder(path: string): Promise<boolean> {
  return lstat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

async function namesIn(folder: string): Promise<readonly string[]> {
  return readdir(folder).catch(() => []);
}
