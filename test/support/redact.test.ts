import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  createCrashRedactor,
  createRedactor,
  redactStrings,
  rememberSecrets,
  secretValues,
  toolTokenPrefix,
} from "../../src/support/redact.js";

const redact = createRedactor([]);

describe("the redactor", () => {
  it("masks known values, also as a URL or a JSON string has them", () => {
    const withKnown = createRedactor(["p@ss w/rd", 'quo"te', "hunter2", "hunter2000"]);
    expect(withKnown("a p@ss w/rd b")).toBe("a [redacted] b");
    expect(withKnown(`go to p%40ss%20w%2Frd ${JSON.stringify('quo"te')}`)).toBe('go to [redacted] "[redacted]"');
    expect(withKnown("hunter2000 hunter2")).toBe("[redacted] [redacted]");
  });

  it("masks each line of a secret of several lines, whoever has cut it up", () => {
    const lines = ["MIIEvQIBADANBgkqhkiG9w0BAQEFAASC", "BKcwggSjAgEAAoIBAQDCanaryCanary0", "abc="];
    const key = ["-----BEGIN PRIVATE KEY-----", ...lines, "-----END PRIVATE KEY-----", ""].join("\n");
    const mask = createRedactor([key], { shapes: "tokens" });
    const last = "abc=";
    for (const text of [lines[0], `x ${lines[1]} y`, key, JSON.stringify({ key }), key.replaceAll("\n", "\\n")]) {
      expect(mask(text ?? "")).not.toMatch(/MIIE|Canary/);
    }
    expect(createRedactor([key.replaceAll("\n", "\\n")])(lines.join("\n"))).toBe(`[redacted]\n[redacted]\n${last}`);
    expect(mask(lines.join(""))).toBe("[redacted]");
  });

  it("masks a secret as other programs write it", () => {
    const secret = 'pä"ss w/rd+\\%!';
    const mask = createRedactor([secret], { shapes: "tokens" });
    const hidden = (text: string) => expect(mask(`a ${text} b`)).toBe("a [redacted] b");
    hidden(secret);
    hidden(JSON.stringify(secret).slice(1, -1));
    hidden(JSON.stringify(JSON.stringify(secret)).slice(3, -3));
    hidden(new URLSearchParams({ x: secret }).toString().slice(2));
    hidden(encodeURIComponent(secret).toLowerCase());
    for (const before of ["", "u", "us", "user:", "someone:"]) {
      for (const encoding of ["base64", "base64url"] as const) {
        const encoded = Buffer.from(`${before}${secret}\n`).toString(encoding);
        expect(mask(encoded), encoded).toContain("[redacted]");
      }
    }
  });

  it("masks what is left of a secret where a long text was cut in it", () => {
    const mask = createRedactor(["hunter2hunter2hunter2"], { shapes: "tokens" });
    const long = "x".repeat(500);
    expect(mask(`${long} hunter2hunt`)).toBe(`${long} [redacted]`);
    expect(mask(`${long} hunter2hunt…`)).toBe(`${long} [redacted]…`);
    expect(mask(`${long} hunter2hunt and`)).toBe(`${long} hunter2hunt and`);
    expect(mask(`${long} hunt`)).toBe(`${long} hunt`);
  });

  it("knows at a crash what the process has come to know, and variables by their names", () => {
    rememberSecrets(["canary-known"]);
    const mask = createCrashRedactor({ SNOWFLAKE_PASSWORD: "canary-named", HOME: "/home/me" });
    expect(mask("Error: canary-known canary-named at /home/me")).toBe("Error: [redacted] [redacted] at /home/me");
  });

  it("masks known values alone where it is told so, and leaves what only looks like a secret", () => {
    const values = createRedactor(["hunter2"], { shapes: "tokens" });
    const sql = "select 'hunter2' from users where password = 'x' and url = 'http://me:pass@host'";
    expect(values(sql)).toBe(sql.replace("hunter2", "[redacted]"));
    const token = "ghp_abcdefghijklmnopqrstuvwxyz0123456789";
    expect(values(`it is ${token}, and sk-ant-oat01-abcdefghijklmnop.`)).toBe("it is [redacted], and [redacted].");
  });

  it("masks all texts of a value, but those under keys that stay as they are", () => {
    const value = { test: "hunter2", notes: ["hunter2", 3, null], more: { test: ["hunter2"], text: "hunter2" } };
    const mask = createRedactor(["hunter2"]);
    expect(redactStrings(value, mask, new Set(["test"]))).toEqual({
      test: "hunter2",
      notes: ["[redacted]", 3, null],
      more: { test: ["[redacted]"], text: "[redacted]" },
    });
  });

  it("masks many texts as it masks each of them", () => {
    const many = (odd: string) => [...Array.from({ length: 200 }, (_, index) => `investigate:${index}`), odd];
    for (const odd of ["investigate:last", "token=hunter2", "cut -----BEGIN PRIVATE KEY-----", "a\nb", 'x"y']) {
      const texts = many(odd);
      expect(redactStrings(texts, redact)).toEqual(texts.map(redact));
    }
  });

  it("does not look for values that would stand in any word", () => {
    expect(createRedactor(["abc", "", "redacted"])("abc redacted")).toBe("abc redacted");
  });

  it.each([
    ["password=hunter2 next", "password=[redacted] next"],
    ["DB_PASSWORD: 'two words' next", "DB_PASSWORD: '[redacted]' next"],
    ['{"api_key": "abc", "x": 1}', '{"api_key": "[redacted]", "x": 1}'],
    ["postgres://me:pass@host/db", "postgres://me:[redacted]@host/db"],
    ["https://abcdefghij0123456789@github.com/x", "https://[redacted]@github.com/x"],
    ["id AKIAIOSFODNN7EXAMPLE.", "id [redacted]."],
    ["key sk-ant-api03-abcdefghijklmnop done", "key [redacted] done"],
    ["Authorization: Bearer abcdef0123456789abcdef", "Authorization: Bearer [redacted]"],
    ["ghp_abcdefghijklmnopqrstuvwxyz0123456789", "[redacted]"],
    ["x -----BEGIN RSA PRIVATE KEY-----\nMIIE\nabc\n-----END RSA PRIVATE KEY----- y", "x [redacted] y"],
    ["cut off -----BEGIN PRIVATE KEY-----\nMIIE", "cut off [redacted]"],
  ])("masks %j", (text, expected) => {
    expect(redact(text)).toBe(expected);
  });

  it.each([
    "select letting_id, count(*) from bids where state = 'VA' group by 1",
    "input_tokens: 5000, the secretary's key points",
    "https://example.org:8080/path?x=1 and mailto:me@example.org",
    "a risk-free task-based approach",
  ])("leaves %j alone", (text) => {
    expect(redact(text)).toBe(text);
  });

  it("gives the same when it is applied twice", () => {
    const pieces = fc.constantFrom(
      ..."password=|token: |\"|'|://|:|@|sk-|Bearer |AKIA|abcd|hunter2|[redacted]|redact| |\n|aaaaaaaaaaaaaaaaaaaa|,|-----BEGIN PRIVATE KEY-----".split(
        "|",
      ),
    );
    const texts = fc.array(pieces, { maxLength: 30 }).map((parts) => parts.join(""));
    const secrets = fc.array(fc.constantFrom("hunter2", "abcd", "[red", "acted]", "a]b[c", "aaaa"), { maxLength: 3 });
    fc.assert(
      fc.property(texts, secrets, (text, known) => {
        const twice = createRedactor(known);
        expect(twice(twice(text))).toBe(twice(text));
      }),
      { numRuns: 500 },
    );
  });

  it("gets through ten megabytes of the worst text", () => {
    const size = 10_000_000;
    for (const unit of ["a", "://a", 'password="', "-----BEGIN ", "eyJ", " ", "token:", "sk-", "://:"]) {
      const text = unit.repeat(size / unit.length);
      expect(redact(text).length).toBeGreaterThan(0);
    }
  });

  it("knows secrets among variables by their names", () => {
    expect(secretValues({ OPENAI_API_KEY: "k", PATH: "/bin", DB_PASSWORD: "p", EMPTY_TOKEN: undefined })).toEqual([
      "k",
      "p",
    ]);
  });

  it("takes no switch and no limit for a secret, and of headers their values", () => {
    const switches = { SKIP_BEDROCK_AUTH: "true", MAX_OUTPUT_TOKENS: "32000" };
    const headers = { ANTHROPIC_CUSTOM_HEADERS: "X-Gateway: canary-one\nAuthorization: Bearer canary-two" };
    expect(secretValues({ ...switches, ...headers })).toEqual(["canary-one", "canary-two"]);
  });

  it("knows a token of our tools by its shape, also where it looks for no shapes", () => {
    const token = `${toolTokenPrefix}${"aZ9_-".repeat(8)}`;
    expect(createRedactor([], { shapes: "tokens" })(`it is ${token}.`)).toBe("it is [redacted].");
  });
});
