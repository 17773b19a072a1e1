// A walk as a person sees it.
import { expect, test } from "vitest";
import type { TracedTest } from "../../src/audit/trace-test.js";
import { traceMermaid, traceText } from "../../src/commands/trace-text.js";

const step = (name: string, failing: number, query_id: string) => ({
  ...{ resource: `model.p.${name}`, name, column: "amount", seen: 3, found: 3, failing, query_id, says: "" },
});

const traced: TracedTest = {
  test: "not_null_fct_amount",
  asked: 4,
  queries: {},
  groups: [
    {
      group: "VA",
      ...{ standing: "proved", situation: "made-here", node: "model.p.stg", column: "amount", confidence: "high" },
      reason: "model stg makes amount fail",
      steps: [step("fct", 3, "q-1"), step("stg", 3, "q-2"), step('raw"<b>\u001b[2J', 0, "q-3")],
      inside: {
        cte: "typed",
        kind: "cast",
        sql: "cast(x\n  as integer) as amount",
        file: "models/stg.sql",
        lines: { first: 7, last: 8 },
      },
      proof: { says: "x as it is in place of that expression", query_id: "q-4" },
    },
  ],
};

test("a walk is a tree, with the place and the proof", () => {
  expect(traceText(traced)).toBe(
    [
      "not_null_fct_amount · VA",
      "fct.amount  3 of 3 fail  q-1",
      "└─ stg.amount  3 of 3 fail  q-2",
      '   └─ raw"<b>.amount  0 of 3 fail  q-3',
      "proved · made-here · high confidence",
      "  model stg makes amount fail",
      "  inside: CTE typed, models/stg.sql:7: cast(x as integer) as amount",
      "  proof: with x as it is in place of that expression, nothing fails  q-4",
    ].join("\n"),
  );
});

test("a diagram marks what is blamed, and no name gets out of its box", () => {
  const text = traceMermaid(traced);
  expect(text).toContain('n2["stg.amount<br>3 of 3 fail"]');
  expect(text).toContain("class n2 blamed");
  expect(text).toContain("raw&quot;&lt;b&gt;");
});
