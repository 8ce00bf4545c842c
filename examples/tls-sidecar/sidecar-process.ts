/** Beside the application, in the same pod or on the same machine: terminates TLS, bounds each request, and says who asks. */
import { timebox } from 'holdfast/calls';
import { selfSigned } from '../support/certificate.ts';
import { forward, peerHeader, serve } from '../support/http.ts';

const [, application = ''] = process.argv.slice(2);
process.once('disconnect', () => process.exit());

const certificate = selfSigned();
const { url } = await serve(
  'sidecar',
  timebox((request: Request, options) => {
    // What a client says of itself is overwritten: only the sidecar knows.
    const said = { 'x-forwarded-proto': 'https', 'x-forwarded-for': request.headers.get(peerHeader)! };
    return forward(application, said)(request, options);
  }, 500),
  certificate,
);
process.send?.({ kind: 'listening', url, cert: certificate.cert });
