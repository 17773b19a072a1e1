/**
 * What a running audit does with requests from other terminals. How they come is execution/requests.ts's, what stopping
 * and running a node again mean is the loop's.
 */
import type { LoopControls } from "../execution/loop.js";
import { type RequestWatch, watchRequests } from "../execution/requests.js";
import type { NodeId } from "../model/graph.js";
import type { Answer, AuditRequested } from "../model/request.js";
import type { Failure } from "../model/result.js";
import { closest } from "../support/suggest.js";
import type { OpenedAudit } from "./open.js";
import { requestsFolder } from "./run-folder.js";

/** What control asks of the nodes' work. */
export interface Controlled {
  /** Investigations of this run; null until `export` has ended. */
  readonly tasks: () => readonly NodeId[] | null;
  /** Takes in exceptions that a person has added. */
  readonly takeInExceptions: () => Answer;
}

export interface Control {
  /** Begins to listen. */
  readonly open: (controls: LoopControls) => void;
  /** Answers what is left, and listens no more. */
  readonly close: () => Promise<void>;
}

const stopped: Failure = {
  code: "stopped",
  message: "it was stopped by `audit-run stop`",
  hint: "What it had handed in is kept; `audit-run retry` runs the rest.",
};

export function createControl(audit: Pick<OpenedAudit, "session" | "stop">, work: Controlled): Control {
  const { session } = audit;
  let listening: RequestWatch | null = null;

  const stop = (node: NodeId | null, controls: LoopControls): Answer => {
    if (node === null) {
      const isStopping = session.signal.aborted;
      audit.stop();
      return yes(isStopping ? "the run is stopping already" : "the run is stopping; finished findings are kept");
    }
    const unknown = unknownTask(node, work.tasks());
    if (unknown !== null) return no(unknown);
    const before = controls.stop(node, stopped);
    if (before === "running") return yes(`${node} is being stopped; what it has handed in is kept`);
    if (before === "waiting") return yes(`${node} will not start`);
    return no(`${node} has ended already`);
  };

  const retry = (nodes: readonly NodeId[], controls: LoopControls): Answer => {
    const tasks = work.tasks();
    const chosen = nodes.length > 0 ? nodes : controls.failed().filter((node) => tasks?.includes(node));
    if (chosen.length === 0) return no("nothing has failed so far that could run again now");
    const answers = chosen.map((node) => retryOne(node, tasks, controls));
    return { taken: answers.some(({ taken }) => taken), message: answers.map(({ message }) => message).join("; ") };
  };

  const answer = (asked: AuditRequested, controls: LoopControls): Answer => {
    if (asked.kind === "stop") return stop(asked.node, controls);
    return asked.kind === "retry" ? retry(asked.nodes, controls) : work.takeInExceptions();
  };

  return {
    open(controls) {
      listening = watchRequests(requestsFolder(session.config.dir, session.run.id), async (asked) => {
        const given = answer(asked, controls);
        session.emit({ type: "request", kind: asked.kind, ...given });
        return given;
      });
    },
    close: async () => listening?.close(no("the run has ended; the next one can do it")),
  };
}

function retryOne(node: NodeId, tasks: readonly NodeId[] | null, controls: LoopControls): Answer {
  const unknown = unknownTask(node, tasks);
  if (unknown !== null) return no(unknown);
  switch (controls.retry(node)) {
    case "reopened":
      return yes(`${node} runs once more`);
    case "open":
      return no(`${node} has not ended`);
    case "well":
      return no(`${node} ended well: there is nothing to run again`);
    case "late":
      return no(
        `${node} cannot run again in this run, which is collecting or stopping: \`audit-run retry\` after its end`,
      );
    case "unknown":
      return no(`${node} is no part of this run`);
  }
}

/** Why this names no task of the run; null where it does. */
function unknownTask(node: NodeId, tasks: readonly NodeId[] | null): string | null {
  if (tasks === null) return `there are no tasks yet: export has not ended`;
  if (tasks.includes(node)) return null;
  const near = closest(node, tasks);
  return `there is no task ${node}${near === undefined ? "" : `; did you mean ${near}?`}`;
}

function yes(message: string): Answer {
  return { taken: true, message };
}

function no(message: string): Answer {
  return { taken: false, message };
}
