/**
 * What zod says of a value → problems in the words of a person who wrote YAML.
 * Quotes values as they were written, never as the environment filled them in. Knows no key of the config by name.
 */
import type { z } from "zod";
import { closest } from "../support/suggest.js";
import { isSecretField } from "./secret-fields.js";
import type { Finding, Path } from "./source-text.js";

/** A finding at a path; `part` says what of it is underlined. */
export interface Problem {
  readonly path: Path;
  readonly part: "key" | "value";
  readonly finding: Finding;
}

/** The value as the user wrote it, before substitution. */
export interface Written {
  readonly value: unknown;
  /** A scalar's own characters, such as `012`. */
  text(path: Path): string | null;
}

type Issue = z.core.$ZodIssue;

export function problem(path: Path, code: string, message: string, more: Partial<Finding> = {}): Problem {
  return { path, part: "value", finding: { severity: "error", code, message, ...more } };
}

/**
 * Parses one value. The error map is how zod tells the keys that an object allows:
 * it hands the schema to the map and not to the issue.
 */
export function check<Output>(
  schema: z.ZodType<Output>,
  value: unknown,
  path: Path,
  written: Written,
): { readonly value: Output } | { readonly problems: readonly Problem[] } {
  const outcome = schema.safeParse(value, { error: allowedKeysAsMessage });
  if (outcome.success) return { value: outcome.data };
  return { problems: problemsOf(outcome.error.issues, path, written) };
}

function allowedKeysAsMessage(issue: z.core.$ZodRawIssue): string | undefined {
  if (issue.code !== "unrecognized_keys") return undefined;
  const definition = issue.inst?._zod.def;
  return definition !== undefined && "shape" in definition ? Object.keys(definition.shape as object).join("\n") : "";
}

function problemsOf(issues: readonly Issue[], base: Path, written: Written): readonly Problem[] {
  const problems = issues.flatMap((issue) => {
    const path = [...base, ...issue.path.map((step) => (typeof step === "number" ? step : String(step)))];
    return problemsOfOne(issue, path, written);
  });
  return withoutEchoes(problems);
}

function problemsOfOne(issue: Issue, path: Path, written: Written): readonly Problem[] {
  const value = concealed(path, valueAt(written.value, path));
  if (value === undefined && issue.code !== "unrecognized_keys") return [missing(path, issue)];
  const name = pathText(path);
  switch (issue.code) {
    case "unrecognized_keys":
      return issue.keys.map((key) => unknownKey(path, key, issue.message.split("\n"), valueAt(written.value, path)));
    case "invalid_type":
      return [wrongType(path, [issue.expected], value, written)];
    case "invalid_union":
      return ofUnion(issue, path, written);
    case "invalid_value":
      return [notAllowed(path, issue.values.map(String), value)];
    case "too_small":
    case "too_big":
      return [outOfRange(issue, path, value)];
    case "invalid_format":
      return [problem(path, "bad-format", `${name} ${quoted(value)} ${issue.message}`)];
    default: {
      // By our convention a schema's own message reads on from the value: "must be at most 24d".
      const subject = issue.message.startsWith("must") ? `${name} ${shown(value)}` : `${name}:`;
      return [problem(path, "invalid", `${subject} ${issue.message}`)];
    }
  }
}

const hidden = "…";

/** A secret that somebody has written into the file is in no message; the name of a variable is. */
function concealed(path: Path, value: unknown): unknown {
  const isPlain = typeof value === "number" || (typeof value === "string" && !value.includes("${"));
  return isPlain && isSecretField(String(path.at(-1))) ? hidden : value;
}

/** Where a key and a misspelling of it are both reported, the first is an echo of the second. */
export function withoutEchoes(problems: readonly Problem[]): readonly Problem[] {
  const meant = new Set(
    problems.flatMap(({ path, finding }) =>
      finding.code === "unknown-key" && finding.didYouMean !== undefined
        ? [pathText([...path.slice(0, -1), finding.didYouMean])]
        : [],
    ),
  );
  return problems.filter(({ path, finding }) => finding.code !== "missing-key" || !meant.has(pathText(path)));
}

/** A key that no schema knows. `allowed` are all keys of its mapping, of which those not written yet are suggested. */
export function unknownKey(parent: Path, key: string, allowed: readonly string[], siblings: unknown): Problem {
  const present = isMapping(siblings) ? siblings : {};
  const didYouMean = closest(
    key,
    allowed.filter((name) => !Object.hasOwn(present, name)),
  );
  const where = parent.length === 0 ? "" : ` in ${pathText(parent)}`;
  return {
    path: [...parent, key],
    part: "key",
    finding: {
      severity: "error",
      code: "unknown-key",
      message: `unknown key ${quoted(key)}${where}`,
      ...(allowed.length === 0 ? {} : { allowed }),
      ...(didYouMean === undefined ? {} : { didYouMean }),
    },
  };
}

function missing(path: Path, issue: Issue): Problem {
  const where = path.length <= 1 ? "" : ` in ${pathText(path.slice(0, -1))}`;
  const options = issue.code === "invalid_union" ? knownOptions(issue) : [];
  return {
    path,
    part: "key",
    finding: {
      severity: "error",
      code: "missing-key",
      message: `missing key ${quoted(String(path.at(-1)))}${where}`,
      ...(options.length === 0 ? {} : { allowed: options }),
    },
  };
}

/**
 * A union chosen by a key (`use`) reports that key only. Of any other, the branch is taken that the value's type fits,
 * and of several such the one with the fewest problems.
 */
function ofUnion(issue: z.core.$ZodIssueInvalidUnion, path: Path, written: Written): readonly Problem[] {
  const value = concealed(path, valueAt(written.value, path));
  const options = knownOptions(issue);
  if (options.length > 0) return [notAllowed(path, options, value)];
  const branches = issue.errors;
  const fitting = branches
    .filter((issues) => !issues.some(isWrongType))
    .sort((left, right) => left.length - right.length)[0];
  if (fitting !== undefined) return problemsOf(fitting, path, written);
  const expected = branches.flatMap((issues) => issues.filter(isWrongType).map((one) => one.expected));
  return [wrongType(path, expected, value, written)];
}

function isWrongType(issue: Issue): issue is z.core.$ZodIssueInvalidType {
  return issue.code === "invalid_type" && issue.path.length === 0;
}

/** Of a union chosen by a key: the values of that key; "not given" is one of them and no word. */
function knownOptions(issue: z.core.$ZodIssueInvalidUnion): readonly string[] {
  const options = "options" in issue && Array.isArray(issue.options) ? issue.options : [];
  return options.filter((option) => option !== undefined && option !== null).map(String);
}

function notAllowed(path: Path, allowed: readonly string[], value: unknown): Problem {
  const didYouMean = typeof value === "string" ? closest(value, allowed) : undefined;
  return problem(path, "not-allowed", `${pathText(path)} cannot be ${shown(value)}`, {
    allowed,
    ...(didYouMean === undefined ? {} : { didYouMean }),
  });
}

const typeNames: Readonly<Partial<Record<string, string>>> = {
  string: "text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "a mapping (key: value)",
  record: "a mapping (key: value)",
};

function wrongType(path: Path, expected: readonly string[], value: unknown, written: Written): Problem {
  const wanted = [...new Set(expected.map((type) => typeNames[type] ?? type))].join(" or ");
  const name = pathText(path);
  const text = value === hidden ? null : written.text(path);
  if (value === null) {
    const message = `${name === "" ? "the file" : name} has no value; it must be ${wanted}`;
    return problem(path, "no-value", message);
  }
  const isBareWord = typeof value === "number" || typeof value === "boolean";
  const isText = expected.includes("string") && !expected.includes("number");
  let hint: string | null = null;
  if (isText && isBareWord && text !== null) hint = `put it in quotes: "${text}"`;
  else if (expected.includes("array") && typeof value === "string") hint = "write it as a list: [a, b]";
  // 012 is read as 12: say both, or the message seems to speak of something else.
  const isOdd = isBareWord && text !== null && text !== String(value);
  const found = isOdd ? `${shown(value)} (written ${text})` : shown(value);
  const message = `${name === "" ? "the file" : name} must be ${wanted}, not ${found}`;
  return problem(path, "wrong-type", message, hint === null ? {} : { hint });
}

type Range = z.core.$ZodIssueTooSmall | z.core.$ZodIssueTooBig;

function outOfRange(issue: Range, path: Path, value: unknown): Problem {
  const name = pathText(path);
  const isSmall = issue.code === "too_small";
  const limit = String(isSmall ? issue.minimum : issue.maximum);
  const isCount = issue.origin === "string" || issue.origin === "array";
  if (isCount && isSmall && limit === "1") return problem(path, "empty", `${name} must not be empty`);
  const bound = isSmall
    ? issue.inclusive === false
      ? "more than"
      : "at least"
    : issue.inclusive === false
      ? "less than"
      : "at most";
  const unit = issue.origin === "string" ? " characters long" : issue.origin === "array" ? " items long" : "";
  return problem(path, "out-of-range", `${name} must be ${bound} ${limit}${unit}, not ${shown(value)}`);
}

/** `repos.sources[0].path` */
export function pathText(path: Path): string {
  return path
    .map((step, index) => (typeof step === "number" ? `[${step}]` : `${index > 0 ? "." : ""}${step}`))
    .join("");
}

/** A text for a message: in quotes, cut at 60 characters. */
export function quoted(value: unknown): string {
  const text = String(value);
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 59)}…` : text);
}

function shown(value: unknown): string {
  if (typeof value === "string") return quoted(value);
  if (Array.isArray(value)) return "a list";
  if (isMapping(value)) return "a mapping";
  return value === null ? "empty" : String(value);
}

export function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Undefined where the path leads nowhere. */
export function valueAt(value: unknown, path: Path): unknown {
  let found = value;
  for (const step of path) {
    if (typeof found !== "object" || found === null || !Object.hasOwn(found, step)) return undefined;
    found = (found as Record<string | number, unknown>)[step];
  }
  return found;
}
