/**
 * What `warehouse:` takes for Postgres, and how an output of dbt's profiles.yml becomes that. Knows no connection.
 */
import { isAbsolute, resolve } from "node:path";
import { z } from "zod";
import { failed, ok, type Result } from "../../model/result.js";

const text = z.string().min(1);

export const settings = z.strictObject({
  host: text.describe("Name or address of the server, or the folder of its Unix socket."),
  port: z.int().min(1).max(65_535).default(5432).describe("Port of the server."),
  user: text.describe("User to log in as."),
  password: text.optional().describe("Password, from a variable of the environment. Default: PGPASSWORD."),
  database: text.describe("Database; dbt calls it dbname."),
  schema: text.optional().describe("Schema that names without a schema are looked up in first."),
  searchPath: text.optional().describe("The session's search_path, as Postgres spells it; instead of schema."),
  role: text.optional().describe("Role to take for every query (SET ROLE), such as one that may only read."),
  sslmode: z
    .enum(["disable", "allow", "prefer", "require", "verify-ca", "verify-full"])
    .default("prefer")
    .describe("TLS as libpq understands it; only verify-full checks who answers."),
  sslrootcert: text.optional().describe("File with the certificates to trust, or `system`."),
  sslcert: text.optional().describe("File with the client's certificate."),
  sslkey: text.optional().describe("File with the client's key."),
  connectTimeout: z.int().min(1).max(600).default(10).describe("Seconds to wait for a connection."),
  keepalivesIdle: z.int().min(0).optional().describe("Seconds of silence before a keepalive is sent; 0: the system's."),
});

export type PostgresSettings = z.infer<typeof settings>;

/** Fields of dbt-postgres' outputs; what is not here (threads, retries) says nothing about reading. */
export function fromProfile(output: Readonly<Record<string, unknown>>, profileDir: string): Result<unknown> {
  const first = (...names: readonly string[]) => names.map((name) => output[name]).find((value) => isGiven(value));
  const file = (name: string) => {
    const value = output[name];
    return typeof value === "string" && value !== "" && value !== "system" ? inFolder(profileDir, value) : value;
  };
  const given = {
    host: first("host"),
    port: numeric(first("port")),
    user: textual(first("user")),
    password: textual(first("password", "pass")),
    database: textual(first("dbname", "database")),
    schema: textual(first("schema")),
    searchPath: first("search_path"),
    role: textual(first("role")),
    sslmode: first("sslmode"),
    sslrootcert: file("sslrootcert"),
    sslcert: file("sslcert"),
    sslkey: file("sslkey"),
    connectTimeout: numeric(first("connect_timeout")),
    keepalivesIdle: numeric(first("keepalives_idle")),
  };
  const named = Object.fromEntries(Object.entries(given).filter(([, value]) => isGiven(value)));
  const parsed = settings.partial().safeParse(named);
  if (parsed.success) return ok(named);
  const wrong = parsed.error.issues.map((issue) => `${profileName(String(issue.path[0] ?? ""))}: ${issue.message}`);
  return failed("profile-unsupported", `the profile's Postgres output cannot be used: ${wrong.join("; ")}`, {
    hint: "correct it in profiles.yml, or write `warehouse:` with `use: postgres` into audit.config.yaml",
  });
}

export function secrets({ password }: PostgresSettings): readonly string[] {
  return password === undefined ? [] : [password];
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null && value !== "";
}

/** env_var() gives text; `as_number` is often forgotten. */
function numeric(value: unknown): unknown {
  return typeof value === "string" && /^\d+$/.test(value) ? Number(value) : value;
}

/** An unquoted password or name of digits is a number in YAML. */
function textual(value: unknown): unknown {
  return typeof value === "number" ? String(value) : value;
}

function inFolder(folder: string, path: string): string {
  return isAbsolute(path) || path.startsWith("~/") ? path : resolve(folder, path);
}

const profileNames: Readonly<Record<string, string>> = {
  database: "dbname",
  searchPath: "search_path",
  connectTimeout: "connect_timeout",
  keepalivesIdle: "keepalives_idle",
};

function profileName(setting: string): string {
  return profileNames[setting] ?? setting;
}
