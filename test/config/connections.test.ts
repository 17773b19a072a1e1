import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type ConnectionRequest, readConnection } from "../../src/config/connections.js";
import { renderDiagnostics } from "../../src/support/render-diagnostics.js";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "audit-run-connections-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function write(path: string, text: string, mode = 0o600): void {
  const file = join(folder, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  chmodSync(file, mode);
}

async function read(name: string, changes: Partial<ConnectionRequest> = {}) {
  const request = { name, env: {}, homeDir: join(folder, "home"), platform: "linux" as const, cwd: folder };
  return readConnection({ ...request, ...changes });
}

/** The connection's fields, or what a user is told. */
async function fields(name: string, changes: Partial<ConnectionRequest> = {}): Promise<unknown> {
  const outcome = await read(name, changes);
  if (outcome.kind === "found") return outcome.connection.fields;
  if (outcome.kind === "missing") return outcome.why.replaceAll(folder, "");
  return renderDiagnostics(outcome.diagnostics, { color: false });
}

describe("a connection by its name", () => {
  it("is looked for where Snowflake's tools look, connections.toml before config.toml", async () => {
    expect(await fields("dev")).toBe(
      'there is no file with the connection "dev": looked for /home/.snowflake/connections.toml, ' +
        "/home/.snowflake/config.toml, /home/.config/snowflake/connections.toml, /home/.config/snowflake/config.toml",
    );
    write("home/.config/snowflake/config.toml", '[connections.dev]\naccount = "xdg"\n');
    expect(await fields("dev")).toEqual({ account: "xdg" });
    write("home/Library/Application Support/snowflake/connections.toml", '[dev]\naccount = "mac"\n');
    expect(await fields("dev", { platform: "darwin" })).toEqual({ account: "mac" });
    write("home/.snowflake/config.toml", '[connections.dev]\naccount = "config"\n[connections.only]\nport = 1\n');
    expect(await fields("dev")).toEqual({ account: "config" });
    write("home/.snowflake/connections.toml", '[dev]\naccount = "own"\n');
    expect(await fields("dev")).toEqual({ account: "own" });
    expect(await fields("only")).toEqual({ port: 1 });
    write("elsewhere/connections.toml", '[dev]\naccount = "named"\n');
    expect(await fields("dev", { env: { SNOWFLAKE_HOME: join(folder, "elsewhere") } })).toEqual({ account: "named" });
  });

  it("may be the default one: of the variable, of config.toml, or the one named default", async () => {
    write(
      "home/.snowflake/connections.toml",
      '[default]\naccount = "d"\n[dev]\naccount = "e"\n[prod]\naccount = "p"\n',
    );
    expect(await fields("default")).toEqual({ account: "d" });
    write("home/.snowflake/config.toml", 'default_connection_name = "dev"\n');
    expect(await fields("default")).toEqual({ account: "e" });
    expect(await fields("default", { env: { SNOWFLAKE_DEFAULT_CONNECTION_NAME: "prod" } })).toEqual({ account: "p" });
  });

  it("has fields of the environment over those of the file", async () => {
    write("home/.snowflake/connections.toml", '[dev]\naccount = "a"\nuser = "u"\n');
    const env = { SNOWFLAKE_CONNECTIONS_DEV_PASSWORD: "canary", SNOWFLAKE_CONNECTIONS_DEV_USER: "me" };
    expect(await fields("dev", { env })).toEqual({ account: "a", user: "me", password: "canary" });
    const outcome = await read("dev", { env });
    expect(outcome.variables.get("SNOWFLAKE_CONNECTIONS_DEV_PASSWORD")).toBe("canary");
    expect((await read("dev")).variables.get("SNOWFLAKE_CONNECTIONS_DEV_PASSWORD")).toBeNull();
    expect(outcome.kind === "found" && outcome.connection.secrets).toEqual(["canary"]);
  });

  it("is warned of where others can read the file", async () => {
    write("home/.snowflake/connections.toml", '[dev]\npassword = "canary"\n', 0o644);
    const outcome = await read("dev");
    const told = outcome.kind === "found" ? renderDiagnostics(outcome.connection.warnings, { color: false }) : "";
    expect(told.replaceAll(folder, "")).toMatchInlineSnapshot(`
      "home/.snowflake/connections.toml:1:1 warning[open-to-others]: others on this machine can read this file, which holds credentials
        1 | [dev]
          | ^
          = chmod 0600 '/home/.snowflake/connections.toml'"
    `);
  });

  it("that is not there is told with those that are", async () => {
    write("home/.snowflake/connections.toml", '[dev]\npassword = "canary"\n["pr od"]\n');
    expect(await fields("dew")).toMatchInlineSnapshot(`
      "home/.snowflake/connections.toml:1:1 error[connection-missing]: there is no connection "dew" in this file
        1 | [dev]
          | ^
          = allowed: dev, pr od
          = did you mean "dev"?"
    `);
  });

  it("is told of at its field, and no secret is shown", async () => {
    write(
      "home/.snowflake/connections.toml",
      '[other]\nuser = 1\n[dev]\npassword = "canary"\nuser = 7\n[last]\nrole = 1\n',
    );
    const outcome = await read("dev");
    if (outcome.kind !== "found") throw new Error("BUG: it is there");
    const finding = { severity: "error", code: "wrong-type", message: "what" } as const;
    const places = ["user", "password", "role", null].map((field) => outcome.connection.at(field, finding));
    expect(places.map(({ line, column, length }) => [line, column, length])).toEqual([
      [5, 1, 4],
      [4, 1, 8],
      [3, 1, 5],
      [3, 1, 5],
    ]);
    expect(JSON.stringify(places)).not.toContain("canary");
  });

  it("of a file that is no TOML is told with the place and without its text", async () => {
    write("home/.snowflake/connections.toml", '[dev]\npassword = "canary\nuser = "me"\n');
    const told = String(await fields("dev"));
    expect(told).toMatch(/^home\/\.snowflake\/connections\.toml:2:\d+ error\[broken-toml\]: this is not valid TOML/);
    expect(told).not.toContain("canary");
  });
});
