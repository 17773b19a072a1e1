import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { generatedFiles } from "../../scripts/generated-files.js";

test.each(generatedFiles.map(({ path, render }) => [path, render] as const))(
  "%s is what `npm run generate` writes",
  (path, render) => {
    const committed = readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");
    expect(committed === render(), `${path} is stale: run \`npm run generate\``).toBe(true);
  },
);
