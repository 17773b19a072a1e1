/** From a raw value of the groupBy column to a Group with a key that no other value can have. */
import type { Group } from "./case.js";

/** `null` is SQL NULL. See Group for the form of the key. */
export function groupOf(raw: string | null): Group {
  if (raw === null) return { kind: "null", key: "(null)", value: null };
  if (raw === "") return { kind: "empty", key: "(empty)", value: "" };
  return { kind: "value", key: /^[("]/.test(raw) ? JSON.stringify(raw) : raw, value: raw };
}

/** The group of a test that could not be split. */
export const allRows: Group = { kind: "all", key: "(all)", value: null };
