/**
 * What a statement would give, without running it: the server parses it alone, so it is one statement, and names the
 * columns. Knows no cursor and no caps.
 */
import type { FieldDef, PoolClient } from "pg";

export interface Described {
  /** Null where the statement gives no rows at all. */
  readonly fields: readonly FieldDef[] | null;
  /** It has $1 and the like, for which there are no values. */
  readonly hasParameters: boolean;
}

/** Throws the server's error. */
export function describeStatement(client: PoolClient, sql: string): Promise<Described> {
  return new Promise((resolve, reject) => {
    client.query(new Description(sql, resolve, reject));
  });
}

/** What the driver's types leave out of its connection. */
interface Wire {
  parse(query: { readonly text: string }): void;
  describe(message: { readonly type: "S"; readonly name: string }): void;
  sync(): void;
  on(event: string, listener: (message: never) => void): void;
  off(event: string, listener: (message: never) => void): void;
}

/** A query in the driver's sense: it is called back with what the server answers until it is ready for the next one. */
class Description {
  readonly #sql: string;
  readonly #resolve: (described: Described) => void;
  readonly #reject: (error: unknown) => void;
  #connection: Wire | null = null;
  #fields: readonly FieldDef[] | null = null;
  #hasParameters = false;

  constructor(sql: string, resolve: (described: Described) => void, reject: (error: unknown) => void) {
    this.#sql = sql;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  submit = (given: unknown): void => {
    const connection = given as Wire;
    this.#connection = connection;
    connection.on("parameterDescription", this.#parameters);
    connection.parse({ text: this.#sql });
    connection.describe({ type: "S", name: "" });
    connection.sync();
  };

  handleRowDescription(message: { readonly fields: readonly FieldDef[] }): void {
    this.#fields = message.fields;
  }

  handleError(error: unknown): void {
    this.#leave();
    this.#reject(error);
  }

  handleReadyForQuery(): void {
    this.#leave();
    this.#resolve({ fields: this.#fields, hasParameters: this.#hasParameters });
  }

  readonly #parameters = (message: { readonly parameterCount?: number }): void => {
    this.#hasParameters = (message.parameterCount ?? 0) > 0;
  };

  #leave(): void {
    this.#connection?.off("parameterDescription", this.#parameters);
  }
}
