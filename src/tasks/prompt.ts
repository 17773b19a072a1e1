/**
 * Renders the prompt of one task from a template: pure, so that the same input gives the same bytes.
 * Knows no agent and reads no file.
 */
import { z } from "zod";
import { AgentAnswer } from "../model/finding.js";
import { failed, ok, type Result } from "../model/result.js";
import type { PromptInput, Render } from "./prompt-input.js";
import { taskSections } from "./prompt-task.js";
import { capped, exactJson, fenced, inlineCode, visible } from "./prompt-text.js";

export interface PromptTemplate {
  readonly text: string;
  /** For messages. */
  readonly file: string;
}

/** Placeholder → its text. Those that begin with `task.` differ between tasks; a template does well to put them last. */
const placeholders: Readonly<Record<string, Render>> = {
  "audit.name": ({ config }) => inlineCode(config.name),
  "group.label": ({ config }) => visible(config.groupBy.label),
  warehouse: ({ config }) => visible(config.warehouse.use ?? ""),
  categories,
  repositories,
  evidence,
  knowledge: ({ config }) => section("What we know", config.knowledge.all),
  "answer.schema": () => fenced(answerSchema(), "json"),
  ...taskSections,
};

/** `{{name}}`; braces with anything else between them, such as dbt's own `{{ ref('x') }}`, are plain text. */
const placeholder = /\{\{\s{0,9}([a-z][a-z.]{0,40})\s{0,9}\}\}/gi;

/** Failure code: template-invalid, with the place of the first placeholder that does not exist. */
export function renderPrompt(template: PromptTemplate, input: PromptInput): Result<string> {
  const rendered = renderParts(template, input);
  return rendered.ok ? ok(rendered.value.text) : rendered;
}

export interface RenderedPrompt {
  readonly text: string;
  /** Text by placeholder, in the template's order; what remains is the template's own. */
  readonly parts: ReadonlyMap<string, string>;
}

/** The same, and what takes the room. Failure code: template-invalid. */
export function renderParts(template: PromptTemplate, input: PromptInput): Result<RenderedPrompt> {
  const checked = checkTemplate(template);
  if (!checked.ok) return checked;
  const parts = new Map<string, string>();
  const filled = template.text
    .replaceAll(placeholder, (_whole, name: string) => {
      const text = placeholders[name]?.(input) ?? "";
      parts.set(name, (parts.get(name) ?? "") + text);
      return text;
    })
    .replaceAll(/\n{3,}/g, "\n\n");
  const text = input.round === 0 ? filled : `${filled.trimEnd()}\n\n${askAgain(input)}`;
  return ok({ text, parts });
}

/** What of a template differs between tasks: its placeholders that begin with `task.`, each as often as it is there. */
export function taskPlaceholders(template: PromptTemplate): readonly string[] {
  return [...template.text.matchAll(placeholder)].flatMap(([, name = ""]) => (name.startsWith("task.") ? [name] : []));
}

/** One placeholder's text. */
export function renderPlaceholder(name: string, input: PromptInput): string {
  return placeholders[name]?.(input) ?? "";
}

/** The re-ask alone, for an agent that still has the conversation. */
export function renderFollowUp(input: PromptInput): string {
  return askAgain(input);
}

/** Whether every placeholder exists; for a preflight. */
export function checkTemplate(template: PromptTemplate): Result<void> {
  for (const match of template.text.matchAll(placeholder)) {
    const name = match[1] ?? "";
    if (Object.hasOwn(placeholders, name)) continue;
    const before = template.text.slice(0, match.index).split("\n");
    const at = `${template.file}:${before.length}:${(before.at(-1) ?? "").length + 1}`;
    return failed("template-invalid", `${at}: there is no placeholder {{${name}}}`, {
      hint: `There are: ${Object.keys(placeholders).join(", ")}.`,
    });
  }
  return ok(undefined);
}

let schemaText: string | null = null;

/** What `audit-run schema finding` prints, on fewer lines; the same for all tasks. */
function answerSchema(): string {
  schemaText ??= makeAnswerSchema();
  return schemaText;
}

function makeAnswerSchema(): string {
  const schema = z.toJSONSchema(AgentAnswer, {
    io: "input",
    target: "draft-7",
    override: ({ jsonSchema }) => {
      // zod bounds every integer by what JavaScript can hold: true, and noise to a reader.
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
    },
  });
  return JSON.stringify(schema, null, 1);
}

function categories({ config }: PromptInput): string {
  const rows = config.categories.map(({ id, meaning, action, role }) => {
    const note = role === "exception" ? " (you may propose it; a person accepts it)" : "";
    return `| ${inlineCode(id)} | ${cell(meaning)}${note} | ${cell(action)} |`;
  });
  return ["# Categories", "", "| id | meaning | action |", "|---|---|---|", ...rows].join("\n");
}

function repositories({ config }: PromptInput): string {
  const lines = [
    `- ${inlineCode("dbt")}: the dbt project${config.dbt.dir === "." ? "" : `, in its folder ${inlineCode(config.dbt.dir)}`}`,
    ...config.sources.map(({ name, dir, loads }) => {
      const folder = dir === "." ? "" : `, in its folder ${inlineCode(dir)}`;
      const sources = loads.length === 0 ? "source data" : `loads the dbt sources ${loads.map(inlineCode).join(", ")}`;
      return `- ${inlineCode(name)}: ${sources}${folder}`;
    }),
  ];
  return ["# Repositories", "", ...lines].join("\n");
}

/** What is given beforehand, and where the rest is to be had. */
function evidence({ config }: PromptInput): string {
  if (!config.evidence) return "No rows are given to you beforehand: ask your tools for them.";
  return [
    "You are given a sample of the failing rows, and what following them upstream gave. The evidence folder",
    "   holds these as files, with the SQL of the test and of the models it reads, what lies upstream of them, and the latest",
    "   commits of those files.",
  ].join("\n");
}

/** The same question again: a numbered list of what was wrong, and what is still to be answered. */
function askAgain({ cases, objections }: PromptInput): string {
  const wrong = objections.map(({ case: id, message }, position) => {
    const whose = id === null ? "" : `${inlineCode(id)}: `;
    return `${position + 1}. ${whose}${capped(visible(message).replaceAll(/\s+/g, " "), 1_000).replaceAll("\n", " ")}`;
  });
  const open = cases.map(({ test, group }) => exactJson({ test: test.name, group: group.key }));
  return [
    "# Your last answer was not accepted as a whole",
    ...(wrong.length === 0 ? [] : [`What was wrong:\n\n${wrong.join("\n")}`]),
    `Answer these cases again, and only these; all others are done:\n\n${fenced(open.join("\n"), "json")}\n`,
  ].join("\n\n");
}

function section(title: string, text: string | null): string {
  return text === null || text.trim() === "" ? "" : `# ${title}\n\n${visible(text).trim()}`;
}

function cell(text: string): string {
  return visible(text).replaceAll(/\s+/g, " ").replaceAll("|", "\\|").trim();
}
