/**
 * The claim of a person's own agent on the task that it was started for: held as long as its tools are served, so that no
 * run and nobody else pays for the same cases. Knows no tool.
 */
import type { Failure } from "../model/result.js";
import { failed, ok, type Result } from "../model/result.js";
import { type Coordination, fenceText } from "./coordination.js";

export interface OwnClaim {
  readonly task: string;
  readonly owner: string;
  /** Changes where the lease ran out, of a machine that slept, say, and the task was free to be claimed again. */
  readonly token: number;
  /** Prolongs it; why the task is no longer its owner's, or null where it is. */
  renew(): Promise<Failure | null>;
  /** @param isDone every case has its finding */
  end(isDone: boolean): Promise<void>;
}

/** Short, in milliseconds: an agent that is killed should not keep its own next start waiting. */
const lease = 60_000;

/** Failure codes: claim-lost where somebody else works on it, and those of the coordination. */
export async function claimOwn(
  coordination: Coordination,
  { task, owner, warn }: { readonly task: string; readonly owner: string; readonly warn: (message: string) => void },
): Promise<Result<OwnClaim>> {
  const first = await coordination.claim({ task, owner, lease });
  if (!first.ok) return first;
  if (first.value === null) return notFree(coordination, task);
  let { token } = first.value;
  let isOver = false;

  const renewOnce = async (): Promise<Failure | null> => {
    const beaten = await coordination.heartbeat({ task, token, owner });
    if (!beaten.ok) return beaten.failure;
    if (beaten.value.held) return null;
    const { fence, by } = beaten.value;
    // All that it was claimed for is done: what else comes is told so by the case.
    if (fence === "completed") isOver = true;
    const again = fence === "expired" ? await coordination.claim({ task, owner, lease }) : ok(null);
    if (again.ok && again.value !== null) {
      token = again.value.token;
      return null;
    }
    const hint = "Start this again: it claims the task again, if it is free.";
    return { code: "claim-lost", message: fenceText(task, token, fence, by), hint };
  };
  // One after the other: two that find the lease run out would claim twice.
  let renewing: Promise<unknown> = Promise.resolve();
  const renew = (): Promise<Failure | null> => {
    const renewed = renewing.then(renewOnce);
    renewing = renewed.catch(() => undefined);
    return renewed;
  };

  let complained = "";
  const beat = async (): Promise<void> => {
    const message = (await renew().catch((error: Error) => error))?.message ?? "";
    if (message !== complained && message !== "" && !isOver) warn(message);
    complained = message;
  };
  const heart = setInterval(() => void (isOver || beat()), lease / 4);
  return ok({
    ...{ task, owner, renew },
    get token() {
      return token;
    },
    async end(isDone) {
      clearInterval(heart);
      await renewing;
      await coordination.end({ task, token, owner }, isDone ? "completed" : "released");
    },
  });
}

async function notFree(coordination: Coordination, task: string): Promise<Result<never>> {
  const listed = await coordination.list();
  const found = listed.ok ? listed.value.tasks.find((each) => each.task === task) : undefined;
  const { status, owner = null, until = null } = found ?? {};
  const who = `${owner ?? "somebody else"} works on it${until === null ? "" : ` until ${until}`}`;
  return failed("claim-lost", `${task} is not free: ${status === "completed" ? "it is completed" : who}`, {
    hint: "`audit-run tasks list` says how all tasks stand; without --task the cases of all are served, and none is claimed.",
  });
}
