/**
 * Progress on a terminal: picks the view that the stream and the environment can bear.
 * Knows nothing of who runs the nodes.
 */
import type { ProgressView } from "../../model/progress.js";
import { createPlainView } from "./plain.js";
import { type Environment, styleFor } from "./style.js";
import { realClock, type ViewClock, type ViewStream } from "./surroundings.js";
import { createWindowView } from "./window.js";

/** `auto` is `window` where the stream is a capable terminal that a person looks at, else `plain`. */
export type Renderer = "auto" | "window" | "plain" | "silent";

export interface TerminalViewOptions {
  readonly renderer: Renderer;
  /** Where progress goes: stderr, since results go to stdout. */
  readonly stream: ViewStream;
  /** NO_COLOR, FORCE_COLOR, TERM, CI and the locale are read. */
  readonly environment: Environment;
  readonly clock?: ViewClock;
}

export function createTerminalView(options: TerminalViewOptions): ProgressView {
  const { stream, environment, clock = realClock } = options;
  const isTTY = stream.isTTY === true;
  const renderer = options.renderer === "auto" ? rendererFor(isTTY, environment) : options.renderer;
  if (renderer === "silent") return silent;
  const style = styleFor(isTTY, environment);
  // A reader that went away (`2>&1 | head`) ends the drawing, not the audit.
  stream.on("error", () => undefined);
  return renderer === "window"
    ? createWindowView(stream, style, clock, onProcessExit)
    : createPlainView(stream, style, clock);
}

function rendererFor(isTTY: boolean, environment: Environment): "window" | "plain" {
  const watched = isTTY && environment.TERM !== "dumb" && (environment.CI ?? "") === "";
  return watched ? "window" : "plain";
}

const silent: ProgressView = { open: () => undefined, event: () => undefined, close: () => undefined };

/** Also after an uncaught exception and after `process.exit`: nobody is left with an invisible cursor. */
function onProcessExit(farewell: () => void): () => void {
  process.once("exit", farewell);
  return () => process.off("exit", farewell);
}
