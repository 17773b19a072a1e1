/**
 * One line each of runs/<id>/events.jsonl. Views read them; `judge` never does.
 */
import type { NodeId, Outcome } from "./graph.js";
import type { Failure } from "./result.js";

export type AuditEvent =
  | { readonly type: "run-started"; readonly run: string; readonly version: string; readonly argv: readonly string[] }
  | { readonly type: "added"; readonly nodes: readonly NodeId[] }
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
  | { readonly type: "warning"; readonly node?: NodeId; readonly message: string }
  | {
      readonly type: "settled";
      readonly node: NodeId;
      readonly outcome: Outcome;
      readonly duration: number;
      readonly failure?: Failure;
    }
  | {
      readonly type: "run-settled";
      readonly exitCode: number;
      readonly executed: number;
      readonly reused: number;
      readonly failed: number;
    };

/** As written: `at` is an ISO time, `seq` counts from 1 within a run. */
export type AuditEventLine = AuditEvent & { readonly seq: number; readonly at: string };
