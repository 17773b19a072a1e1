/**
 * The `vars:` of a dbt_project.yml: part of what decides a test. Everything else in that file reaches us by the manifest.
 */
import { SourceText } from "./source-text.js";
import { readYaml } from "./yaml.js";

/** Null where there are none, and where the file cannot be read: dbt itself says what is wrong with it. */
export function projectVars(text: string): unknown {
  const reading = readYaml(new SourceText("dbt_project.yml", text));
  if (!reading.ok || typeof reading.value !== "object" || reading.value === null) return null;
  return Object.hasOwn(reading.value, "vars") ? (reading.value as { vars: unknown }).vars : null;
}
