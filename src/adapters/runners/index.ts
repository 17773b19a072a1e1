/** Every runner, by the name that `agent.runner` has for it. */
import type { RunnerAdapter } from "../../model/runner.js";
import { process } from "./process.js";
import { tmux } from "./tmux.js";

export const runners: Readonly<Record<string, RunnerAdapter>> = { process, tmux };
