/** Tolerant looks into JSON of any shape: what is not there, or not of the kind asked for, is null or empty. */
import { isAbsolute } from "node:path/posix";

export type Json = Readonly<Record<string, unknown>>;

export function objectAt(value: unknown, key: string): Json {
  return asObject(isObject(value) && Object.hasOwn(value, key) ? value[key] : null);
}

export function asObject(value: unknown): Json {
  return isObject(value) ? value : {};
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function textAt(value: Json, key: string): string | null {
  const item = Object.hasOwn(value, key) ? value[key] : null;
  return typeof item === "string" && item !== "" ? item : null;
}

export function numberAt(value: Json, key: string): number | null {
  const item = Object.hasOwn(value, key) ? value[key] : null;
  return typeof item === "number" && Number.isFinite(item) ? item : null;
}

export function textsAt(value: Json, key: string): readonly string[] {
  const item = Object.hasOwn(value, key) ? value[key] : null;
  return Array.isArray(item) ? item.filter((entry): entry is string => typeof entry === "string") : [];
}

/** A path inside the project with forward slashes; null for one that leads out of it. */
export function innerPath(path: string | null): string | null {
  if (path === null) return null;
  const forward = path.replaceAll("\\", "/");
  if (isAbsolute(forward) || /^[A-Za-z]:/.test(forward) || forward.split("/").includes("..")) return null;
  return forward;
}
