/**
 * One line each of runs/<id>/events.jsonl, as docs/audit-folder.md describes them. Views read them; `judge` never does.
 */
import type { AgentActivity } from "./agent.js";
import type { NodeId, Outcome } from "./graph.js";
import type { Isolation } from "./isolation.js";
import type { RequestKind } from "./request.js";
import type { Failure } from "./result.js";
import type { Spent } from "./spending.js";

/**
 * Version of these lines, in the first of each log. A reader leaves out types that it does not know; the number goes up
 * where a type that there was says something else. 1 (no number): each reused node had a `settled` of its own.
 */
export const eventsVersion = 2;

export type AuditEvent =
  | {
      readonly type: "run-started";
      readonly run: string;
      readonly version: string;
      readonly argv: readonly string[];
      /** Absent in logs of version 1. */
      readonly events?: number;
    }
  | { readonly type: "added"; readonly nodes: readonly NodeId[] }
  /** Nodes that joined with nothing to run, and settled at once: however many, they share a line. */
  | { readonly type: "reused"; readonly nodes: readonly NodeId[] }
  | { readonly type: "started"; readonly node: NodeId; readonly slot?: string }
  | {
      readonly type: "progress";
      readonly node: NodeId;
      readonly message: string;
      readonly done?: number;
      readonly total?: number;
    }
  | {
      readonly type: "finding";
      readonly node: NodeId;
      readonly case: string;
      readonly classification: string;
      readonly reused: boolean;
    }
  /** An agent begins with a task: which one, where, and where a person can watch it. Again where the task is tried again. */
  | {
      readonly type: "at-work";
      readonly node: NodeId;
      readonly agent: string;
      /** Null: it works in no checkout of its own. */
      readonly slot: number | null;
      readonly isolation: Isolation;
      /** Name of the tmux session; null where there is none. */
      readonly session: string | null;
    }
  /**
   * What an agent does and spends, its words and arguments cut short; the whole is in its log. Where it does more than a
   * log should hold, `leftOut` says how much of it is not told before this; what it spent is added up, never left out.
   */
  | { readonly type: "agent"; readonly node: NodeId; readonly activity: AgentActivity; readonly leftOut?: number }
  | { readonly type: "warning"; readonly node?: NodeId; readonly message: string }
  | {
      readonly type: "settled";
      readonly node: NodeId;
      readonly outcome: Outcome;
      readonly duration: number;
      readonly failure?: Failure;
    }
  /** So many agents ask their model's service at a time from now on, since it refused, or answers again. */
  | { readonly type: "pace"; readonly places: number; readonly most: number }
  /** It had settled, and is to run once more. */
  | { readonly type: "reopened"; readonly node: NodeId }
  /** Somebody asked for something from another terminal. */
  | { readonly type: "request"; readonly kind: RequestKind; readonly taken: boolean; readonly message: string }
  | {
      readonly type: "run-settled";
      readonly exitCode: number;
      readonly executed: number;
      readonly reused: number;
      readonly failed: number;
      /** Absent where no agent told that it spent anything. */
      readonly spent?: Spent;
    };

/** As written: `at` is an ISO time, `seq` counts from 1 within a run. */
export type AuditEventLine = AuditEvent & { readonly seq: number; readonly at: string };
