import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { renderJinja } from "../../src/config/jinja.js";

const variables: Readonly<Record<string, string>> = {
  NAME: "it's me",
  PORT: "5432",
  YES: "true",
  KEY: "line 1\nline 2",
  EMPTY: "",
  ODD: "{{ env_var('NAME') }}",
};
const context = {
  envVar: (name: string) => variables[name],
  cliVar: (name: string) => ({ area: "south", depth: 3 })[name],
};
const value = (text: string): unknown => {
  const rendered = renderJinja(text, context);
  return "value" in rendered ? rendered.value : rendered.problem;
};

describe("the Jinja of profiles.yml", () => {
  // What dbt 1.12 itself makes of each of them, but for `true` with as_bool, which it wants to be `True`.
  it.each([
    ["plain", "plain"],
    ["{{ env_var('NAME') }}", "it's me"],
    ['{{env_var("NAME")}}', "it's me"],
    ["{{ env_var('NONE', 'other') }}", "other"],
    ["{{ env_var('NONE', default=\"other\") }}", "other"],
    ["{{ env_var('NONE', '') }}", ""],
    ["{{ env_var('EMPTY', 'other') }}", ""],
    ["{{ env_var('NONE', env_var('PORT')) }}", "5432"],
    ["{{ env_var('PORT') }}", "5432"],
    ["{{ env_var('PORT') | as_number }}", 5432],
    ["{{ env_var('PORT') | int }}", 5432],
    ["{{ env_var('NONE', '7') | int }}", 7],
    ["{{ env_var('NAME') | int }}", 0],
    ["{{ env_var('PORT') | as_native }}", 5432],
    ["{{ env_var('PORT') | as_text }}", "5432"],
    ["{{ env_var('NAME') | as_native }}", "it's me"],
    ["{{ env_var('YES') | as_bool }}", true],
    ["{{ env_var('NAME') | upper }}", "IT'S ME"],
    ["db_{{ env_var('PORT') | as_number }}_x", "db_5432_x"],
    ["{{ env_var('PORT') }}{{ env_var('PORT') }}", "54325432"],
    ["{{ 'a' ~ env_var('PORT') ~ 1 }}", "a54321"],
    ["{{ var('area') }}", "south"],
    ["{{ var('depth') }}", 3],
    ["{{ var('none', 'x') }}", "x"],
    ["a{# not this: {{ nor this }} #}b", "ab"],
    ["a  {{- env_var('PORT') -}}  b", "a5432b"],
    ["{{ env_var('KEY') }}\n", "line 1\nline 2"],
    ["{{ env_var('ODD') }}", "{{ env_var('NAME') }}"],
    ["{{ 5 }}", "5"],
    ["{# nothing #}", ""],
  ])("makes of %j what dbt makes of it", (text, expected) => {
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
