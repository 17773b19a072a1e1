/**
 * claims/inbox/: what agents hand in, one file each, until somebody who holds run.lock has taken it up and left an answer
 * beside it. What comes too late is kept in claims/late/. Knows no finding: an answer is any JSON.
 */
import { randomBytes } from "node:crypto";
import { access, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Deadline } from "../model/claim.js";
import type { Objection } from "../model/finding.js";
import type { Failure } from "../model/result.js";
import { makeFolder, writeFileAtomic } from "../support/files.js";
import { count, either, exactly, listOf, object, readShape, type Shape, text } from "../support/shape.js";
import { readSmall } from "../support/small-file.js";
import { type Fence, fences } from "./claims.js";
import { isDeadline } from "./lease-clock.js";

/** An agent's answer for its task. */
export interface HandedIn {
  readonly version: 1;
  readonly task: string;
  readonly token: number;
  /** Null: whoever has the token. */
  readonly owner: string | null;
  /** When it was handed in: what came in time is not refused because nobody had time for it. */
  readonly at: Deadline;
  /** As it came: text. */
  readonly answer: string;
}

/** What became of it. */
export type Reply =
  | { readonly kind: "completed"; readonly cases: readonly string[]; readonly hadFinding?: readonly string[] }
  /** The claim stands, and what was admitted is kept: the rest is to be handed in again. */
  | {
      readonly kind: "objections";
      readonly admitted: readonly string[];
      readonly objections: readonly Objection[];
      /** Cases whose findings were there before, and stay: what came for them was not looked at. */
      readonly hadFinding?: readonly string[];
    }
  /** Kept in `file`, relative to the audit folder; nothing of it counts. */
  | { readonly kind: "fenced"; readonly fence: Fence; readonly by: string | null; readonly file: string }
  /** The world refused; it is handed in again later as it is. */
  | { readonly kind: "failed"; readonly failure: Failure };

export interface Inbox {
  /** Resolves to its name when it is durable. */
  put(handedIn: HandedIn): Promise<string>;
  /** What waits, the oldest first; what cannot be read is kept aside. */
  waiting(): Promise<readonly { readonly name: string; readonly handedIn: HandedIn }[]>;
  /** Leaves the answer, and takes the file away. */
  reply(name: string, reply: Reply): Promise<void>;
  /** Moves what came too late aside; resolves to its new place, relative to the audit folder. */
  keepAside(name: string): Promise<string>;
  /** The answer, which is taken away; null where there is none yet. */
  takeReply(name: string): Promise<Reply | null>;
  /** Whether it still waits. */
  has(name: string): Promise<boolean>;
  /** Takes back what nobody has taken up. */
  takeBack(name: string): Promise<void>;
  /** Removes answers that nobody has fetched for a day. */
  sweep(): Promise<void>;
}

/** @param folder `<audit folder>/claims` */
export function openInbox(folder: string): Inbox {
  const inbox = join(folder, "inbox");
  const late = join(folder, "late");
  const replyFile = (name: string): string => join(inbox, `${name.slice(0, -".json".length)}.reply`);

  const keepAside = async (name: string): Promise<string> => {
    await makeFolder(late);
    await rename(join(inbox, name), join(late, name)).catch((error: NodeJS.ErrnoException) => {
      // Killed when it had been moved, and before it was answered.
      if (error.code !== "ENOENT") throw error;
    });
    return `claims/late/${name}`;
  };

  return {
    keepAside,
    async put(handedIn) {
      const time = String(handedIn.at.wall).padStart(15, "0");
      const name = `${time}-${handedIn.task}.${handedIn.token}-${randomBytes(4).toString("hex")}.json`;
      await writeFileAtomic(join(inbox, name), `${JSON.stringify(handedIn, null, 2)}\n`);
      return name;
    },
    async waiting() {
      const names = (await readdir(inbox).catch(() => [])).filter(isHandedIn).sort();
      const found: { name: string; handedIn: HandedIn }[] = [];
      for (const name of names) {
        const handedIn = readShape(readSmall(join(inbox, name), largest), isWhole);
        if (handedIn !== null) found.push({ name, handedIn });
        // One that cannot be moved either stays where it is, and is in nobody's way.
        else await keepAside(name).catch(() => undefined);
      }
      return found;
    },
    async reply(name, reply) {
      await writeFileAtomic(replyFile(name), `${JSON.stringify(reply)}\n`);
      await rm(join(inbox, name), { force: true });
    },
    async takeReply(name) {
      const reply = readShape(readSmall(replyFile(name), largest), isReply);
      if (reply === null) return null;
      // Whoever answered was killed before it took the file away.
      await rm(join(inbox, name), { force: true });
      await rm(replyFile(name), { force: true });
      return reply;
    },
    has: (name) =>
      access(join(inbox, name)).then(
        () => true,
        () => false,
      ),
    takeBack: (name) => rm(join(inbox, name), { force: true }),
    async sweep() {
      for (const name of await readdir(inbox).catch(() => [])) {
        if (isHandedIn(name)) continue;
        const file = join(inbox, name);
        const found = await stat(file).catch(() => null);
        if (found !== null && Date.now() - found.mtimeMs > aDay) await rm(file, { force: true });
      }
    },
  };
}

const aDay = 86_400_000;

/** What is handed in, and what is answered. */
export function isInboxFile(name: string): boolean {
  return /^\d{15}-.+\.(json|reply)$/.test(name);
}

function isHandedIn(name: string): boolean {
  return /^\d{15}-.+\.json$/.test(name);
}

/** Characters of an answer: a task of ten thousand cases has a tenth of it. */
export const longestAnswer = 8 * 1024 * 1024;
/** Bytes: JSON makes at most six of a character. */
const largest = 8 * longestAnswer;

const textOrNull = either(text, exactly(null));
const isWhole = object<HandedIn>({
  version: exactly(1),
  task: text,
  token: count,
  owner: textOrNull,
  at: isDeadline,
  answer: text,
});

type Kind<Name extends Reply["kind"]> = Extract<Reply, { kind: Name }>;
const textOrNothing = either(text, exactly(undefined));
const listOrNothing = either(listOf(text), exactly(undefined)) as Shape<readonly string[]>;
const isCompleted = object<Required<Kind<"completed">>>({
  kind: exactly("completed"),
  cases: listOf(text),
  hadFinding: listOrNothing,
});
const isObjections = object<Required<Kind<"objections">>>({
  kind: exactly("objections"),
  admitted: listOf(text),
  objections: listOf(object<Objection>({ case: textOrNull, code: text as Shape<Objection["code"]>, message: text })),
  hadFinding: listOrNothing,
});
const isFenced = object<Kind<"fenced">>({
  kind: exactly("fenced"),
  fence: exactly(...fences),
  by: textOrNull,
  file: text,
});
const isFailed = object<Kind<"failed">>({
  kind: exactly("failed"),
  failure: object<Required<Failure>>({
    code: text as Shape<Failure["code"]>,
    message: text,
    hint: textOrNothing as Shape<string>,
    detail: textOrNothing as Shape<string>,
  }),
});
const isReply: Shape<Reply> = either(either(isCompleted, isObjections), either(isFenced, isFailed));
