/**
 * Values as the driver gives them → exact text, in the same form as Snowflake's own casts under our session's parameters.
 * Knows no query.
 */
import type { Column as DriverColumn } from "snowflake-sdk";
import type { Cell, Column } from "../../model/warehouse.js";

/** Types that the driver is to leave as the text that came: as JavaScript's values they would lose digits or form. */
export const fetchedAsText = ["Number", "JSON", "OBJECT", "ARRAY", "MAP"] as unknown as ["Number", "JSON"];

/** Session parameters that decide how values look as text; fixed, since digests and evidence compare texts. */
export const textParameters: Readonly<Record<string, string>> = {
  TIMEZONE: "UTC",
  DATE_OUTPUT_FORMAT: "YYYY-MM-DD",
  TIME_OUTPUT_FORMAT: "HH24:MI:SS.FF9",
  TIMESTAMP_OUTPUT_FORMAT: "YYYY-MM-DD HH24:MI:SS.FF9",
  TIMESTAMP_NTZ_OUTPUT_FORMAT: "YYYY-MM-DD HH24:MI:SS.FF9",
  TIMESTAMP_LTZ_OUTPUT_FORMAT: "YYYY-MM-DD HH24:MI:SS.FF9 TZHTZM",
  TIMESTAMP_TZ_OUTPUT_FORMAT: "YYYY-MM-DD HH24:MI:SS.FF9 TZHTZM",
  BINARY_OUTPUT_FORMAT: "HEX",
};

/** What the driver adds to its dates: exact seconds, nanoseconds and the zone, which a JavaScript date has not. */
interface DriverDate extends Date {
  getEpochSeconds(): number;
  getNanoSeconds(): number;
  /** Minutes east of UTC for TIMESTAMP_TZ; a name otherwise. */
  getTimezone(): number | string;
}

export function cellText(value: unknown, column: DriverColumn): Cell {
  if (value === null || value === undefined) return null;
  if (typeof value === "string") return value;
  if (typeof value === "boolean") return value ? "true" : "false";
  if (Buffer.isBuffer(value)) return value.toString("hex").toUpperCase();
  if (value instanceof Date && "getEpochSeconds" in value) return dateText(value as DriverDate, column);
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

function dateText(value: DriverDate, column: DriverColumn): string {
  const seconds = value.getEpochSeconds();
  if (column.isDate()) return wallClock(seconds).slice(0, -9);
  const fraction = String(value.getNanoSeconds()).padStart(9, "0");
  if (column.isTimestampNtz()) return `${wallClock(seconds)}.${fraction}`;
  const zone = value.getTimezone();
  const minutes = typeof zone === "number" ? zone : 0;
  const offset = `${pad(Math.floor(Math.abs(minutes) / 60))}${pad(Math.abs(minutes) % 60)}`;
  return `${wallClock(seconds + minutes * 60)}.${fraction} ${minutes < 0 ? "-" : "+"}${offset}`;
}

/** `2026-01-31 13:00:00` of seconds since 1970. */
function wallClock(seconds: number): string {
  return new Date(seconds * 1_000).toISOString().slice(0, -5).replace("T", " ");
}

function pad(number: number): string {
  return String(number).padStart(2, "0");
}

/** As `describe table` writes it. */
export function columnOf(column: DriverColumn): Column {
  return { name: column.getName(), type: typeText(column) };
}

function typeText(column: DriverColumn): string {
  const type = column.getType().toUpperCase();
  if (type === "FIXED") return `NUMBER(${column.getPrecision() ?? 38},${column.getScale() ?? 0})`;
  if (type === "REAL") return "FLOAT";
  if (type === "TEXT") return "VARCHAR";
  return type;
}
