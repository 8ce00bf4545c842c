/** HTTPS for an application that has none: two processes, a client that checks the certificate, and one page that hangs. */
import { once } from 'node:events';
import { request } from 'node:https';
import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import { count, example } from '../support/example.ts';
import { fetchTrusting } from '../support/http.ts';
import { Processes } from '../support/processes.ts';

/** What both processes tell; a certificate only the sidecar. */
interface Listening {
  readonly kind: 'listening';
  readonly url: string;
  readonly cert?: string;
}

/** Whether somebody listens at an address. */
const listens = (host: string, port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ host, port, timeout: 2_000 });
    const end = (answered: boolean): void => {
      socket.destroy();
      resolve(answered);
    };
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false)).once('timeout', () => end(false));
  });

await example(async ({ say, check, defer }) => {
  const processes = new Processes<Listening>();
  defer(() => processes.close());
  processes.start('application', new URL('legacy-process.ts', import.meta.url));
  const application = await processes.next('listening');
  processes.start('sidecar', new URL('sidecar-process.ts', import.meta.url), application.url);
  const sidecar = await processes.next('listening');
  const get = fetchTrusting(sidecar.cert!);
  say(`application: ${application.url}; sidecar: ${sidecar.url}`);

  const seen = (await (await get(sidecar.url)).json()) as { proto: string; client: string };
  check(seen.proto === 'https', `the application is told that the client came by ${seen.proto}, from ${seen.client}`);

  const own = [
    'forwarded',
    'x-forwarded-for',
    'x-forwarded-host',
    'x-forwarded-proto',
    'x-forwarded-port',
    'x-real-ip',
  ];
  const lies = Object.fromEntries(own.map((name) => [name, 'a-lie']));
  const told = await (await get(sidecar.url, { headers: lies })).text();
  check(!told.includes('a-lie') && told.includes('"https"'), 'what a client says of itself is not passed on');

  const login = await get(`${sidecar.url}/login`);
  const cookies = login.headers.getSetCookie().join(', ');
  check(login.status === 302 && cookies === 'a=1, b=2', `a redirect stays one, and sets its cookies: ${cookies}`);

  const body = 'x'.repeat(200_000);
  const { received } = (await (await get(sidecar.url, { body })).json()) as { received: number };
  check(received === body.length, `a body of ${count(received)} bytes came through`);

  const stranger = await fetch(sidecar.url).catch((error: unknown) => (error as Error).cause as { code: string });
  check(
    'code' in stranger && stranger.code.includes('SELF_SIGNED'),
    'who does not know the certificate does not connect',
  );
  const plain = await fetch(sidecar.url.replace('https', 'http')).catch(() => undefined);
  check(plain === undefined || plain.status >= 400, 'plain HTTP is not answered');

  const port = Number(new URL(application.url).port);
  const others = Object.values(networkInterfaces()).flatMap((addresses = []) =>
    addresses.filter(({ family, internal }) => family === 'IPv4' && !internal).map(({ address }) => address),
  );
  const open = (await Promise.all(others.map((address) => listens(address, port)))).filter(Boolean).length;
  check(
    open === 0 && (await listens('127.0.0.1', port)),
    `the application listens on loopback, and on ${open} of ${others.length} other addresses`,
  );

  const startedMs = performance.now();
  const [stuck, ...quick] = await Promise.all(['stuck', '', '', ''].map((page) => get(`${sidecar.url}/${page}`)));
  check(
    stuck!.status === 504,
    `a page that hangs is a ${stuck!.status} after ${count(performance.now() - startedMs)} ms`,
  );
  check(
    quick.every(({ ok }) => ok),
    `${quick.length} other requests are answered meanwhile`,
  );

  const slowMs = performance.now();
  const half = request(`${sidecar.url}/`, { ca: sidecar.cert!, method: 'POST', headers: { 'content-length': 9 } });
  half.write('half'); // the other half never comes
  const [{ statusCode }] = (await once(half, 'response')) as [{ statusCode: number }];
  check(statusCode === 504, `a body that does not end is a 504 after ${count(performance.now() - slowMs)} ms`);
  half.on('error', () => undefined).destroy();
  const large = await get(sidecar.url, { body: 'x'.repeat(2_000_000) }).catch(() => undefined); // it may still be sending
  check(large === undefined || large.status === 413, 'a body that is too large is refused');

  processes.signal('application', 'SIGKILL');
  const down = await get(sidecar.url);
  check(down.status === 502, `without the application, the sidecar says ${down.status}`);
});
