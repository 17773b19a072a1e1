/** The questions of `audit-run init`, on a terminal. The only home of @clack/prompts; knows no disk. */
import type { Choices, Found, Proposal } from "../audit/init.js";
import { counted } from "../model/amount.js";

/** Null where the person has gone: Ctrl-C, or no to the last question. */
export async function askChoices(
  { found, choices }: Proposal,
  { file, overwrites }: { readonly file: string; readonly overwrites: boolean },
): Promise<Choices | null> {
  const prompts = await import("@clack/prompts");
  // stdout is for results.
  const output = process.stderr;
  const gone = Symbol("gone");
  const answer = <Value>(value: Value): Exclude<Value, symbol> => {
    if (prompts.isCancel(value)) throw gone;
    return value as Exclude<Value, symbol>;
  };
  const other = "\0other";

  const askColumn = async (): Promise<string> => {
    const options = found.groupBy.map(({ column, tests, values }) => ({
      value: column,
      label: column,
      hint: `in ${counted(tests, "failing test")}${values === null ? "" : `, ${counted(values, "value")}`}`,
    }));
    const picked =
      options.length === 0
        ? other
        : answer(
            await prompts.select({
              message: "Which column splits the failures into groups?",
              options: [...options, { value: other, label: "another" }],
              output,
            }),
          );
    if (picked !== other) return picked;
    const named = await prompts.text({ message: "Its name?", placeholder: "state", output, validate: needed });
    return answer(named);
  };

  const askAgent = async (): Promise<Pick<Choices, "agent" | "budget">> => {
    if (found.agents.length === 0) return { agent: "lineage", budget: null };
    const agent = answer(
      await prompts.select({
        message: "Who investigates?",
        options: [
          { value: "lineage", label: "lineage", hint: "built in, no model, costs nothing" },
          ...found.agents.map(({ name, version }) => ({ value: name, label: name, hint: version ?? "" })),
        ],
        output,
      }),
    );
    if (agent === "lineage") return { agent, budget: null };
    const budget = await prompts.text({
      message: "US dollars that one run may spend?",
      initialValue: "20",
      output,
      validate: (text) => (Number(text) > 0 ? undefined : "a number above 0"),
    });
    return { agent, budget: Number(answer(budget)) };
  };

  try {
    const summary = await askSummary();
    const groupBy = await askColumn();
    const agent = await askAgent();
    const sources = await askSources();
    const message = overwrites ? `${file} is there already. Write it anew?` : `Write ${file}?`;
    const isWanted = answer(await prompts.confirm({ message, initialValue: !overwrites, output }));
    return isWanted ? { ...choices, summary, groupBy, ...agent, sources } : null;
  } catch (error) {
    if (error !== gone) throw error;
    return null;
  }

  async function askSummary(): Promise<Choices["summary"]> {
    const { artifacts, project, failures } = found;
    if (artifacts === null || choices.summary.kind !== "artifacts") return choices.summary;
    const command = `${project.dbt} test${failures.stored === true ? "" : " --store-failures"}`;
    const kind = answer(
      await prompts.select({
        message: "Which test run is audited?",
        options: [
          {
            value: "artifacts",
            label: "the last one",
            hint: `${artifacts.failing} of ${artifacts.tests} tests failed`,
          },
          { value: "run", label: "a new one at every audit", hint: command },
        ],
        output,
      }),
    );
    return kind === "run" ? { kind, command } : choices.summary;
  }

  async function askSources(): Promise<Choices["sources"]> {
    if (found.neighbours.length === 0) return [];
    const picked = answer(
      await prompts.multiselect({
        message: "Which repositories load its sources? (space picks, Enter goes on)",
        options: found.neighbours.map(({ path, name, remote }) => ({ value: path, label: name, hint: remote ?? "" })),
        required: false,
        output,
      }),
    );
    const sources: Choices["sources"][number][] = [];
    for (const path of picked) {
      const loads =
        found.sources.length === 0
          ? []
          : answer(
              await prompts.multiselect({
                message: `Which of dbt's sources does ${nameOf(found, path)} load?`,
                options: found.sources.map((value) => ({ value, label: value })),
                required: false,
                output,
              }),
            );
      sources.push({ path, loads });
    }
    return sources;
  }
}

function needed(text: string | undefined): string | undefined {
  return text === undefined || text.trim() === "" ? "it needs a name" : undefined;
}

function nameOf({ neighbours }: Found, path: string): string {
  return neighbours.find((each) => each.path === path)?.name ?? path;
}
