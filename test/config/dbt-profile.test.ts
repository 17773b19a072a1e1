import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readDbtProfile } from "../../src/config/dbt-profile.js";
import type { ProfileRequest } from "../../src/config/profile-search.js";
import { renderDiagnostics } from "../../src/support/render-diagnostics.js";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "audit-run-profile-"));
  write("project/dbt_project.yml", "name: bids\nprofile: bids\n");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function write(path: string, text: string): string {
  const file = join(folder, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  return file;
}

function read(changes: Partial<ProfileRequest> = {}) {
  return readDbtProfile({
    ...{ projectDir: join(folder, "project"), startDir: join(folder, "project") },
    ...{ profilesDir: null, profile: null, dbtTarget: null, vars: {}, env: {}, ownEnv: {} },
    ...{ homeDir: join(folder, "home"), cwd: folder },
    ...changes,
  });
}

/** The output that was taken, or what a user is told. */
function taken(changes: Partial<ProfileRequest> = {}): unknown {
  const outcome = read(changes);
  if (outcome.kind === "found") return outcome.profile.output;
  if (outcome.kind === "missing") return outcome.why.replaceAll(folder, "");
  return renderDiagnostics(outcome.diagnostics, { color: false });
}

const named = (name: string) => `bids: { target: dev, outputs: { dev: { type: duckdb, path: ${name} } } }\n`;

describe("where profiles.yml is looked for", () => {
  it("is where dbt looks: the folder that is named, else where it is started, the project's, ~/.dbt", () => {
    write("home/.dbt/profiles.yml", named("home"));
    expect(taken()).toMatchObject({ path: "home" });
    write("project/profiles.yml", named("project"));
    expect(taken()).toMatchObject({ path: "project" });
    write("start/profiles.yml", named("start"));
    expect(taken({ startDir: join(folder, "start") })).toMatchObject({ path: "start" });
    write("other/profiles.yml", named("variable"));
    const env = { DBT_PROFILES_DIR: "../other" };
    expect(taken({ env })).toMatchObject({ path: "variable" });
    write("engine/profiles.yml", named("engine"));
    expect(taken({ env: { ...env, DBT_ENGINE_PROFILES_DIR: "../engine" } })).toMatchObject({ path: "engine" });
    expect(taken({ ownEnv: { DBT_PROFILES_DIR: "../engine" } })).toMatchObject({ path: "engine" });
    write("config/profiles.yml", named("config"));
    expect(taken({ env, profilesDir: join(folder, "config") })).toMatchObject({ path: "config" });
  });

  it("is said where there is none, and nowhere else is looked where a folder is named", () => {
    expect(taken()).toBe("there is no profiles.yml of dbt: looked for /project/profiles.yml, /home/.dbt/profiles.yml");
    write("home/.dbt/profiles.yml", named("home"));
    expect(taken({ profilesDir: join(folder, "config") })).toBe(
      "there is no profiles.yml of dbt: looked for /config/profiles.yml",
    );
  });

  it("notes each file and variable that it has looked at, found or not", () => {
    write("home/.dbt/profiles.yml", named("{{ env_var('FILE', 'x') }}").replace(/path: (.*?}}) /, 'path: "$1" '));
    const outcome = read({ env: { HOME: "/", DBT_TARGET: "dev" } });
    expect(outcome.files.map((file) => file.slice(folder.length))).toEqual(
      expect.arrayContaining(["/project/dbt_project.yml", "/project/profiles.yml", "/home/.dbt/profiles.yml"]),
    );
    expect(outcome.variables.get("FILE")).toBeNull();
    expect(outcome.variables.get("DBT_TARGET")).toBe("dev");
    expect(outcome.variables.has("HOME")).toBe(false);
  });
});

const two = `
bids:
  target: "{{ env_var('WHERE', 'dev') }}"
  outputs:
    dev: &common
      type: postgres
      host: localhost
      port: "{{ env_var('PORT') | as_number }}"
      user: me
      password: "{{ env_var('DBT_ENV_SECRET_PASSWORD') }}"
      keepalive: yes
    prod:
      <<: *common
      host: db.example.com
      schema: "{{ var('schema') }}_x"
    broken:
      host: "{{ env_var('NOBODY_HAS_IT') }}"
other: {}
`;
const env = { PORT: "5433", DBT_ENV_SECRET_PASSWORD: "canary-password" };

describe("the output that is taken", () => {
  beforeEach(() => write("project/profiles.yml", two));

  it("is that of the target: the config's, DBT_TARGET's, or the profile's own", () => {
    const dev = { type: "postgres", host: "localhost", port: 5433, user: "me", password: "canary-password" };
    expect(taken({ env })).toEqual({ ...dev, keepalive: true });
    const vars = { schema: "marts" };
    const prod = { ...dev, keepalive: true, host: "db.example.com", schema: "marts_x" };
    expect(taken({ env, vars, dbtTarget: "prod" })).toEqual(prod);
    expect(taken({ env: { ...env, DBT_TARGET: "prod" }, vars })).toEqual(prod);
    expect(taken({ env: { ...env, WHERE: "prod" }, vars })).toEqual(prod);
  });

  it("has its variables from a .env where dbt is started, too, but not in place of the environment's", () => {
    write(".env", "PORT=1\nexport DBT_ENV_SECRET_PASSWORD='two words' # no more\n");
    expect(taken()).toMatchObject({ port: 1, password: "two words" });
    expect(taken({ env })).toMatchObject({ port: 5433, password: "canary-password" });
  });

  it("tells which of its texts are secrets", () => {
    const outcome = read({ env });
    expect(outcome.kind === "found" && outcome.profile.secrets).toEqual(["canary-password"]);
  });

  it("is of the profile that the config names, where it names one", () => {
    expect(taken({ env, profile: "otter" })).toMatchInlineSnapshot(`
      "project/profiles.yml:1:1 error[profile-missing]: there is no profile "otter" in this file
          = allowed: bids, other
          = did you mean "other"?"
    `);
    expect(taken({ env, dbtTarget: "pord" })).toMatchInlineSnapshot(`
      "project/profiles.yml:4:3 error[profile-missing]: the profile "bids" has no target "pord"
        4 |   outputs:
          |   ^^^^^^^
          = allowed: dev, prod, broken
          = did you mean "prod"?"
    `);
  });
});

describe("what is wrong with a profile", () => {
  it("is told at its place, all at once, and of the taken output only", () => {
    write("project/profiles.yml", two);
    expect(taken()).toMatchInlineSnapshot(`
      "project/profiles.yml:8:17 error[missing-variable]: environment variable "PORT" is not set
        8 |       port: "{{ env_var('PORT') | as_number }}"
          |                 ^^^^^^^^^^^^^^^
          = set it, or give a default: env_var('PORT', '…')

      project/profiles.yml:10:21 error[missing-variable]: environment variable "DBT_ENV_SECRET_PASSWORD" is not set
        10 |       password: *{{ env_var('DBT_ENV_SECRET_PASSWORD') }}*
           |                     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = set it, or give a default: env_var('DBT_ENV_SECRET_PASSWORD', '…')"
    `);
  });

  it("is Jinja that is not read, with what is", () => {
    write(
      "project/profiles.yml",
      `bids:
  target: dev
  outputs:
    dev:
      type: postgres
      host: "{% if target.name == 'prod' %}a{% endif %}"
      password: "canary-{{ get_secret('canary') }}"
      token: "{{ env_var('NONE', 'canary') | b64encode }}"
      user: "{{ env_var('NONE') }"
`,
    );
    expect(taken()).toMatchInlineSnapshot(`
      "project/profiles.yml:6:14 error[unsupported-jinja]: Jinja statements ({% … %}) are not read here
        6 |       host: "{% if target.name == 'prod' %}a{% endif %}"
          |              ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
          = supported: {{ env_var('NAME') }}, {{ env_var('NAME', 'default') }}, {{ var('name') }}, the filters as_text, as_number, as_bool, as_native, int, float, string, trim, lower and upper, ~ between texts, and {# comments #}

      project/profiles.yml:7:25 error[unsupported-jinja]: Jinja that is not read here: "{{ get_secret('…') }}"
        7 |       password: ********{{ get_secret('******') }}*
          |                         ^^^^^^^^^^^^^^^^^^^^^^^^^^
          = supported: {{ env_var('NAME') }}, {{ env_var('NAME', 'default') }}, {{ var('name') }}, the filters as_text, as_number, as_bool, as_native, int, float, string, trim, lower and upper, ~ between texts, and {# comments #}

      project/profiles.yml:8:46 error[unsupported-jinja]: the filter "b64encode" is not known
        8 |       token: *{{ env_var('NONE', '******') | b64encode }}*
          |                                              ^^^^^^^^^
          = supported: {{ env_var('NAME') }}, {{ env_var('NAME', 'default') }}, {{ var('name') }}, the filters as_text, as_number, as_bool, as_native, int, float, string, trim, lower and upper, ~ between texts, and {# comments #}

      project/profiles.yml:9:14 error[unsupported-jinja]: Jinja that is not read here: "{{ env_var('…') }"
        9 |       user: "{{ env_var('NONE') }"
          |              ^^^^^^^^^^^^^^^^^^^^
          = supported: {{ env_var('NAME') }}, {{ env_var('NAME', 'default') }}, {{ var('name') }}, the filters as_text, as_number, as_bool, as_native, int, float, string, trim, lower and upper, ~ between texts, and {# comments #}"
    `);
  });

  it("shows no secret, even of a file that is no YAML", () => {
    write("project/profiles.yml", "bids:\n  outputs:\n    dev:\n      password: @canary-1\n      token: 'canary-2\n");
    const told = String(taken());
    expect(told).toContain("error[broken-yaml]");
    expect(told).not.toContain("canary");
    for (const value of ["*canary-4", "|canary-5", ">canary-6", "!e!canary-7", '"\\ucanary-8"', "]canary-9"]) {
      write("project/profiles.yml", `bids:\n  outputs:\n    dev:\n      password: ${value}\n`);
      const wrong = String(taken());
      expect(wrong).toMatch(/error\[(broken-yaml|unknown-alias)\]/);
      expect(wrong).not.toMatch(/cana/);
    }
    write("project/profiles.yml", "bids: { outputs: { default: { password: canary-3, host: '{{ x }}' } } }\n");
    const other = String(taken());
    expect(other).toContain("unsupported-jinja");
    expect(other).not.toContain("canary");
  });

  it("is no password that only looks like Jinja: dbt takes that as it stands", () => {
    write("project/profiles.yml", "bids: { outputs: { default: { password: 'a{{b', pass: 'x' } } }\n");
    expect(taken()).toEqual({ password: "a{{b", pass: "x" });
  });

  it("may be dbt_project.yml itself", () => {
    write("project/dbt_project.yml", "name: bids\n");
    expect(taken()).toContain("error[profile-missing]: dbt_project.yml names no profile");
    rmSync(join(folder, "project/dbt_project.yml"));
    expect(taken()).toBe("dbt's profile cannot be found out: there is no readable dbt_project.yml in /project");
  });
});
