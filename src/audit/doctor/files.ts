/** What can be seen of the machine alone: the config and what it names, the audit folder, git, the slots. */
import { access, constants, mkdtemp, rmdir, statfs } from "node:fs/promises";
import { dirname, relative } from "node:path";
import { readExceptions } from "../../config/exceptions.js";
import { readTextFile } from "../../config/files.js";
import { exists } from "../../support/files.js";
import { git } from "../../support/git.js";
import { checkSlots } from "../../tasks/setup.js";
import { readTemplate } from "../load.js";
import { createProvider } from "../open.js";
import { type Check, diagnosed, fine, type Room, type Told, told } from "./check.js";

export const configCheck: Check = {
  id: "config",
  timeout: 10_000,
  async look({ config, request, warnings }) {
    const reading = readTextFile(config.exceptionsFile);
    const { diagnostics } = readExceptions({ file: config.exceptionsFile, cwd: request.cwd, reading });
    const template = readTemplate(config);
    const found = [
      ...[...warnings, ...diagnostics].map(diagnosed),
      ...(template.ok ? [] : [told("problem", template.failure)]),
    ];
    return found.length > 0 ? found : [fine(`${shown(config.file, request)} is right`)];
  },
};

export const gitCheck: Check = {
  id: "git",
  timeout: 10_000,
  async look({ config }, signal) {
    const { path } = config.dbt;
    const version = await git(path, ["version"], { signal, timeout: 10_000 });
    if (!version.ok) {
      const hint = "Install git: what changed since the last run is found out by it, and slots are its worktrees.";
      return [told("problem", { ...version.failure, hint })];
    }
    const said = version.value.stdout.trim();
    const top = await git(path, ["rev-parse", "--show-toplevel"], { signal, okCodes: [0, 128], timeout: 10_000 });
    if (top.ok && top.value.stdout.trim() !== "") return [fine(`${said}; the dbt repository is a checkout`)];
    const hint = "Without history `audit-run affected` cannot work, and an agent gets a copy for its checkout.";
    return [{ level: "warning", message: `${said}; ${path} is no git checkout`, hint }];
  },
};

export const slotsCheck: Check = {
  id: "slots",
  timeout: 30_000,
  async look({ config, registries, credentials, agent }) {
    if (!agent.ok) return [];
    if (!agent.value.needsSlot) return [fine(`the agent ${agent.value.id} needs no checkout of its own`)];
    // Only what a slot must not hold would come from the credentials.
    const known = "diagnostics" in credentials ? null : credentials;
    if (known === null) return [];
    const provider = await createProvider({ config, credentials: known }, registries);
    if (!provider.ok) return [told("problem", provider.failure)];
    const checked = await checkSlots(provider.value, config.slots.count);
    if (!checked.ok) return [told("problem", checked.failure)];
    const count = `${config.slots.count} checkout${config.slots.count === 1 ? "" : "s"}`;
    return [fine(`${count} can be made (${config.slots.provider})`)];
  },
};

const megabyte = 1024 * 1024;
const tight = 1024 * megabyte;
const full = 100 * megabyte;

export const diskCheck: Check = {
  id: "disk",
  timeout: 10_000,
  async look(room) {
    const { dir } = room.config;
    const folder = await nearest(dir);
    const name = `the audit folder ${shown(dir, room.request)}`;
    const writable = await canWrite(folder, folder === dir);
    if (writable !== null) {
      return [{ level: "problem", message: `${name} cannot be written: ${writable}`, hint: "Move it with `dir`." }];
    }
    const { bavail, bsize } = await statfs(folder);
    const free = bavail * bsize;
    const message = `${name} can be written, with ${size(free)} free`;
    const hint = "Make room, or move it with `dir`: evidence, logs and a copy of a local database are kept in it.";
    const level = free < full ? "problem" : "warning";
    return [free < tight ? { level, message, hint } : fine(message)] satisfies Told[];
  },
};

/** Where it is not there yet, the folder in which it will be made. */
async function nearest(folder: string): Promise<string> {
  let found = folder;
  while (!(await exists(found)) && dirname(found) !== found) found = dirname(found);
  return found;
}

/** Null: yes. A folder of ours is tried out; of another's, only its rights are looked at. */
async function canWrite(folder: string, isOurs: boolean): Promise<string | null> {
  try {
    await access(folder, constants.W_OK | constants.X_OK);
    if (isOurs) await rmdir(await mkdtemp(`${folder}/doctor-`));
    return null;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  }
}

function size(bytes: number): string {
  return bytes >= tight ? `${(bytes / tight).toFixed(1)} GB` : `${Math.floor(bytes / megabyte)} MB`;
}

function shown(path: string, { cwd }: Room["request"]): string {
  const way = relative(cwd, path);
  return way === "" ? "." : way.startsWith("..") ? path : way;
}
