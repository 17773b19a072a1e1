/**
 * What `audit-run tasks` does, as the tools of a person's own agent are given it: refusals are failures, and claims are told
 * without SQL, which other tools give. Knows no protocol.
 */
import type { TaskSharing } from "../mcp/context.js";
import { failed, ok, type Result } from "../model/result.js";
import { type Completion, completeTask } from "./complete.js";
import { type Coordination, type Fence, fenceText, type TokenRequest } from "./coordination.js";
import type { LoadedAudit } from "./load.js";

export function toolSharing(
  coordination: Coordination,
  loaded: LoadedAudit,
  /** Told of cases that have their finding now. */
  onAdmitted: (cases: readonly string[]) => void,
): TaskSharing {
  const { redact, config } = loaded;
  return {
    async list() {
      const listed = await coordination.list();
      return listed.ok ? ok(listed.value.tasks) : listed;
    },
    next: coordination.next,
    async claim({ lease = config.timeouts.claim, ...request }) {
      const claimed = await coordination.claim({ ...request, lease });
      if (!claimed.ok || claimed.value === null) return claimed as Result<null>;
      const cases = claimed.value.cases.map(({ sql: _, description, ...about }) => {
        return { ...about, ...(description === "" ? {} : { description: redact(description).slice(0, 300) }) };
      });
      return ok({ ...claimed.value, cases });
    },
    async heartbeat(request) {
      const beaten = await coordination.heartbeat(request);
      if (!beaten.ok) return beaten;
      return beaten.value.held ? ok({ until: beaten.value.until }) : lost(request, beaten.value);
    },
    async release(request) {
      const released = await coordination.release(request);
      if (!released.ok) return released;
      return released.value.held ? ok(undefined) : lost(request, released.value);
    },
    async complete(completion: Completion) {
      const ended = await completeTask(completion, coordination, loaded, () => undefined);
      if (!ended.ok) return ended;
      const reply = ended.value;
      switch (reply.kind) {
        case "completed":
          onAdmitted(reply.cases);
          return ok({ admitted: reply.cases, objections: null, hadFinding: reply.hadFinding ?? [] });
        case "objections":
          onAdmitted(reply.admitted);
          return ok({ admitted: reply.admitted, objections: reply.objections, hadFinding: reply.hadFinding ?? [] });
        case "fenced":
          return lost(completion, reply, reply.file);
        case "failed":
          return { ok: false, failure: reply.failure };
      }
    },
  };
}

function lost(
  { task, token }: TokenRequest,
  { fence, by }: { readonly fence: Fence; readonly by: string | null },
  file?: string,
): Result<never> {
  const kept = file === undefined ? "" : `What was handed in is kept in ${file} of the audit folder. `;
  return failed("claim-lost", fenceText(task, token, fence, by), {
    hint: `${kept}Claim the task again, if it is free.`,
  });
}
