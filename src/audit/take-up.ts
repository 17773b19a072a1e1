/**
 * Takes up what agents have handed in, one after the other: is the claim still theirs, are their findings admitted, is the
 * task completed. Done by whoever holds run.lock, so that no two do it at a time; killed anywhere, it is done again.
 */
import type { HandedIn, Reply } from "../execution/inbox.js";
import { investigateNode } from "../graph/compile.js";
import { fingerprint } from "../graph/judge.js";
import type { Case } from "../model/case.js";
import type { Catalogue, PublishedTask } from "../model/claim.js";
import { sha256 } from "../model/digest.js";
import type { Facts, Parts } from "../model/graph.js";
import { diskRefusal } from "../support/disk-refusal.js";
import { redactStrings } from "../support/redact.js";
import { takeAnswer } from "../tasks/hand-in.js";
import type { Session } from "../tasks/session.js";
import type { SharedTasks } from "./shared-tasks.js";

export interface TakeUpContext {
  readonly shared: SharedTasks;
  readonly session: Session;
  /** The cases of the last export, by id. */
  readonly cases: ReadonlyMap<string, Case>;
  readonly partsOf: (item: Case) => Parts;
  readonly factsOf: (item: Case) => Facts;
}

/** Resolves to the ids of tasks that are completed now. */
export async function takeUpAll(context: TakeUpContext): Promise<readonly string[]> {
  const { inbox } = context.shared;
  const completed: string[] = [];
  for (const { name, handedIn } of await inbox.waiting()) {
    if (context.session.signal.aborted) break;
    const reply = await takeUp(name, handedIn, context).catch((error: unknown) =>
      setAside(name, handedIn, error, context),
    );
    if (reply === null) break;
    await inbox.reply(name, reply);
    if (reply.kind === "completed") completed.push(handedIn.task);
  }
  return completed;
}

/** Whatever is wrong with one of them, the others are taken up. Null: it waits for whoever comes after this process. */
async function setAside(
  name: string,
  { task }: HandedIn,
  error: unknown,
  { shared, session }: TakeUpContext,
): Promise<Reply | null> {
  if (session.signal.aborted) return null;
  const file = await shared.inbox.keepAside(name);
  const why = session.redact(error instanceof Error ? error.message : String(error));
  const message = `what was handed in for ${task} could not be taken up, and is kept in ${file}: ${why}`;
  session.emit({ type: "warning", message });
  const hint = "The claim stands: hand it in again, or give the task back with `audit-run tasks release`.";
  return { kind: "failed", failure: { code: diskRefusal(error)?.code ?? "state-unreadable", message, hint } };
}

async function takeUp(name: string, handedIn: HandedIn, context: TakeUpContext): Promise<Reply> {
  const { shared, session } = context;
  const catalogue = await shared.catalogue();
  const task = catalogue?.tasks.find(({ id }) => id === handedIn.task);
  if (!catalogue || task === undefined) {
    return { kind: "fenced", fence: "changed", by: null, file: await shared.inbox.keepAside(name) };
  }
  const { token, owner, at } = handedIn;
  const claim = await shared.claims.check(task, token, { owner, at });
  if (!claim.held) {
    const { fence, by } = claim;
    // By this very answer: whoever took it up was killed before it could say so, or it was not heard.
    const isSame = fence === "completed" && (await shared.claims.answerOf(task, token)) === sha256(handedIn.answer);
    if (isSame) return { kind: "completed", cases: [] };
    return { kind: "fenced", fence, by, file: await shared.inbox.keepAside(name) };
  }
  const mine = task.cases.filter((item) => item.open);
  const cases = mine.flatMap(({ id }) => context.cases.get(id) ?? []);
  if (cases.length < mine.length || cases.some((item) => !isAsPublished(item, task, context.partsOf))) {
    return { kind: "fenced", fence: "changed", by: null, file: await shared.inbox.keepAside(name) };
  }
  const open = cases.filter((item) => !hasFinding(item, catalogue, context));
  const { partsOf, factsOf } = context;
  const node = investigateNode(task.id);
  const took = Math.max(0, at.wall - claim.since);
  const taken = await takeAnswer(handedIn.answer, {
    session,
    node,
    owner: claim.owner,
    open,
    cases,
    partsOf,
    factsOf,
    took,
  });
  if (taken.failure !== null) return { kind: "failed", failure: redactStrings(taken.failure, session.redact) };
  const { admitted, objections, hadFinding } = taken;
  if (objections.length > 0) return { kind: "objections", admitted, objections, hadFinding };
  // Should the lease have run out meanwhile and somebody have claimed it: all it was claimed for is done.
  await shared.claims.end(task, token, "completed", sha256(handedIn.answer));
  return { kind: "completed", cases: admitted, hadFinding };
}

/** The finding would be kept as one of these inputs, so the agent must have looked at these. */
function isAsPublished(item: Case, task: PublishedTask, partsOf: TakeUpContext["partsOf"]): boolean {
  return task.cases.some(({ id, fingerprint: then }) => id === item.id && then === fingerprint(partsOf(item)));
}

/** Found since the tasks were published: what there was before did not do, or the case would not be open. */
function hasFinding(item: Case, { run }: Catalogue, { session, partsOf }: TakeUpContext): boolean {
  const wanted = fingerprint(partsOf(item));
  return session.traces.find(item.id).some((trace) => trace.fingerprint === wanted && trace.run === run);
}
