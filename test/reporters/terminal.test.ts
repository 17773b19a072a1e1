// Which view is picked, what it may use of the terminal, and what the plain one says.
import { describe, expect, test } from "vitest";
import type { AuditEvent } from "../../src/model/events.js";
import { createTerminalView, type Renderer } from "../../src/reporters/terminal/index.js";
import { createPlainView } from "../../src/reporters/terminal/plain.js";
import { styleFor } from "../../src/reporters/terminal/style.js";
import type { ViewStream } from "../../src/reporters/terminal/surroundings.js";
import { columnsOf, cutToFit, durationText, harmless, stopwatch, visible } from "../../src/reporters/terminal/text.js";
import { ManualClock } from "./terminal-screen.js";

const start = new Date(2026, 1, 3, 12, 3, 4);

function recorder(isTTY: boolean): ViewStream & { text: string; fail: (error: Error) => void } {
  const listeners: ((error?: Error) => void)[] = [];
  return {
    isTTY,
    text: "",
    write(text) {
      this.text += text;
      return true;
    },
    on: (event, listener) => event === "error" && listeners.push(listener),
    off: () => undefined,
    fail(error) {
      if (listeners.length === 0) throw error;
      for (const listener of listeners) listener(error);
    },
  };
}

function plain() {
  const stream = recorder(false);
  const clock = new ManualClock(start);
  const view = createPlainView(stream, { color: false, unicode: true }, clock);
  view.open();
  return { stream, clock, view, lines: () => stream.text.split("\n").slice(0, -1) };
}

const settled = (node: string, outcome: "executed" | "reused" | "blocked" | "cancelled", duration = 0): AuditEvent => ({
  type: "settled",
  node,
  outcome,
  duration,
});
const finding: AuditEvent = {
  type: "finding",
  node: "investigate:VA",
  case: "unique_bids@VA",
  classification: "needs_fix",
  reused: false,
};

describe("the plain view", () => {
  test("writes a line when a node starts and one when it settles", () => {
    const { clock, view, lines } = plain();
    view.event({ type: "added", nodes: ["investigate:VA"] });
    view.event({ type: "started", node: "investigate:VA" });
    view.event({ type: "progress", node: "investigate:VA", message: "is not worth a line in a log" });
    view.event(finding);
    view.event(finding);
    clock.pass(3_200);
    view.event(settled("investigate:VA", "executed", 3_200));
    view.close();
    expect(lines()).toEqual([
      "[12:03:04] ▸ investigate:VA started",
      "[12:03:07] ✔ investigate:VA executed in 3.2 s · 2 findings",
      "✔ 1 node in 3.2 s: 1 executed",
    ]);
  });

  test("says why a node failed, in one line whatever the message holds", () => {
    const { view, lines } = plain();
    view.event({
      type: "settled",
      node: "summary",
      outcome: "failed",
      duration: 75_000,
      failure: { code: "dbt-failed", message: "dbt ended\n::error::with\u001b[31m 2", hint: "run dbt debug" },
    });
    expect(lines()).toEqual([
      "[12:03:04] ✖ summary failed in 1 min 15 s: dbt-failed: dbt ended ::error::with 2",
      "      run dbt debug",
    ]);
  });

  test("collapses what was reused, blocked or cancelled into counts", () => {
    const { view, lines } = plain();
    for (let index = 0; index < 49; index += 1) view.event(settled(`investigate:${index}`, "reused"));
    view.event(settled("investigate:VA", "blocked"));
    view.event({ type: "started", node: "collect" });
    view.event(settled("investigate:TX", "cancelled"));
    view.event(settled("investigate:FL", "cancelled"));
    view.close();
    expect(lines()).toEqual([
      "[12:03:04] ↺ 49 nodes reused",
      "[12:03:04] ■ investigate:VA blocked",
      "[12:03:04] ▸ collect started",
      "[12:03:04] ■ 2 nodes cancelled",
      "■ 53 nodes in 0.0 s: 49 reused, 1 blocked, 2 cancelled, 1 not finished",
    ]);
  });

  test("counts nodes that share an event like those that have one each", () => {
    const { view, lines } = plain();
    view.event({ type: "reused", nodes: ["investigate:VA", "investigate:TX"] });
    view.event(settled("investigate:FL", "reused"));
    view.close();
    expect(lines()).toEqual(["[12:03:04] ↺ 3 nodes reused", "✔ 3 nodes in 0.0 s: 3 reused"]);
  });

  test("says who asked for what, and counts a node that was opened again by how it ended last", () => {
    const { view, lines } = plain();
    const failure = { code: "agent-failed", message: "died" } as const;
    view.event({ type: "settled", node: "investigate:VA", outcome: "failed", duration: 0, failure });
    view.event({ type: "request", kind: "retry", taken: true, message: "investigate:VA runs\u001b[31m once more" });
    view.event({ type: "reopened", node: "investigate:VA" });
    view.event(settled("investigate:VA", "executed"));
    view.event({ type: "request", kind: "stop", taken: false, message: "there is no task OH" });
    view.close();
    expect(lines().slice(1)).toEqual([
      "[12:03:04] ▸ audit-run retry: investigate:VA runs once more",
      "[12:03:04] ▸ investigate:VA is to run once more",
      "[12:03:04] ✔ investigate:VA executed in 0.0 s",
      "[12:03:04] ⚠ audit-run stop: there is no task OH",
      "✔ 1 node in 0.0 s: 1 executed",
    ]);
  });

  test("says once a minute that it is alive while nothing happens", () => {
    const { clock, view, lines } = plain();
    view.event({ type: "added", nodes: ["investigate:VA", "collect"] });
    view.event({ type: "started", node: "investigate:VA" });
    clock.pass(120_000);
    expect(lines().slice(1)).toEqual(["[12:04:04] ▸ 1 running, 1 waiting", "[12:05:04] ▸ 1 running, 1 waiting"]);
    view.close();
    expect(clock.timers).toBe(0);
  });

  test("writes warnings as they come", () => {
    const { view, lines } = plain();
    view.event({ type: "warning", node: "export", message: "2 orphans" });
    expect(lines()).toEqual(["[12:03:04] ⚠ export: 2 orphans"]);
  });
});

describe("the view that is picked", () => {
  const drawn = (renderer: Renderer, isTTY: boolean, environment: Record<string, string>): string => {
    const stream = recorder(isTTY);
    const view = createTerminalView({ renderer, stream, environment, clock: new ManualClock(start) });
    view.open();
    view.event({ type: "started", node: "setup" });
    view.close();
    const window = stream.text.includes("\u001b[?25l");
    return stream.text === "" ? "silent" : window ? "window" : "plain";
  };

  test.each([
    ["auto", true, { TERM: "xterm-256color" }, "window"],
    ["auto", true, { TERM: "dumb" }, "plain"],
    ["auto", true, { TERM: "xterm", CI: "true" }, "plain"],
    ["auto", false, {}, "plain"],
    ["window", false, {}, "window"],
    ["plain", true, {}, "plain"],
    ["silent", true, {}, "silent"],
  ] as const)("of %s with a terminal: %s and %j is %s", (renderer, isTTY, environment, expected) => {
    expect(drawn(renderer, isTTY, environment)).toBe(expected);
  });

  test("survives a reader that went away", () => {
    const stream = recorder(false);
    createTerminalView({ renderer: "plain", stream, environment: {} });
    expect(() => stream.fail(new Error("EPIPE"))).not.toThrow();
  });

  test("leaves no listener on the process", () => {
    const before = process.listenerCount("exit");
    drawn("window", true, {});
    expect(process.listenerCount("exit")).toBe(before);
  });
});

describe("the style", () => {
  test.each([
    [true, {}, true],
    [false, {}, false],
    [true, { NO_COLOR: "1" }, false],
    [true, { NO_COLOR: "" }, true],
    [true, { TERM: "dumb" }, false],
    [false, { FORCE_COLOR: "1" }, true],
    [false, { FORCE_COLOR: "" }, true],
    [true, { FORCE_COLOR: "0" }, false],
    [false, { FORCE_COLOR: "1", NO_COLOR: "1" }, true],
  ])("on a terminal: %s with %j has colours: %s", (isTTY, environment, color) => {
    expect(styleFor(isTTY, environment).color).toBe(color);
  });

  test.each([
    [{}, true],
    [{ LANG: "en_US.UTF-8" }, true],
    [{ LANG: "C" }, false],
    [{ LANG: "en_US.UTF-8", LC_ALL: "C" }, false],
    [{ LC_ALL: "", LANG: "C.utf8" }, true],
    [{ TERM: "linux" }, false],
  ])("with %j has Unicode: %s", (environment, unicode) => {
    expect(styleFor(true, environment).unicode).toBe(unicode);
  });
});

describe("text", () => {
  test("is cut to columns, not to characters", () => {
    expect([columnsOf("abc"), columnsOf("東京"), columnsOf("e\u0301"), columnsOf("👍")]).toEqual([3, 4, 1, 2]);
    expect(cutToFit("東京都", 6, "…")).toBe("東京都");
    expect(cutToFit("東京都", 5, "…")).toBe("東京…");
    expect(cutToFit("東京都", 4, "…")).toBe("東…");
    expect(cutToFit("abc", 0, "…")).toBe("");
  });

  test("of any length is made harmless in no time", () => {
    expect(harmless("\u001b[".repeat(1_000_000)).length).toBeLessThanOrEqual(1_000);
    expect(harmless("x".repeat(10_000_000))).toHaveLength(1_000);
  });

  test("of many lines keeps them, and nothing that moves the cursor or hides text", () => {
    expect(visible("VA\u001b[2J\u001b[31m red\n\tTX\r\u202egnorw\u2028x\u0000")).toBe(
      "VA red\n\tTX\uFFFD\uFFFDgnorw\uFFFDx\uFFFD",
    );
    expect(visible("Überall 東京 🎉\n".repeat(1_000))).toBe("Überall 東京 🎉\n".repeat(1_000));
  });

  test("says how long something took", () => {
    expect([40, 3_249, 9_960, 59_400, 72_000, 7_500_000].map(durationText)).toEqual([
      "0.0 s",
      "3.2 s",
      "10 s",
      "59 s",
      "1 min 12 s",
      "2 h 5 min",
    ]);
    expect([42_000, 62_000, 3_723_000].map(stopwatch)).toEqual(["0:42", "1:02", "1:02:03"]);
  });
});
