/**
 * A tool as data, and the form of its answers: one JSON text, small enough that no client puts it aside into a file.
 * Knows no protocol and no tool by name.
 */
import { z } from "zod";
import type { Failure } from "../model/result.js";
import type { ToolContext } from "./context.js";

/** Bytes of one answer. Claude Code takes about 25,000 tokens at a time, which JSON of numbers reaches at some 50 KB. */
export const largestAnswer = 40_000;

export type ToolAnswer =
  | { readonly ok: true; readonly value: unknown }
  /** `message` says what is wrong and what to do instead. */
  | { readonly ok: false; readonly message: string };

export interface Tool {
  readonly name: string;
  readonly description: string;
  /** JSON Schema of the arguments. */
  readonly inputSchema: { readonly type: "object"; readonly [key: string]: unknown };
  /** Changes nothing, whatever is asked. */
  readonly readOnly: boolean;
  /** Asked the same once more, it changes nothing more. */
  readonly isRepeatable: boolean;
  /** Arguments that do not fit are answered, too. */
  run(input: unknown, context: ToolContext, signal: AbortSignal): Promise<ToolAnswer>;
}

export function defineTool<Input>(definition: {
  readonly name: string;
  readonly description: string;
  readonly input: z.ZodType<Input>;
  /** Shown instead of `input`, where that takes anything and somebody else checks it. */
  readonly shown?: z.ZodType;
  readonly readOnly: boolean;
  /** Default: true. */
  readonly isRepeatable?: boolean;
  readonly run: (input: Input, context: ToolContext, signal: AbortSignal) => Promise<ToolAnswer>;
}): Tool {
  const { name, description, input, readOnly, shown = input, isRepeatable = true } = definition;
  return {
    name,
    description,
    inputSchema: jsonSchemaOf(shown),
    readOnly,
    isRepeatable,
    async run(given, context, signal) {
      const parsed = input.safeParse(given ?? {});
      if (parsed.success) return definition.run(parsed.data, context, signal);
      const wrong = parsed.error.issues.slice(0, 5).map(({ path, message }) => {
        return path.length === 0 ? message : `${path.map(String).join(".")}: ${message}`;
      });
      return refused(`The arguments of ${name} do not fit: ${wrong.join("; ")}.`);
    },
  };
}

export function answered(value: unknown): ToolAnswer {
  return { ok: true, value };
}

export function refused(message: string): ToolAnswer {
  return { ok: false, message };
}

export function failedAnswer({ message, hint, code }: Failure): ToolAnswer {
  return refused(`${message} (${code})${hint === undefined ? "" : `. ${hint}`}`);
}

/** Control characters but for line feed and tab; line separators; marks that turn the direction of writing. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must be seen
const invisible = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]/g;

/** JSON on one line, in which what cannot be seen is written as escapes. */
export function jsonText(value: unknown): string {
  return JSON.stringify(value).replaceAll(invisible, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}

export function jsonBytes(value: unknown): number {
  return Buffer.byteLength(jsonText(value));
}

/** As many of the items, from `from` on, as fit into `bytes` of JSON; at least one. */
export function pageOf<Item>(
  items: readonly Item[],
  from: number,
  bytes: number,
): { readonly items: readonly Item[]; readonly next: number | null } {
  let used = 0;
  let end = from;
  while (end < items.length) {
    used += jsonBytes(items[end]) + 1;
    if (used > bytes && end > from) break;
    end += 1;
  }
  return { items: items.slice(from, end), next: end < items.length ? end : null };
}

/** A part of a long text. `offset` and `next_offset` count UTF-16 units, as JavaScript does. */
export function textPart(text: string, offset: number, length: number) {
  const end = Math.min(text.length, offset + length);
  return { text: text.slice(offset, end), ...(end < text.length ? { next_offset: end, of: text.length } : {}) };
}

/** A place in a list, as earlier answers gave it. */
export const Offset = z.int().min(0).max(10_000_000).optional();

function jsonSchemaOf(schema: z.ZodType): Tool["inputSchema"] {
  const made = z.toJSONSchema(schema, {
    io: "input",
    target: "draft-7",
    override: ({ jsonSchema }) => {
      // zod bounds every integer by what JavaScript can hold: true, and noise to a reader.
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
    },
  });
  const { $schema: _, ...rest } = made;
  return { ...rest, type: "object" };
}
