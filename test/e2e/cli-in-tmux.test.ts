// The real claude with `runner: tmux`; the others are in test/long/cli-in-tmux.test.ts.
import { test } from "vitest";
import { watchInTmux } from "../rig/cli-in-tmux.js";

test("claude in tmux can be watched while it works, in words, and its finding is in the report", () =>
  watchInTmux("claude"));
