/**
 * The environment of an agent's program: an allow-list, so that credentials of warehouses, tokens of CI and the like do not
 * reach a program that reads hostile rows. Knows which variables every program may have; a vendor adds those of its login.
 */
type Env = Readonly<Record<string, string | undefined>>;

/** What a program needs to run at all, to find its user's login, and to get out through a proxy. */
const everyProgram: readonly RegExp[] = [
  /^(PATH|HOME|USER|LOGNAME|SHELL|LANG|LC_[A-Z]+|TERM|TMPDIR|TZ)$/,
  /^XDG_(CONFIG|DATA|CACHE|STATE|RUNTIME)_(HOME|DIR)$/,
  /^(HTTPS?|ALL|NO)_PROXY$/i,
  /^(NODE_EXTRA_CA_CERTS|SSL_CERT_FILE|SSL_CERT_DIR)$/,
];

export function environment(
  own: Env,
  more: readonly RegExp[],
  settings: Readonly<Record<string, string>>,
): Record<string, string> {
  const env: Record<string, string> = {};
  for (const [name, value] of Object.entries(own)) {
    const allowed = [...everyProgram, ...more].some((pattern) => pattern.test(name));
    if (value !== undefined && allowed) env[name] = value;
  }
  return { ...env, ...aroundProxy(env), ...settings };
}

/** The tools are on this machine: no proxy must be asked for them. */
function aroundProxy(env: Readonly<Record<string, string>>): Record<string, string> {
  if (!Object.keys(env).some((name) => /_proxy$/i.test(name))) return {};
  const own = [env.NO_PROXY ?? env.no_proxy ?? "", "127.0.0.1", "localhost"].filter((name) => name !== "").join(",");
  return { NO_PROXY: own, no_proxy: own };
}

/** Where a model is reached by way of a cloud, that cloud's login; never otherwise, for it may open a warehouse. */
export function cloudVariables(clouds: {
  readonly aws: boolean;
  readonly google: boolean;
  readonly azure: boolean;
}): readonly RegExp[] {
  return [
    ...(clouds.aws ? [/^AWS_/] : []),
    ...(clouds.google
      ? [/^(GOOGLE_APPLICATION_CREDENTIALS|GOOGLE_CLOUD_PROJECT|GCLOUD_PROJECT|CLOUD_ML_REGION)$/]
      : []),
    ...(clouds.azure ? [/^AZURE_/] : []),
  ];
}

/** `1`, `true`: as these programs read their switches. */
export function isOn(value: string | undefined): boolean {
  return value !== undefined && !["", "0", "false", "no", "off"].includes(value.toLowerCase());
}
