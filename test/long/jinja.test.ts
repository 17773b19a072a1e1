/** Real dbt renders the same Jinja of profiles.yml to the same values. */
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { jinjaCases, jinjaVariables, jinjaVars } from "../config/jinja-cases.js";

const python = fileURLToPath(new URL("../../.test-tools/venv/bin/python", import.meta.url));

const program = `
import json, sys
from dbt_common.context import set_invocation_context
given = json.load(sys.stdin)
set_invocation_context(given["env"])
from dbt.config.renderer import ProfileRenderer
renderer = ProfileRenderer(given["vars"])
print(json.dumps([renderer.render_value(text) for text in given["texts"]]))
`;

test("each case of the reader of Jinja is what dbt makes of it", () => {
  const texts = jinjaCases.map(([text]) => text);
  const input = JSON.stringify({ env: jinjaVariables, vars: jinjaVars, texts });
  const rendered = JSON.parse(execFileSync(python, ["-c", program], { input, encoding: "utf8" }));
  expect(texts.map((text, index) => [text, rendered[index]])).toEqual(jinjaCases);
});
