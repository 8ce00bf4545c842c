import { connect, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

type Direction = 'toServer' | 'toClient';

/** A network that can be broken. */
export interface Proxy {
  readonly host: string;
  readonly port: number;
  /** Holds back what is sent that way until it is healed, as TCP does when packets are lost. */
  blackhole(which: Direction | 'both' | 'none'): void;
  /** Delays what is sent, each way. */
  delay(ms: number): void;
  /** Breaks every connection. */
  cut(): void;
  /** How many connections were closed so far. */
  readonly closed: number;
  stop(): Promise<void>;
}

export async function startProxy(target: { readonly host: string; readonly port: number }): Promise<Proxy> {
  const sockets = new Set<Socket>();
  const held = new Set<Direction>();
  let delayMs = 0;
  let closed = 0;
  let heal: () => void = () => undefined;
  let healed = Promise.resolve();

  const pipe = async (from: Socket, to: Socket, direction: Direction): Promise<void> => {
    for await (const data of from) {
      if (delayMs > 0) await sleep(delayMs);
      while (held.has(direction)) await healed;
      to.write(data as Buffer);
    }
  };
  const server = createServer((client) => {
    const upstream = connect(target.port, target.host);
    const ends = [client, upstream];
    const over = (): void => ends.forEach((socket) => socket.destroy());
    client.on('close', () => closed++);
    for (const socket of ends) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', over);
      socket.on('close', () => {
        sockets.delete(socket);
        over();
      });
    }
    pipe(client, upstream, 'toServer').catch(() => undefined);
    pipe(upstream, client, 'toClient').catch(() => undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const cut = (): void => sockets.forEach((socket) => socket.destroy());
  return {
    host: '127.0.0.1',
    port: (server.address() as { port: number }).port,
    blackhole(which) {
      held.clear();
      if (which !== 'none')
        for (const each of ['toServer', 'toClient'] as const) if (which === 'both' || which === each) held.add(each);
      heal();
      healed = new Promise((resolve) => (heal = resolve));
    },
    delay: (ms) => (delayMs = ms),
    cut,
    get closed() {
      return closed;
    },
    async stop() {
      held.clear();
      heal();
      const over = new Promise((resolve) => server.close(resolve));
      cut();
      await over;
    },
  };
}
