import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { document, root } from "./documents.js";

test("every trap that docs/engine.md lists has the test that it names", () => {
  const rows = [...document("docs/engine.md").text.matchAll(/^\|[^|]*\| `(test\/[^`]+)` \| "([^|]+)" \|$/gm)];
  expect(rows.length).toBeGreaterThan(12);
  const missing = rows.filter(
    ([, file = "", sentence = ""]) => !readFileSync(join(root, file), "utf8").includes(`"${sentence}"`),
  );
  expect(missing.map(([row]) => row)).toEqual([]);
});
