// The windowed view, drawn on a screen that understands only what the view may write.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { AuditEvent } from "../../src/model/events.js";
import { advance, createProgress } from "../../src/reporters/terminal/progress.js";
import { windowRows } from "../../src/reporters/terminal/rows.js";
import { columnsOf } from "../../src/reporters/terminal/text.js";
import { createWindowView } from "../../src/reporters/terminal/window.js";
import { ManualClock, Screen } from "./terminal-screen.js";

const plainStyle = { color: false, unicode: true };
const start = new Date(2026, 1, 3, 12, 3, 4);

function rig(columns = 80, rows = 24, style = plainStyle) {
  const screen = new Screen(columns, rows);
  const clock = new ManualClock(start);
  const farewells = new Set<() => void>();
  const view = createWindowView(screen, style, clock, (farewell) => {
    farewells.add(farewell);
    return () => farewells.delete(farewell);
  });
  const show = (...events: AuditEvent[]): void => {
    for (const event of events) view.event(event);
    clock.pass(100);
  };
  return { screen, clock, view, show, farewells };
}

const added = (...nodes: string[]): AuditEvent => ({ type: "added", nodes });
const started = (node: string): AuditEvent => ({ type: "started", node });
const executed = (node: string, duration = 1_000): AuditEvent => ({
  type: "settled",
  node,
  outcome: "executed",
  duration,
});
const refused = (node: string, message = "no answer in 10 min"): AuditEvent => ({
  type: "settled",
  node,
  outcome: "failed",
  duration: 600_000,
  failure: { code: "agent-timeout", message, hint: "raise timeouts.agent" },
});
const finding = (node: string): AuditEvent => ({
  type: "finding",
  node,
  case: "unique_bids@VA",
  classification: "needs_fix",
  reused: false,
});

describe("the window", () => {
  test("shows counts, what runs with its last message, and the last failures", () => {
    const { screen, clock, view, show } = rig();
    view.open();
    show(added("setup", "investigate:VA", "investigate:TX", "investigate:FL", "collect"), started("setup"));
    show(executed("setup"), { type: "settled", node: "investigate:FL", outcome: "reused", duration: 0 });
    show(started("investigate:VA"), started("investigate:TX"), finding("investigate:VA"));
    show({ type: "progress", node: "investigate:VA", message: "walks bid_extension_total_wrong", done: 1, total: 4 });
    clock.pass(4_600);
    show(refused("investigate:TX"));
    expect(screen.lines).toEqual([
      "0:05  ✔ 1 done · ✖ 1 failed · ↺ 1 reused · ▸ 1 running · 1 waiting",
      "  ▸ investigate:VA   0:04  1/4  1 finding  walks bid_extension_total_wrong",
      "  ✖ investigate:TX  agent-timeout: no answer in 10 min",
    ]);
  });

  test("leaves a summary with every failure and its hint when it closes, and gives the cursor back", () => {
    const { screen, clock, view, show, farewells } = rig();
    view.open();
    expect(screen.cursorVisible).toBe(false);
    show(added("investigate:VA", "investigate:TX"), started("investigate:VA"), started("investigate:TX"));
    clock.pass(71_900);
    show(executed("investigate:VA"), refused("investigate:TX"));
    view.close();
    view.close();
    expect(screen.lines).toEqual([
      "✖ 2 nodes in 1 min 12 s: 1 executed, 1 failed",
      "  ✖ investigate:TX  agent-timeout: no answer in 10 min",
      "      raise timeouts.agent",
      "",
    ]);
    expect([screen.cursorVisible, screen.wraps]).toEqual([true, true]);
    expect([farewells.size, clock.timers, screen.listeners]).toEqual([0, 0, 0]);
  });

  test("lists ten failures at the end and counts the rest", () => {
    const { screen, view, show } = rig();
    view.open();
    show(...Array.from({ length: 12 }, (_, index) => refused(`investigate:${index}`)));
    view.close();
    expect(screen.lines[0]).toBe("✖ 12 nodes in 0.1 s: 12 failed");
    expect(screen.lines.filter((line) => line.includes("agent-timeout"))).toHaveLength(10);
    expect(screen.lines.at(-2)).toBe("    and 2 more");
  });

  test("gives the cursor back where the process ends without closing it", () => {
    const { screen, view, farewells } = rig();
    view.open();
    for (const farewell of farewells) farewell();
    expect([screen.cursorVisible, screen.wraps]).toEqual([true, true]);
  });

  test("repaints at most ten times a second, however many events there are", () => {
    const { screen, clock, view } = rig();
    view.open();
    const before = screen.writes;
    for (let index = 0; index < 5_000; index += 1) {
      view.event(added(`investigate:${index}`));
      view.event(started(`investigate:${index}`));
      view.event(executed(`investigate:${index}`));
      if (index % 50 === 0) clock.pass(10);
    }
    expect(screen.writes - before).toBeLessThanOrEqual(10);
    expect(screen.writes - before).toBeGreaterThan(5);
  });

  test("repaints once a second while nothing happens, so that the clocks go on", () => {
    const { screen, clock, view, show } = rig();
    view.open();
    show(added("setup"), started("setup"));
    const before = screen.writes;
    clock.pass(10_000);
    expect(screen.writes - before).toBe(10);
    expect(screen.lines[0]).toBe("0:10  ✔ 0 done · ▸ 1 running · 0 waiting");
  });

  test("writes nothing while the terminal cannot take more", () => {
    const { screen, view, show } = rig();
    view.open();
    screen.writableNeedDrain = true;
    const before = screen.writes;
    show(added("setup"), started("setup"));
    expect(screen.writes).toBe(before);
    screen.writableNeedDrain = false;
    show();
    expect(screen.lines[0]).toContain("1 running");
  });

  test("estimates the time left by what was executed, not by what was reused", () => {
    const { screen, clock, view, show } = rig(120);
    const states = ["VA", "TX", "FL", "GA", "NC", "OH"].map((state) => `investigate:${state}`);
    view.open();
    show(added(...states), { type: "settled", node: "investigate:OH", outcome: "reused", duration: 0 });
    show(started("investigate:VA"), started("investigate:TX"));
    clock.pass(59_900);
    show(executed("investigate:VA"), executed("investigate:TX"));
    expect(screen.lines[0]).toContain("3 waiting · about 1 min 30 s left");
  });

  test("keeps warnings above the rows, and counts those of a flood", () => {
    const { screen, view, show } = rig();
    view.open();
    show(added("export"), started("export"), { type: "warning", node: "export", message: "3 orphans" });
    expect(screen.lines).toEqual([
      "⚠ export: 3 orphans",
      "0:00  ✔ 0 done · ▸ 1 running · 0 waiting",
      "  ▸ export   0:00",
    ]);
    show(...Array.from({ length: 1_000 }, (): AuditEvent => ({ type: "warning", message: "again" })));
    view.close();
    expect(screen.lines.filter((line) => line === "⚠ again")).toHaveLength(50);
    expect(screen.lines).toContain("and 950 more warnings");
  });

  test("says what comes after its end below it, such as a last file that the disk refused", () => {
    const { screen, view, show } = rig();
    view.open();
    show(added("export"), started("export"), executed("export"));
    view.close();
    show({ type: "warning", message: "last-run.json could not be written" });
    expect(screen.lines.filter((line) => line !== "").at(-1)).toBe("⚠ last-run.json could not be written");
  });

  test("leaves no debris when the terminal is made narrower, wider or lower", () => {
    const { screen, clock, view, show } = rig(100, 24);
    screen.write("$ audit-run\n");
    view.open();
    show(added("investigate:VA", "investigate:TX"), started("investigate:VA"), started("investigate:TX"));
    show({ type: "progress", node: "investigate:VA", message: "a message of some length that will not fit any more" });
    screen.resize(42, 24);
    clock.pass(100);
    expect(screen.lines).toEqual([
      "$ audit-run",
      "0:00  ✔ 0 done · ▸ 2 running · 0 waiting",
      "  ▸ investigate:VA   0:00  a message of …",
      "  ▸ investigate:TX   0:00",
    ]);
    screen.resize(100, 3);
    clock.pass(100);
    expect(screen.lines).toEqual(["$ audit-run", "0:00  ✔ 0 done · ▸ 2 running · 0 waiting", "    and 2 more"]);
  });

  test("lets a long warning wrap, however exactly it fits", () => {
    const { screen, view, show } = rig(40);
    view.open();
    show(...[37, 38, 39, 78].map((length): AuditEvent => ({ type: "warning", message: "w".repeat(length) })));
    expect(screen.lines.slice(0, 4).map((line) => line.length)).toEqual([39, 40, 41, 80]);
  });

  test("takes the sting out of names and messages", () => {
    const { screen, view, show } = rig();
    const evil = "investigate:\u001b[2J\u001b]0;owned\u0007V\u202eA\r\nX";
    view.open();
    show(added(evil), started(evil), { type: "progress", node: evil, message: "\u009b31mred\u0000\u2028 東京 👩‍🔬" });
    expect(screen.lines).toEqual([
      "0:00  ✔ 0 done · ▸ 1 running · 0 waiting",
      "  ▸ investigate:V A X   0:00  red  東京 👩 🔬",
    ]);
    expect(screen.text).not.toContain("owned");
  });

  test("shows ASCII alone where the locale has no UTF-8", () => {
    const { screen, view, show } = rig(80, 24, { color: false, unicode: false });
    view.open();
    show(added("investigate:Québec"), started("investigate:Québec"), refused("investigate:Québec", "x".repeat(100)));
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the escape sequences are the view's own.
    expect(screen.text).toMatch(/^[\u0000-\u007e]+$/);
    expect(screen.lines[0]).toBe("0:00  + 0 done, x 1 failed, > 0 running, 0 waiting");
    expect(screen.lines[1]?.endsWith("xxx~")).toBe(true);
  });

  test("colours what it marks where colours are wanted", () => {
    const { screen, view, show } = rig(80, 24, { color: true, unicode: true });
    view.open();
    show(added("setup"), started("setup"));
    expect(screen.text).toContain("\u001b[36m▸\u001b[39m");
    expect(screen.lines[0]).toBe("0:00  ✔ 0 done · ▸ 1 running · 0 waiting");
  });
});

describe("the rows of the window", () => {
  const name = fc.oneof(fc.string({ unit: "binary", maxLength: 60 }), fc.constant("investigate:東京👩‍🔬"));
  const happening = fc.record({
    node: name,
    message: name,
    end: fc.constantFrom("running" as const, "executed" as const, "failed" as const, "waiting" as const),
  });

  test("are never more than fit, nor more than twelve for what runs, nor wider than the terminal", () => {
    fc.assert(
      fc.property(
        fc.array(happening, { maxLength: 60 }),
        fc.integer({ min: 1, max: 200 }),
        fc.integer({ min: 1, max: 60 }),
        fc.boolean(),
        (happenings, columns, rows, unicode) => {
          const progress = createProgress();
          for (const { node, message, end } of happenings) {
            advance(progress, added(node), 0);
            if (end === "waiting") continue;
            advance(progress, started(node), 0);
            advance(progress, { type: "progress", node, message }, 0);
            if (end !== "running") advance(progress, end === "failed" ? refused(node, message) : executed(node), 0);
          }
          const shown = windowRows(progress, { columns, rows }, 1_000, { color: false, unicode });
          expect(shown.length).toBeLessThanOrEqual(Math.min(Math.max(1, rows - 1), 1 + 12 + 3));
          for (const row of shown) {
            expect(columnsOf(row)).toBeLessThanOrEqual(columns);
            expect(row).not.toMatch(/\p{Cc}/u);
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  test("cost the same with 5,000 nodes as with five", () => {
    const visited = (nodes: number): number => {
      const progress = createProgress();
      for (let index = 0; index < nodes; index += 1) advance(progress, started(`investigate:${index}`), 0);
      let visits = 0;
      const values = progress.running.values.bind(progress.running);
      progress.running.values = () => counted(values(), () => (visits += 1));
      windowRows(progress, { columns: 80, rows: 5 }, 0, plainStyle);
      return visits;
    };
    expect(visited(5_000)).toBe(visited(5));
  });
});

function* counted<Value>(values: Iterable<Value>, count: () => void): MapIterator<Value> {
  for (const value of values) {
    count();
    yield value;
  }
}
