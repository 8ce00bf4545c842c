/** The versions of a service, each an HTTP server of its own. */
import { setTimeout as sleep } from 'node:timers/promises';

let asked = 0;

export const versions = {
  web: async (): Promise<Response> => new Response('the price is 10'),
  experiment: async (): Promise<Response> => new Response('the price is 10, with free delivery'),
  /** Not ready: every fourth answer is wrong, every fourth an error, every fourth much too late. */
  rewrite: async (): Promise<Response> => {
    const kind = asked++ % 4;
    if (kind === 1) throw new Error('not yet');
    if (kind === 2) await sleep(400);
    return new Response(kind === 3 ? 'the price is NaN' : 'the price is 10');
  },
};
