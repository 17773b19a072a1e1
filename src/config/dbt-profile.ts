/**
 * The one output of dbt's profiles.yml that dbt itself would take, with its Jinja resolved: where the credentials are already.
 * Follows dbt's own search. Knows no warehouse; what a field means is its adapter's to say.
 */
import { join, relative, resolve } from "node:path";
import type { Diagnostic } from "../model/diagnostic.js";
import { closest } from "../support/suggest.js";
import { renderJinja } from "./jinja.js";
import { isMapping, quoted } from "./problems.js";
import { type ProfileRequest, ProfileSearch } from "./profile-search.js";
import { isSecretField, maskedLine } from "./secret-fields.js";
import { type Finding, type Path, type Places, SourceText } from "./source-text.js";
import { readYaml } from "./yaml.js";

export interface DbtProfile {
  /** Absolute path of profiles.yml. */
  readonly file: string;
  readonly name: string;
  readonly target: string;
  readonly output: Readonly<Record<string, unknown>>;
  /** Texts of its fields that hold secrets. */
  readonly secrets: readonly string[];
  /** A diagnostic at a field, or where there is none at the output. */
  at(field: string | null, finding: Finding): Diagnostic;
}

/** What was looked at, found or not: where it changes, so may the outcome. */
export interface ProfileInputs {
  readonly files: readonly string[];
  /** Of the environment; null: not set. */
  readonly variables: ReadonlyMap<string, string | null>;
}

export type ProfileOutcome = ProfileInputs &
  (
    | { readonly kind: "found"; readonly profile: DbtProfile }
    /** Without a diagnostic there is no profile at all, and `why` says so. */
    | { readonly kind: "missing"; readonly why: string; readonly hint: string }
    | { readonly kind: "wrong"; readonly diagnostics: readonly Diagnostic[] }
  );

type Step<Value> = { readonly ok: true; readonly value: Value } | { readonly ok: false; readonly end: End };
type End =
  | { readonly kind: "missing"; readonly why: string; readonly hint: string }
  | { readonly kind: "wrong"; readonly diagnostics: readonly Diagnostic[] };

export function readDbtProfile(request: ProfileRequest): ProfileOutcome {
  const search = new ProfileSearch(request);
  const found = findProfile(search);
  const inputs = { files: [...search.files], variables: search.variables };
  return found.ok ? { ...inputs, kind: "found", profile: found.value } : { ...inputs, ...found.end };
}

function findProfile(search: ProfileSearch): Step<DbtProfile> {
  const name = profileName(search);
  if (!name.ok) return name;
  const file = profilesFile(search);
  if (!file.ok) return file;
  const read = readFile(search, file.value);
  if (!read.ok) return read;
  const { source, value, places } = read.value;
  const document: ProfilesFile = { search, source, places, path: file.value };

  const profiles = isMapping(value) ? value : {};
  const names = Object.keys(profiles).filter((one) => one !== "config");
  const profile = Object.hasOwn(profiles, name.value) ? profiles[name.value] : undefined;
  if (!isMapping(profile)) {
    const message = `there is no profile ${quoted(name.value)} in this file`;
    return wrong(document.source, [0, 1], notAmong("profile-missing", message, name.value, names));
  }
  const target = targetName(document, name.value, profile);
  return target.ok ? resolveOutput(document, name.value, profile, target.value) : target;
}

interface ProfilesFile {
  readonly search: ProfileSearch;
  readonly source: SourceText;
  readonly places: Places;
  /** Absolute. */
  readonly path: string;
}

/** dbt's --profile, or what dbt_project.yml names. */
function profileName(search: ProfileSearch): Step<string> {
  const given = search.request.profile ?? search.option("PROFILE");
  if (given !== null) return { ok: true, value: given };
  const file = join(search.request.projectDir, "dbt_project.yml");
  const reading = search.read(file);
  if (reading.kind !== "text") {
    const why = `dbt's profile cannot be found out: there is no readable dbt_project.yml in ${search.request.projectDir}`;
    return { ok: false, end: { kind: "missing", why, hint: "check `repos.dbt.path` and `repos.dbt.dir`" } };
  }
  const read = readFile(search, file);
  if (!read.ok) return read;
  const { value, source, places } = read.value;
  const written = isMapping(value) ? value.profile : undefined;
  if (typeof written !== "string" || written === "") {
    const message = "dbt_project.yml names no profile";
    return wrong(source, [0, 1], {
      severity: "error",
      code: "profile-missing",
      message,
      hint: "write `profile: NAME`",
    });
  }
  const name = render({ search, source, places, path: file }, ["profile"], written);
  return name.ok ? { ok: true, value: String(name.value) } : name;
}

function profilesFile(search: ProfileSearch): Step<string> {
  const { profilesDir, startDir, projectDir, homeDir } = search.request;
  const named = profilesDir ?? search.option("PROFILES_DIR");
  const folders = named !== null ? [resolve(startDir, named)] : [startDir, projectDir, join(homeDir, ".dbt")];
  const paths = [...new Set(folders)].map((folder) => join(folder, "profiles.yml"));
  const found = paths.find((path) => search.read(path).kind !== "absent");
  if (found !== undefined) return { ok: true, value: found };
  const why = `there is no profiles.yml of dbt: looked for ${paths.join(", ")}`;
  const hint = "`repos.dbt.profilesDir` names its folder; or say under `warehouse` how to get in";
  return { ok: false, end: { kind: "missing", why, hint } };
}

/** As dbt: of the command line, else the profile's own, which may be Jinja, else `default`. */
function targetName(file: ProfilesFile, name: string, profile: Readonly<Record<string, unknown>>): Step<string> {
  const given = file.search.request.dbtTarget ?? file.search.option("TARGET");
  if (given !== null) return { ok: true, value: given };
  if (profile.target === undefined || profile.target === null) return { ok: true, value: "default" };
  const rendered = render(file, [name, "target"], profile.target);
  return rendered.ok ? { ok: true, value: String(rendered.value) } : rendered;
}

function resolveOutput(
  file: ProfilesFile,
  name: string,
  profile: Readonly<Record<string, unknown>>,
  target: string,
): Step<DbtProfile> {
  const { source, places } = file;
  const outputs = isMapping(profile.outputs) ? profile.outputs : {};
  const output = Object.hasOwn(outputs, target) ? outputs[target] : undefined;
  if (!isMapping(output)) {
    const message = `the profile ${quoted(name)} has no target ${quoted(target)}`;
    const finding = notAmong("profile-missing", message, target, Object.keys(outputs));
    const at: Path = profile.outputs === undefined ? [name] : [name, "outputs"];
    return wrong(source, places.key(at), finding);
  }
  const at: Path = [name, "outputs", target];
  const diagnostics: Diagnostic[] = [];
  const secrets = new Set<string>();
  const walk = (value: unknown, path: Path): unknown => {
    if (Array.isArray(value)) return value.map((item, index) => walk(item, [...path, index]));
    if (isMapping(value)) {
      return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, walk(item, [...path, key])]));
    }
    const rendered = render(file, path, value);
    if (!rendered.ok) {
      if (rendered.end.kind === "wrong") diagnostics.push(...rendered.end.diagnostics);
      return value;
    }
    const isSecret = path.slice(at.length).some((step) => typeof step === "string" && isSecretField(step));
    if (isSecret && rendered.value !== null && rendered.value !== undefined) secrets.add(String(rendered.value));
    return rendered.value;
  };
  const resolved = walk(output, at) as Readonly<Record<string, unknown>>;
  if (diagnostics.length > 0) return { ok: false, end: { kind: "wrong", diagnostics } };
  for (const value of file.search.secrets) secrets.add(value);
  const place = (field: string | null) =>
    field !== null && Object.hasOwn(output, field) ? places.value([...at, field]) : places.key(at);
  return {
    ok: true,
    value: {
      file: file.path,
      name,
      target,
      output: resolved,
      secrets: [...secrets],
      at: (field, finding) => masked(source.diagnostic(place(field), finding)),
    },
  };
}

function render({ search, source, places }: ProfilesFile, path: Path, value: unknown): Step<unknown> {
  if (value instanceof Date) return { ok: true, value: value.toISOString() };
  if (typeof value !== "string") return { ok: true, value };
  const rendered = renderJinja(value, search.context);
  if ("value" in rendered) return { ok: true, value: rendered.value };
  const { start, end, ...problem } = rendered.problem;
  // dbt takes a password with Jinja's signs in it as it stands, where it is no Jinja.
  if (problem.code === "broken-jinja" && path.includes("password")) return { ok: true, value };
  const [from, to] = places.value(path);
  // Escapes and folded lines move what follows them: then all of the value is underlined.
  const within = source.text.slice(from, to).indexOf(value.slice(start, end));
  const span = within < 0 ? ([from, to] as const) : ([from + within, from + within + end - start] as const);
  return wrong(source, span, { severity: "error", ...problem });
}

interface ReadFile {
  readonly source: SourceText;
  readonly value: unknown;
  readonly places: Places;
}

function readFile(search: ProfileSearch, path: string): Step<ReadFile> {
  const shown = relative(search.request.cwd, path);
  const reading = search.read(path);
  const source = new SourceText(shown, reading.kind === "text" ? reading.text : "");
  if (reading.kind !== "text") {
    const why = reading.kind === "absent" ? "does not exist" : `cannot be read: ${reading.reason}`;
    return wrong(source, [0, 1], { severity: "error", code: "unreadable", message: `the file ${why}` });
  }
  const yaml = readYaml(source, "python");
  if (yaml.ok) return { ok: true, value: { source, value: yaml.value, places: yaml.places } };
  return { ok: false, end: { kind: "wrong", diagnostics: yaml.diagnostics.map(masked) } };
}

function notAmong(code: string, message: string, name: string, allowed: readonly string[]): Finding {
  const didYouMean = closest(name, allowed);
  return {
    ...{ severity: "error", code, message },
    ...(allowed.length === 0 ? {} : { allowed }),
    ...(didYouMean === undefined ? {} : { didYouMean }),
  };
}

function wrong(source: SourceText, span: readonly [number, number], finding: Finding): Step<never> {
  return { ok: false, end: { kind: "wrong", diagnostics: [masked(source.diagnostic(span, finding))] } };
}

function masked(diagnostic: Diagnostic): Diagnostic {
  return { ...diagnostic, sourceLine: maskedLine(diagnostic.sourceLine) };
}
