/**
 * Named connections in files of Snowflake's tools: connections.toml, and config.toml beside it. Where they are and which one
 * is meant follows Snowflake's own rules. The only home of the TOML parser; what a field means is the adapter's to say.
 */
import { statSync } from "node:fs";
import { join, relative } from "node:path";
import type { Diagnostic } from "../model/diagnostic.js";
import { closest } from "../support/suggest.js";
import { readTextFile } from "./files.js";
import { isMapping, quoted } from "./problems.js";
import { isSecretField, maskedLine } from "./secret-fields.js";
import { type Finding, SourceText } from "./source-text.js";

export interface ConnectionRequest {
  /** `default`: the one that is the default there. */
  readonly name: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly homeDir: string;
  readonly platform: NodeJS.Platform;
  /** Diagnostics name files relative to it. */
  readonly cwd: string;
}

export interface NamedConnection {
  /** Absolute. */
  readonly file: string;
  readonly name: string;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly secrets: readonly string[];
  at(field: string | null, finding: Finding): Diagnostic;
  readonly warnings: readonly Diagnostic[];
}

export interface ConnectionInputs {
  readonly files: readonly string[];
  readonly variables: ReadonlyMap<string, string | null>;
}

export type ConnectionOutcome = ConnectionInputs &
  (
    | { readonly kind: "found"; readonly connection: NamedConnection }
    | { readonly kind: "missing"; readonly why: string; readonly hint: string }
    | { readonly kind: "wrong"; readonly diagnostics: readonly Diagnostic[] }
  );

interface TomlFile {
  readonly path: string;
  readonly source: SourceText;
  /** By name. */
  readonly connections: Readonly<Record<string, unknown>>;
  readonly defaultName: string | null;
}

export async function readConnection(request: ConnectionRequest): Promise<ConnectionOutcome> {
  const files: string[] = [];
  const variables = new Map<string, string | null>();
  const variable = (name: string): string | null => {
    const value = request.env[name] ?? null;
    variables.set(name, value);
    return value === "" ? null : value;
  };
  const folders = connectionFolders(request, variable);
  const read: TomlFile[] = [];
  for (const folder of folders) {
    for (const name of ["connections.toml", "config.toml"]) {
      const path = join(folder, name);
      files.push(path);
      const file = await readToml(path, request.cwd);
      if (file !== null && "diagnostic" in file) {
        return { kind: "wrong", diagnostics: [file.diagnostic], files, variables };
      }
      if (file !== null) read.push(file);
    }
    // The first folder with any of them is the one.
    if (read.length > 0) break;
  }
  if (read.length === 0) {
    const why = `there is no file with the connection ${quoted(request.name)}: looked for ${files.join(", ")}`;
    return { kind: "missing", why, hint: "SNOWFLAKE_HOME names its folder", files, variables };
  }
  const fallback = variable("SNOWFLAKE_DEFAULT_CONNECTION_NAME") ?? read.find((one) => one.defaultName)?.defaultName;
  const name = request.name === "default" ? (fallback ?? "default") : request.name;
  const holder = read.find(({ connections }) => Object.hasOwn(connections, name));
  if (holder === undefined) {
    const names = read.flatMap(({ connections }) => Object.keys(connections));
    const didYouMean = closest(name, names);
    const finding: Finding = {
      ...{
        severity: "error",
        code: "connection-missing",
        message: `there is no connection ${quoted(name)} in this file`,
      },
      ...(names.length === 0 ? {} : { allowed: names }),
      ...(didYouMean === undefined ? {} : { didYouMean }),
    };
    const diagnostics = read.slice(0, 1).map(({ source }) => source.diagnostic([0, 1], finding));
    return { kind: "wrong", diagnostics: diagnostics.map(masked), files, variables };
  }
  return { kind: "found", connection: connectionIn(holder, name, request.env, variable), files, variables };
}

/** Snowflake's own order: SNOWFLAKE_HOME, ~/.snowflake, and where the system keeps settings of programs. */
function connectionFolders(
  { homeDir, platform }: ConnectionRequest,
  variable: (name: string) => string | null,
): readonly string[] {
  const named = variable("SNOWFLAKE_HOME");
  if (named !== null) return [named.replace(/^~(?=\/|$)/, homeDir)];
  const ofSystem =
    platform === "darwin"
      ? join(homeDir, "Library", "Application Support", "snowflake")
      : join(variable("XDG_CONFIG_HOME") ?? join(homeDir, ".config"), "snowflake");
  return [join(homeDir, ".snowflake"), ofSystem];
}

async function readToml(path: string, cwd: string): Promise<TomlFile | { readonly diagnostic: Diagnostic } | null> {
  const reading = readTextFile(path);
  if (reading.kind === "absent") return null;
  const source = new SourceText(relative(cwd, path), reading.kind === "text" ? reading.text : "");
  const refuse = (offset: number, code: string, message: string) => ({
    diagnostic: masked(source.diagnostic([offset, offset + 1], { severity: "error", code, message })),
  });
  if (reading.kind === "unreadable") return refuse(0, "unreadable", `the file cannot be read: ${reading.reason}`);
  const { parse, TomlError } = await import("smol-toml");
  try {
    const value: Readonly<Record<string, unknown>> = parse(reading.text);
    if (path.endsWith("connections.toml")) return { path, source, connections: value, defaultName: null };
    const { connections, default_connection_name: name } = value;
    return {
      ...{ path, source, connections: isMapping(connections) ? connections : {} },
      defaultName: typeof name === "string" && name !== "" ? name : null,
    };
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const lines = reading.text.split("\n").slice(0, error.line - 1);
    const offset = lines.reduce((sum, line) => sum + line.length + 1, 0) + error.column - 1;
    // Its message goes on with the lines around, secrets and all.
    const said = /^Invalid TOML document: (.*)/.exec(error.message)?.[1] ?? "it cannot be read";
    return refuse(offset, "broken-toml", `this is not valid TOML: ${said.replaceAll(/(["'`]).*\1/g, "…")}`);
  }
}

function connectionIn(
  file: TomlFile,
  name: string,
  env: ConnectionRequest["env"],
  variable: (name: string) => string | null,
): NamedConnection {
  const { source, path, connections } = file;
  const written = connections[name];
  const fields: Record<string, unknown> = isMapping(written) ? { ...written } : {};
  const [start, end] = headerOf(source.text, name);
  // Snowflake's own command line takes these over those of the file.
  const prefix = `SNOWFLAKE_CONNECTIONS_${name.toUpperCase()}_`;
  const fromEnv = Object.keys(env).filter((name) => name.startsWith(prefix));
  for (const name of new Set([...fromEnv, `${prefix}PASSWORD`])) {
    const value = variable(name);
    if (value !== null) fields[name.slice(prefix.length).toLowerCase()] = value;
  }
  const secrets = Object.entries(fields).flatMap(([field, value]) =>
    isSecretField(field) && typeof value === "string" ? [value] : [],
  );
  const at = (field: string | null, finding: Finding): Diagnostic => {
    const found = field === null ? -1 : source.text.slice(end).search(new RegExp(`^\\s*["']?${field}["']?\\s*=`, "m"));
    const next = source.text.slice(end).search(/^\s*\[/m);
    const isInside = found >= 0 && (next < 0 || found < next) && field !== null;
    const from = isInside ? source.text.indexOf(field, end + found) : start;
    return masked(source.diagnostic([from, isInside ? from + field.length : end], finding));
  };
  return { file: path, name, fields, secrets, at, warnings: openToOthers(path, source) };
}

/** Span of `[name]` or `[connections.name]`; of the file's first character where the table is written in another way. */
function headerOf(text: string, name: string): readonly [number, number] {
  const escaped = name.replaceAll(/[.*+?^${}()|[\]\\/-]/g, "\\$&");
  const found = new RegExp(`^[ \\t]*\\[(?:connections\\.)?["']?${escaped}["']?\\]`, "m").exec(text);
  return found === null ? [0, 0] : [found.index, found.index + found[0].length];
}

function openToOthers(path: string, source: SourceText): readonly Diagnostic[] {
  if (process.platform === "win32" || (statSync(path).mode & 0o044) === 0) return [];
  const message = "others on this machine can read this file, which holds credentials";
  const finding: Finding = { severity: "warning", code: "open-to-others", message, hint: `chmod 0600 '${path}'` };
  return [masked(source.diagnostic([0, 1], finding))];
}

function masked(diagnostic: Diagnostic): Diagnostic {
  return { ...diagnostic, sourceLine: maskedLine(diagnostic.sourceLine) };
}
