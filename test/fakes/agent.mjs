// A program that plays an agent: reads the prompt on stdin, then behaves as its first argument says.
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";

const [behaviour, argument = ""] = process.argv.slice(2);
const prompt = await new Promise((resolve) => {
  let text = "";
  process.stdin.setEncoding("utf8");
  process.stdin.on("data", (chunk) => {
    text += chunk;
  });
  process.stdin.on("end", () => resolve(text));
});

/** A finding that fits the schema. */
const finding = (test = "not_null_bids_vendor", group = "VA", more = {}) => ({
  test,
  group,
  classification: "needs_fix",
  confidence: "high",
  root_cause: "The join drops the vendor's name.",
  recommendation: "Use a left join.",
  evidence: [{ sql: "select count(*) from bids where vendor is null", value: 3 }],
  ...more,
});
const answer = (...findings) => JSON.stringify({ findings });
const print = (text) => new Promise((resolve) => process.stdout.write(text, resolve));

const behaviours = {
  answers: () => print(answer(finding(), finding("unique_bids_id"))),
  fenced: () =>
    print(`Here it is:\n\n\`\`\`json\n${JSON.stringify({ findings: [finding()] }, null, 2)}\n\`\`\`\nDone.\n`),
  logs: () =>
    print(
      `[info] {"step": 1} it's { odd\n{"findings": "not yet"}\n${answer(finding("old"))}\n${answer(finding())}\nbye }\n`,
    ),
  "one-bad": () =>
    print(answer(finding(), finding("unique_bids_id", "VA", { confidence: "sure", reason: "x" }), "text")),
  "extra-keys": () => print(JSON.stringify({ findings: [finding()], notes: "hello" })),
  echoes: () => print(answer(finding("not_null_bids_vendor", "VA", { root_cause: prompt }))),
  tells: () => {
    const told = { cwd: process.cwd(), env: process.env, prompt };
    writeFileSync(argument, JSON.stringify(told));
    return print(answer(finding()));
  },
  garbage: () => print("I have looked into it { and all is well ]]}"),
  "cut-off": () => print(answer(finding(), finding("unique_bids_id")).slice(0, -40)),
  nothing: () => {},
  latin1: () =>
    print(Buffer.from(answer(finding("not_null_bids_vendor", "VA", { root_cause: "caf\u00e9" })), "latin1")),
  floods: async () => {
    const line = `${"x".repeat(99)}\n`.repeat(10_000);
    for (let count = 0; count < 200; count += 1) await print(line);
  },
  "never-ends": async () => {
    process.on("SIGTERM", () => {});
    const child = spawn("sleep", ["600"], { stdio: "inherit" });
    if (argument !== "") writeFileSync(argument, String(child.pid));
    await print("thinking …\n");
    setInterval(() => {}, 1_000);
  },
  "answers-then-hangs": async () => {
    await print(answer(finding()));
    setInterval(() => {}, 1_000);
  },
  "answers-then-fails": async () => {
    await print(answer(finding()));
    process.stderr.write("API_KEY=abcdef and the model went away\n");
    process.exitCode = 3;
  },
  "tells-secrets": async () => {
    const secrets = `${process.env.API} and ${process.env.OTHER_TOKEN}`;
    process.stderr.write(`using ${secrets}\n`);
    await print(`I am ${secrets}`);
  },
  fails: () => {
    process.exitCode = 1;
  },
};
await behaviours[behaviour]();
