/** Jinja of profiles.yml, and what becomes of it: here, and by dbt itself. */

export const jinjaVariables: Readonly<Record<string, string>> = {
  NAME: "it's me",
  PORT: "5432",
  YES: "True",
  KEY: "line 1\nline 2",
  EMPTY: "",
  ODD: "{{ env_var('NAME') }}",
};
/** dbt's --vars. */
export const jinjaVars = { area: "south", depth: 3 };

export const jinjaCases: readonly (readonly [text: string, value: unknown])[] = [
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
];
