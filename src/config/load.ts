/**
 * audit.config.yaml → Config, or every mistake in it at once, by place. Reads no file itself and prints nothing.
 */
import { dirname, relative } from "node:path";
import type { AdapterSettings, Config } from "../model/config.js";
import type { Diagnostic } from "../model/diagnostic.js";
import { type CompleteSections, crossChecks, type Sections } from "./checks.js";
import { type DiskContext, diskChecks } from "./disk-checks.js";
import type { ConfigFiles } from "./files.js";
import { located } from "./locate.js";
import {
  check,
  isMapping,
  type Problem,
  pathText,
  problem,
  quoted,
  unknownKey,
  valueAt,
  type Written,
  withoutEchoes,
} from "./problems.js";
import { resolveConfig } from "./resolve.js";
import { configSections } from "./schema.js";
import { isSecretField, maskedLine } from "./secret-fields.js";
import { type Path, SourceText, sorted } from "./source-text.js";
import { substituteVariables, type VariableProblem } from "./variables.js";
import { readYaml } from "./yaml.js";

export interface ConfigInput {
  /** Absolute path of the config. */
  readonly file: string;
  readonly text: string;
  readonly adapters: AdapterSettings;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly homeDir: string;
  /** Diagnostics name the file relative to it. */
  readonly cwd: string;
  readonly files: ConfigFiles;
}

export type ConfigOutcome =
  | {
      readonly config: Config;
      readonly warnings: readonly Diagnostic[];
      /** Environment variables that the file refers to, with their values: material for a redactor, not for printing. */
      readonly variables: ReadonlyMap<string, string>;
      /** Values of those that may be secret. */
      readonly secrets: readonly string[];
      /** Diagnostics for what turns out to be wrong later. */
      readonly locate: (problems: readonly Problem[]) => readonly Diagnostic[];
    }
  /** At least one error; warnings stand among them. Sorted by place. */
  | { readonly diagnostics: readonly Diagnostic[] };

export function loadConfig(input: ConfigInput): ConfigOutcome {
  const source = new SourceText(relative(input.cwd, input.file), input.text);
  const reading = readYaml(source);
  if (!reading.ok) return { diagnostics: sorted(reading.diagnostics).map(masked) };

  const { value, used, uses, problems: variableProblems } = substituteVariables(reading.value, input.env);
  const written = { value: reading.value, text: reading.places.written };
  const { sections, problems } = checkSections(value, written, input.adapters);
  const context: DiskContext = {
    baseDir: dirname(input.file),
    homeDir: input.homeDir,
    value,
    written: reading.value,
    files: input.files,
  };
  const all = [...problems, ...crossChecks(sections, context), ...diskChecks(context)];
  const diagnostics = sorted(
    [
      ...reading.diagnostics,
      ...located(variableProblems.map(variableProblem), source, reading.places),
      ...located(withoutConsequences(all, variableProblems), source, reading.places).map((one) =>
        withoutValues(one, used),
      ),
    ].map(masked),
  );
  if (diagnostics.some(({ severity }) => severity === "error")) return { diagnostics };
  // No error: each section has passed its schema, so that none is missing.
  const config = resolveConfig(sections as CompleteSections, {
    ...context,
    file: input.file,
    adapters: input.adapters,
  });
  const locate = (found: readonly Problem[]) =>
    located(found, source, reading.places).map((one) => masked(withoutValues(one, used)));
  const secrets = [...used].flatMap(([name, secret]) => (isOpen(name, uses.get(name) ?? []) ? [] : [secret]));
  return { config, warnings: diagnostics, variables: used, secrets, locate };
}

/** Checks every top-level key by itself: a broken one hides no other. */
function checkSections(
  value: unknown,
  written: Written,
  adapters: AdapterSettings,
): { readonly sections: Sections; readonly problems: readonly Problem[] } {
  if (!isMapping(value)) {
    const message = value === null ? "the file is empty" : "the file must be a mapping (key: value)";
    const hint = "it starts with `version: 1`";
    return { sections: {}, problems: [problem([], value === null ? "empty-file" : "wrong-type", message, { hint })] };
  }
  const schemas = configSections(adapters);
  const names = Object.keys(schemas);
  const unknown = Object.keys(value)
    .filter((key) => !Object.hasOwn(schemas, key))
    .map((key) => unknownKey([], key, names, value));
  const sections: Record<string, unknown> = {};
  const problems = [...unknown];
  for (const [key, schema] of Object.entries(schemas)) {
    const outcome = check<unknown>(schema, valueAt(value, [key]), [key], written);
    if ("value" in outcome) sections[key] = outcome.value;
    else problems.push(...outcome.problems.map(withAdapterHint));
  }
  return { sections: sections as Sections, problems: withoutEchoes(problems) };
}

/** `agent: lineage` looks right and is not. */
function withAdapterHint(one: Problem): Problem {
  const [key] = one.path;
  const isBlock = one.path.length === 1 && (key === "agent" || key === "warehouse");
  if (!isBlock || one.finding.code !== "wrong-type") return one;
  return { ...one, finding: { ...one.finding, hint: `write it as ${key}: { use: … }` } };
}

function variableProblem({ path, reference, kind, name }: VariableProblem): Problem {
  if (kind === "missing") {
    const hint = `set it, or write $${reference} for the plain text ${reference}`;
    return problem(path, "missing-variable", `environment variable ${quoted(name)} is not set`, { hint });
  }
  const hint = `a reference is \${NAME}; write $${"${"} for a plain ${"${"}`;
  return problem(path, "bad-variable", `${quoted(reference)} is no reference to an environment variable`, { hint });
}

/**
 * What is wrong with a value only because its variable was not there is no mistake of its own;
 * a merge key was reported by the YAML reader.
 */
function withoutConsequences(problems: readonly Problem[], causes: readonly VariableProblem[]): readonly Problem[] {
  const unresolved = new Set(causes.map(({ path }) => pathText(path)));
  return problems.filter(({ path }) => !unresolved.has(pathText(path)) && path.at(-1) !== "<<");
}

/**
 * Only what says where a warehouse is and as whom it is read, by a name that sounds like it: a GRANT that names no role is of
 * no use to anybody. Any other variable may be a secret.
 */
function isOpen(name: string, paths: readonly Path[]): boolean {
  const sounds = /pass|pwd|secret|token|key|auth|credential|private|login/i.test(name);
  const isPlace = ([section, field, ...rest]: Path) =>
    section === "warehouse" && rest.length === 0 && !isSecretField(String(field));
  return !sounds && paths.every(isPlace);
}

/** A password that somebody has written into the file is not for a log of CI. */
function masked(diagnostic: Diagnostic): Diagnostic {
  return { ...diagnostic, sourceLine: maskedLine(diagnostic.sourceLine) };
}

/** A message that an adapter wrote may quote its value, and that may be a variable's. */
function withoutValues(diagnostic: Diagnostic, used: ReadonlyMap<string, string>): Diagnostic {
  if (diagnostic.code !== "invalid" && diagnostic.code !== "bad-format") return diagnostic;
  let message = diagnostic.message;
  for (const [name, value] of used) if (value !== "") message = message.replaceAll(value, () => `\${${name}}`);
  return { ...diagnostic, message };
}
