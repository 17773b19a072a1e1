/** A wire between a client and a server on 127.0.0.1 that can be cut, or go dead, in the middle. Knows no protocol. */
import { connect, createServer, type Socket } from "node:net";

export interface Wire {
  readonly port: number;
  /** The server's bytes after which every connection is cut. */
  cutAfter(bytes: number): void;
  /** Cuts what is connected now; later connections are fine. */
  cut(): void;
  /** Nothing comes through any more, and nobody is told. */
  goDead(): void;
  close(): Promise<void>;
}

export async function wireTo(serverPort: number): Promise<Wire> {
  let limit = Number.POSITIVE_INFINITY;
  let isDead = false;
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const far = connect(serverPort, "127.0.0.1");
    const cut = () => {
      client.destroy();
      far.destroy();
    };
    for (const socket of [client, far]) {
      sockets.add(socket);
      socket.on("error", cut).on("close", () => {
        sockets.delete(socket);
        if (!isDead) cut();
      });
    }
    let bytes = 0;
    client.on("data", (data) => isDead || far.write(data));
    far.on("data", (data) => {
      if (isDead) return;
      bytes += data.length;
      client.write(data);
      if (bytes > limit) cut();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const cutAll = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    cutAfter(bytes) {
      limit = bytes;
    },
    cut: cutAll,
    goDead() {
      isDead = true;
    },
    close() {
      isDead = false;
      cutAll();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
