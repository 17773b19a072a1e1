/**
 * Slots that commands of the user's make and delete, such as `jg slot new {n}`.
 * Puts the uncommitted changes in, and deletes nothing itself but its own notes.
 */
import { rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { z } from "zod";
import { failed, ok, type Result } from "../../model/result.js";
import type { Slot, SlotAdapter, SlotContext, SlotProvider, SlotRepo } from "../../model/slot.js";
import { exists } from "../../support/files.js";
import { git } from "../../support/git.js";
import { capturedText, runProcess } from "../../support/process.js";
import { dropMark, emptySlot, folderNames, isFree, type Mark, slotFolder, writeMark } from "./mark.js";
import { markedSlots } from "./marked.js";
import { fillCommand, fillPath } from "./placeholders.js";
import { privateTree, recordTree } from "./private-tree.js";
import { queue } from "./queue.js";
import { findRepository, provision, snapshot } from "./repository.js";

const Text = z.string().min(1);
const settings = z.strictObject({
  create: Text.describe("Makes slot `{n}`: `jg slot new {n}`. Run by `sh -c` in the repository; `{repo}` is its path."),
  delete: Text.describe("Deletes it: `jg slot delete {n}`."),
  path: Text.regex(/\{n\}/, "must hold {n}, so that slots differ")
    .default("{repo}-{n}")
    .describe("Where the slot is then. Relative paths start at the repository."),
});
type Settings = z.infer<typeof settings>;

export const command: SlotAdapter<Settings> = {
  id: "command",
  settings,
  create: async (options, context) => ok(provider(options, context)),
};

const patience = 10 * 60_000;

function provider(options: Settings, context: SlotContext): SlotProvider {
  const folders = folderNames(context);
  const folderOf = (name: string) => folders.get(name) ?? name;
  const pathOf = (repo: SlotRepo, number: number) =>
    resolve(repo.path, fillPath(options.path, { repo: repo.path, n: String(number) }));
  const treeIn = (repo: SlotRepo, number: number) =>
    privateTree(context, number, folderOf(repo.name), pathOf(repo, number));
  const locate = (number: number): Slot => ({
    number,
    paths: Object.fromEntries(context.repos.map((repo) => [repo.name, pathOf(repo, number)])),
  });
  // Such commands add git worktrees more often than not, and those fail now and then when added side by side.
  const serially = queue();
  const run = (text: string, repo: SlotRepo, number: number, signal?: AbortSignal) =>
    serially(() => runUserCommand(fillCommand(text, { repo: repo.path, n: String(number) }), repo.path, signal));

  const check = async (number: number): Promise<Result<void>> => {
    for (const path of [slotFolder(context, number), ...Object.values(locate(number).paths)]) {
      const free = await isFree(path);
      if (!free.ok) return free;
    }
    return ok(undefined);
  };

  const fill = async (mark: Mark, signal: AbortSignal): Promise<Result<void>> => {
    for (const repo of context.repos) {
      const root = pathOf(repo, mark.number);
      // Noted before the command runs: what it leaves when it fails half-way is ours to delete.
      mark.checkouts[folderOf(repo.name)] = { repository: repo.path, tree: null };
      await writeMark(context, mark);
      const made = await run(options.create, repo, mark.number, signal);
      if (!made.ok) return made;
      if (!(await exists(root))) {
        return failed("slot-failed", `${JSON.stringify(options.create)} has ended well, but ${root} is not there`, {
          hint: "`slots.path` must say where `slots.create` makes the slot.",
        });
      }
      const synced = await bringUpToDate(repo, root, mark.number, context, signal);
      if (!synced.ok) return synced;
      const tree = await recordTree(treeIn(repo, mark.number), signal);
      if (!tree.ok) return tree;
      mark.checkouts[folderOf(repo.name)] = { repository: repo.path, tree: tree.value };
    }
    return ok(undefined);
  };

  const discard = async (mark: Mark): Promise<Result<void>> => {
    for (const repo of context.repos) {
      if (mark.checkouts[folderOf(repo.name)] === undefined) continue;
      const root = pathOf(repo, mark.number);
      const deleted = await run(options.delete, repo, mark.number);
      if (!(await exists(root))) continue;
      if (!deleted.ok) return deleted;
      return failed("slot-failed", `${JSON.stringify(options.delete)} has ended well, but ${root} is still there`);
    }
    const emptied = await emptySlot(context, mark.number);
    return emptied.ok ? dropMark(context, mark.number) : emptied;
  };

  const trees = (number: number) =>
    context.repos.map((repo) => ({ ...treeIn(repo, number), name: folderOf(repo.name) }));

  return markedSlots({ id: "command", locate, check, fill, discard, trees }, context);
}

/**
 * Where both are git checkouts, the slot gets the content of the user's tree, whatever commit the command chose; folders
 * that git ignores are copied. What the command put in beside that stays.
 */
async function bringUpToDate(
  repo: SlotRepo,
  root: string,
  number: number,
  context: SlotContext,
  signal: AbortSignal,
): Promise<Result<void>> {
  const user = await findRepository(repo);
  if (!user.ok) return user;
  const slot = await findRepository({ ...repo, path: root });
  if (!slot.ok) return slot;
  if (user.value !== null && slot.value !== null && slot.value.prefix === "") {
    const index = join(slotFolder(context, number), ".index");
    const tree = await snapshot(user.value, context, index, signal);
    if (!tree.ok) return tree;
    const source = user.value.prefix === "" ? tree.value : `${tree.value}:${user.value.prefix}`;
    const objects = { index, alternateObjects: join(user.value.gitDir, "objects"), signal };
    // From the slot's own commit, so that only files that git knows there are replaced or removed.
    const steps = [
      ["read-tree", "HEAD"],
      ["read-tree", "--reset", "-u", source],
    ];
    for (const step of steps) {
      const done = await git(root, step, objects);
      if (!done.ok) return done;
    }
    await rm(index, { force: true });
  }
  return provision(repo, root, context, signal);
}

async function runUserCommand(text: string, cwd: string, signal?: AbortSignal): Promise<Result<void>> {
  const end = await runProcess({
    command: text,
    purpose: "a command of slots",
    cwd,
    env: process.env,
    timeout: patience,
    ...(signal === undefined ? {} : { signal }),
  });
  if (!end.ok) return end;
  const { exitCode, reason, stderr, stdout } = end.value;
  if (reason === "aborted") return failed("aborted", `${JSON.stringify(text)} was ended`);
  if (exitCode === 0 && reason === "exited") return ok(undefined);
  const how = reason === "timeout" ? `took longer than ${patience / 60_000} min` : `exited with ${exitCode}`;
  const detail = (capturedText(stderr).trim() || capturedText(stdout).trim()).slice(-2_000);
  return failed("slot-failed", `${JSON.stringify(text)} ${how}`, { detail });
}
