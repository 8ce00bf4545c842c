/** Beside the application, in the same pod or on the same machine: terminates TLS, bounds each request, and says who asks. */
import { timebox } from 'holdfast/calls';
import { selfSigned } from '../support/certificate.ts';
import { forward, peerHeader, serve } from '../support/http.ts';

const [, application = ''] = process.argv.slice(2);
process.once('disconnect', () => process.exit());

/** What a client, or a proxy on its side, may say of itself. Only the sidecar knows. */
const claim =
  /^(?:forwarded|via|x-forwarded(?:-.*)?|x-(?:real|client|cluster-client|true-client)-ip|x-peer|true-client-ip)$/;
const certificate = selfSigned();
const { url } = await serve(
  'sidecar',
  timebox((request: Request, options) => {
    const [client, host] = [request.headers.get(peerHeader)!, request.headers.get('host') ?? ''];
    for (const name of [...request.headers.keys()]) if (claim.test(name)) request.headers.delete(name);
    const said = { 'x-forwarded-proto': 'https', 'x-forwarded-for': client, 'x-forwarded-host': host };
    return forward(application, said)(request, options);
  }, 500),
  certificate,
);
process.send?.({ kind: 'listening', url, cert: certificate.cert });
