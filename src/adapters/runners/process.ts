/** No view of its own: `audit-run status` and `audit-run logs` show what agents do. */
import { ok } from "../../model/result.js";
import type { RunnerAdapter } from "../../model/runner.js";

export const process: RunnerAdapter = {
  id: "process",
  create: () => ({
    id: "process",
    check: async () => ok(undefined),
    open: async () => ok(null),
    close: async () => ok(undefined),
  }),
  endLeftovers: async () => ok(null),
  attachment: async () => null,
};
