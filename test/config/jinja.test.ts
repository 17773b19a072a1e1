import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { renderJinja } from "../../src/config/jinja.js";
import { jinjaCases, jinjaVariables, jinjaVars } from "./jinja-cases.js";

const context = {
  envVar: (name: string) => jinjaVariables[name],
  cliVar: (name: string) => (jinjaVars as Readonly<Record<string, unknown>>)[name],
};
const value = (text: string): unknown => {
  const rendered = renderJinja(text, context);
  return "value" in rendered ? rendered.value : rendered.problem;
};

describe("the Jinja of profiles.yml", () => {
  // dbt itself is asked for each of them in test/long/jinja.test.ts.
  it.each(jinjaCases)("makes of %j what dbt makes of it", (text, expected) => {
    expect(value(text)).toEqual(expected);
  });

  it.each([
    ["{{ env_var('NONE') }}", "missing-variable", "env_var('NONE')"],
    ["x{{ env_var('NONE') | int }}", "missing-variable", "env_var('NONE')"],
    ["{{ var('none') }}", "missing-variable", "var('none')"],
    ["a {% if x %} b", "unsupported-jinja", "{% if x %}"],
    ["{{ modules.os.environ }}", "unsupported-jinja", "{{ modules.os.environ }}"],
    ["{{ target.name }}", "unsupported-jinja", "{{ target.name }}"],
    ["{{ env_var(NAME) }}", "unsupported-jinja", "{{ env_var(NAME) }}"],
    ["{{ env_var('NAME')[0] }}", "unsupported-jinja", "{{ env_var('NAME')[0] }}"],
    ["{{ env_var('NAME') | b64decode }}", "unsupported-jinja", "b64decode"],
    ["{{ env_var('NAME') | replace('a', 'b') }}", "unsupported-jinja", "{{ env_var('NAME') | replace('a', 'b') }}"],
    ["{{ env_var('NAME') if true }}", "unsupported-jinja", "{{ env_var('NAME') if true }}"],
    ["{{ }}", "unsupported-jinja", "{{ }}"],
    ["a {{ env_var('NAME')", "broken-jinja", "{{"],
    ["a {{ env_var('NAME }}", "broken-jinja", "'"],
    ["{# never ends", "broken-jinja", "{#"],
    ["{{ env_var('NAME') | as_number }}", "wrong-type", "as_number"],
    ["{{ env_var('NAME') | as_bool }}", "wrong-type", "as_bool"],
  ])("says of %j what is wrong, and where", (text, code, place) => {
    const problem = value(text) as { code: string; message: string; start: number; end: number };
    expect([problem.code, text.slice(problem.start, problem.end)]).toEqual([code, place]);
    expect(problem.message).not.toContain("it's me");
  });

  it("repeats no default, which may be a secret", () => {
    expect(value("{{ env_var('NONE', 'canary') | b64decode('canary') }}")).toMatchObject({
      message: expect.not.stringContaining("canary"),
    });
  });

  it("gives a value or a place inside of the text, whatever the text is", () => {
    const pieces = fc.constantFrom(
      ...["{{", "}}", "{%", "%}", "{#", "#}", "-", "'", '"', "\\", "(", ")", ",", "|", "~", " ", "\n", "é"],
      ...["env_var", "var", "'NAME'", "NONE", "as_number", "default=", "12", "x"],
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 14 }), (parts) => {
        const text = parts.join("");
        const rendered = renderJinja(text, context);
        if ("value" in rendered) return;
        const { start, end } = rendered.problem;
        expect(start >= 0 && start < end && end <= text.length).toBe(true);
      }),
    );
  });
});
