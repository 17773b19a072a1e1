// The real codex and opencode with `runner: tmux`; claude is in test/e2e/cli-in-tmux.test.ts.
import { test } from "vitest";
import { watchInTmux } from "../rig/cli-in-tmux.js";

test.each(["codex", "opencode"] as const)("%s in tmux can be watched while it works, in words", (name) =>
  watchInTmux(name),
);
