/**
 * What the search for dbt's profile looks at outside (files, variables), noted as it is looked at. Knows no profile.
 */
import { dirname, join } from "node:path";
import { readDotenv } from "./dotenv.js";
import { readTextFile } from "./files.js";
import type { JinjaContext } from "./jinja.js";

export interface ProfileRequest {
  /** Absolute folder of dbt_project.yml. */
  readonly projectDir: string;
  /** Absolute folder that dbt is started in. */
  readonly startDir: string;
  /** Of the config; each null: dbt's own way. */
  readonly profilesDir: string | null;
  readonly profile: string | null;
  readonly dbtTarget: string | null;
  readonly vars: Readonly<Record<string, unknown>>;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Variables that the config gives to dbt besides. */
  readonly ownEnv: Readonly<Record<string, string>>;
  readonly homeDir: string;
  /** Diagnostics name files relative to it. */
  readonly cwd: string;
}

export class ProfileSearch {
  readonly files = new Set<string>();
  readonly variables = new Map<string, string | null>();
  readonly secrets = new Set<string>();
  readonly context: JinjaContext;
  readonly request: ProfileRequest;
  #dotenv: ReadonlyMap<string, string> | null = null;

  constructor(request: ProfileRequest) {
    this.request = request;
    this.context = {
      envVar: (name) => {
        const value = this.variable(name);
        // dbt's own promise for these: they are shown nowhere.
        if (value !== undefined && name.startsWith("DBT_ENV_SECRET")) this.secrets.add(value);
        return value;
      },
      cliVar: (name) => (Object.hasOwn(request.vars, name) ? request.vars[name] : undefined),
    };
  }

  read(path: string): ReturnType<typeof readTextFile> {
    this.files.add(path);
    return readTextFile(path);
  }

  variable(name: string): string | undefined {
    const { env, ownEnv } = this.request;
    const value = Object.hasOwn(env, name) ? env[name] : undefined;
    this.variables.set(name, value ?? null);
    if (Object.hasOwn(ownEnv, name)) return ownEnv[name];
    if (value !== undefined) return value;
    this.#dotenv ??= this.#findDotenv();
    return this.#dotenv.get(name);
  }

  /** What dbt's command line takes from the environment, by either of its names. */
  option(name: "PROFILE" | "PROFILES_DIR" | "TARGET"): string | null {
    return this.variable(`DBT_ENGINE_${name}`) || this.variable(`DBT_${name}`) || null;
  }

  #findDotenv(): ReadonlyMap<string, string> {
    for (let folder = this.request.startDir; ; folder = dirname(folder)) {
      const reading = this.read(join(folder, ".env"));
      if (reading.kind === "text") return readDotenv(reading.text);
      if (dirname(folder) === folder) return new Map();
    }
  }
}
