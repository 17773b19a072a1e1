/**
 * What a dbt_project.yml says by itself: the `vars:`, which decide tests, and what `init` looks for. Everything else in that
 * file reaches us by the manifest.
 */
import { isMapping } from "./problems.js";
import { SourceText } from "./source-text.js";
import { readYaml } from "./yaml.js";

/** Null where there are none, and where the file cannot be read: dbt itself says what is wrong with it. */
export function projectVars(text: string): unknown {
  const reading = readYaml(new SourceText("dbt_project.yml", text));
  if (!reading.ok || typeof reading.value !== "object" || reading.value === null) return null;
  return Object.hasOwn(reading.value, "vars") ? (reading.value as { vars: unknown }).vars : null;
}

/** Null: the file does not say so. */
export interface ProjectFacts {
  readonly name: string | null;
  /** dbt's folder of artifacts. */
  readonly targetPath: string | null;
  readonly storesFailures: boolean | null;
  /** The custom schema of tests: dbt's default naming puts the target's own before it. */
  readonly testSchema: string | null;
}

/** Of tests as a whole, or of the project's own: not of single folders of them. */
export function projectFacts(text: string): ProjectFacts {
  const reading = readYaml(new SourceText("dbt_project.yml", text));
  const file = reading.ok && isMapping(reading.value) ? reading.value : {};
  const name = textOf(file.name);
  const tests = [file.data_tests, file.tests].filter(isMapping);
  const own = tests.map((section) => (name === null ? undefined : section[name])).filter(isMapping);
  const settings = (key: string): unknown =>
    [...own, ...tests].flatMap((section) => [section[`+${key}`], section[key]]).find((value) => value !== undefined);
  const stores = settings("store_failures");
  return {
    name,
    targetPath: textOf(file["target-path"]),
    storesFailures: typeof stores === "boolean" ? stores : null,
    testSchema: textOf(settings("schema")),
  };
}

/** Jinja in it is for dbt to resolve. */
function textOf(value: unknown): string | null {
  return typeof value === "string" && value !== "" && !value.includes("{{") ? value : null;
}
