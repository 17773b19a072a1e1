/** A terminal that says nothing and is never interrupted: for tests of what the parser does. */
import type { Terminal } from "../../src/commands/terminal.js";

export const silentTerminal: Terminal = {
  signal: new AbortController().signal,
  color: () => false,
  screen: () => null,
  print: () => undefined,
  ask: null,
  say: () => undefined,
  diagnose: async () => undefined,
  refuse: () => undefined,
  runs: () => undefined,
  onlyLooks: () => undefined,
  dispose: () => undefined,
};
