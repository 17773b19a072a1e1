/**
 * runs/<id>/requests/: what somebody asks of a run from another terminal, a file each, and its answers. Whoever takes a file
 * away has it: the run to do it, or the one who asked to withdraw it. A folder for each run, so that a dead run's are nobody's.
 * Knows the form of a request, not what is done about it; what is in the folder may be anything.
 */
import { randomBytes } from "node:crypto";
import { type FSWatcher, mkdirSync, watch } from "node:fs";
import { link, mkdir, readdir, rename, rm, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { NodeId } from "../model/graph.js";
import type { Answer, AuditRequested } from "../model/request.js";
import { temporaryPrefix } from "../support/files.js";
import { readSmall } from "../support/small-file.js";

const requestName = /^(\d{13}-[0-9a-f]{16})\.request\.json$/;
/** Bytes; ours have a few hundred, and thousands of nodes to retry still fit. */
const largest = 1024 * 1024;
/** Milliseconds between looks where the system tells of no change, as on a network's disk. */
const slowly = 2_000;

/** Leaves a request; resolves to its id. Readers see all of it or nothing. */
export async function leaveRequest(folder: string, asked: AuditRequested, now: Date): Promise<string> {
  await mkdir(folder, { recursive: true });
  const id = `${String(now.getTime()).padStart(13, "0")}-${randomBytes(8).toString("hex")}`;
  const draft = join(folder, `${temporaryPrefix}${id}`);
  await writeFile(draft, JSON.stringify({ version: 1, ...asked, at: now.toISOString(), pid: process.pid }), {
    flag: "wx",
  });
  try {
    await link(draft, requestFile(folder, id));
  } finally {
    await rm(draft, { force: true });
  }
  return id;
}

/** The answer, which is taken away; null where there is none (yet). */
export async function takeAnswer(folder: string, id: string): Promise<Answer | null> {
  const file = answerFile(folder, id);
  const value = parsed(readSmall(file, largest));
  if (value === null || typeof value.taken !== "boolean" || typeof value.message !== "string") return null;
  await rm(file, { force: true });
  return { taken: value.taken, message: value.message };
}

/** Takes a request back; false where the run has it already. */
export async function withdrawRequest(folder: string, id: string): Promise<boolean> {
  return unlink(requestFile(folder, id)).then(
    () => true,
    () => false,
  );
}

export interface RequestWatch {
  /** Looks now; resolves when all that was there is answered. */
  look(): Promise<void>;
  /** Stops looking. What is still there is answered by `last`. */
  close(last: Answer): Promise<void>;
}

/** Hands each request that comes to `handle`, once and one after the other, in the order of their times. */
export function watchRequests(folder: string, handle: (asked: AuditRequested) => Promise<Answer>): RequestWatch {
  const seen = new Set<string>();
  let answering = handle;
  let looking: Promise<void> | null = null;
  let again = false;

  const lookOnce = async (): Promise<void> => {
    const names = await readdir(folder).catch(() => []);
    const ids = names.flatMap((name) => requestName.exec(name)?.[1] ?? []).sort();
    for (const id of ids) {
      // One that cannot be taken away is there each time.
      if (seen.has(id)) continue;
      seen.add(id);
      const text = readSmall(requestFile(folder, id), largest);
      if (!(await takeAway(requestFile(folder, id)))) continue;
      const asked = readRequest(text);
      await leaveAnswer(
        folder,
        id,
        typeof asked === "string" ? { taken: false, message: asked } : await answering(asked),
      );
    }
  };
  const look = (): Promise<void> => {
    again = true;
    looking ??= (async () => {
      while (again) {
        again = false;
        await lookOnce();
      }
    })().finally(() => {
      looking = null;
    });
    return looking;
  };

  // A folder that cannot be made or watched takes nothing from the run but its requests.
  const quietly = (): void => void look().catch(() => undefined);
  const stop = startWatching(folder, quietly);
  const timer = setInterval(quietly, slowly);
  timer.unref();
  quietly();
  return {
    look,
    async close(last) {
      clearInterval(timer);
      stop();
      answering = async () => last;
      await look().catch(() => undefined);
    },
  };
}

function startWatching(folder: string, changed: () => void): () => void {
  try {
    mkdirSync(folder, { recursive: true });
    const watcher: FSWatcher = watch(folder, { persistent: false }, changed);
    watcher.on("error", () => watcher.close());
    return () => watcher.close();
  } catch {
    return () => undefined;
  }
}

/** False where it is gone: whoever asked has withdrawn it. */
async function takeAway(file: string): Promise<boolean> {
  return unlink(file).then(
    () => true,
    (error: NodeJS.ErrnoException) => error.code !== "ENOENT",
  );
}

async function leaveAnswer(folder: string, id: string, answer: Answer): Promise<void> {
  const draft = join(folder, `${temporaryPrefix}${id}-answer`);
  // Whoever asked sees then that nobody answers; what was asked for is done all the same.
  await writeFile(draft, JSON.stringify({ version: 1, ...answer }))
    .then(() => rename(draft, answerFile(folder, id)))
    .catch(() => undefined);
}

/** What is asked, or why that cannot be told. */
function readRequest(text: string | null): AuditRequested | string {
  const value = parsed(text);
  if (value === null || typeof value.kind !== "string") return "the request cannot be read";
  const { kind, node, nodes } = value;
  if (kind === "stop" && (node === null || isNode(node))) return { kind, node };
  if (kind === "retry" && Array.isArray(nodes) && nodes.every(isNode)) return { kind, nodes };
  if (kind === "accept") return { kind };
  const known = ["stop", "retry"].includes(kind);
  return known
    ? `the request to ${kind} cannot be read`
    : `this audit-run knows no request ${JSON.stringify(kind.slice(0, 40))}`;
}

function isNode(value: unknown): value is NodeId {
  return typeof value === "string" && value !== "" && value.length <= 200;
}

function parsed(text: string | null): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = text === null ? null : JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : null;
  } catch {
    return null;
  }
}

function requestFile(folder: string, id: string): string {
  return join(folder, `${id}.request.json`);
}

function answerFile(folder: string, id: string): string {
  return join(folder, `${id}.answer.json`);
}
