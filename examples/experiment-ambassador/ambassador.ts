/** Divides users among versions, and copies some requests to one more, whose answers nobody gets. */
import { type ShadowedCall, shadow, splitTraffic } from 'holdfast/calls';
import type { Live } from 'holdfast/core';
import { forward } from '../support/http.ts';

/** The weights of the experiment: of each hundred users so many. */
export interface Weights {
  readonly web: number;
  readonly experiment: number;
}

export function ambassador(
  urls: Readonly<Record<'web' | 'experiment' | 'rewrite', string>>,
  weights: Live<Weights>,
  onDifference: (why: string) => void,
): ShadowedCall<Request, Response> {
  const split = splitTraffic(
    { web: forward(urls.web), experiment: forward(urls.experiment) },
    {
      weights,
      salt: 'free-delivery', // another experiment, with another name, divides the same users otherwise
      key: (request) => request.headers.get('x-user'), // not the address: an office has one, a phone has many
      keyless: { arm: 'web' }, // who is nobody takes no part
    },
  );
  return shadow(split, {
    to: async (request, options) => await (await forward(urls.rewrite)(request, options)).text(),
    fraction: 0.05,
    timeoutMs: 200,
    maxInFlight: 50,
    compare: (_, mirror) => {
      if (mirror.status === 'failed') onDifference('late');
      else if (mirror.value !== 'the price is 10') onDifference(mirror.value.includes('NaN') ? 'wrong' : 'failed');
    },
  });
}
