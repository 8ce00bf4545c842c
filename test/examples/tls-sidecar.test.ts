import { expect, test } from 'vitest';
import { limitMs, runExample } from './run-example.ts';

test(
  'HTTPS for an application that has none',
  async () => {
    const printed = await runExample('tls-sidecar');
    expect(printed).toMatch(/^application: http:\/\/127\.0\.0\.1:\d+; sidecar: https:\/\/127\.0\.0\.1:\d+$/m);
    expect(printed).toMatch(/^ok {5}the application is told that the client came by https, from 127\.0\.0\.1$/m);
    expect(printed).toMatch(/^ok {5}who does not know the certificate does not connect$/m);
    expect(printed).toMatch(/^ok {5}the application listens on loopback, and on 0 of/m);
    expect(printed).toMatch(/^ok {5}a page that hangs is a 504 after/m);
    expect(printed).toMatch(/^ok {5}a body that does not end is a 504 after/m);
    expect(printed).toMatch(/^ok {5}what a client says of itself is not passed on$/m);
    expect(printed).toMatch(/^ok {5}a redirect stays one, and sets its cookies: a=1, b=2$/m);
    expect(printed).toMatch(/^ok {5}a body that is too large is refused$/m);
  },
  limitMs,
);
