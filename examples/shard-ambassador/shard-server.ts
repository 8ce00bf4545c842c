/** One shard: keys and values over HTTP, up to a limit. `PUT` with `if-none-match: *` writes only what is absent. */
export class Shard {
  readonly values = new Map<string, string>();
  limit = Infinity;

  readonly serve = async (request: Request): Promise<Response> => {
    const key = new URL(request.url).pathname.slice(1);
    if (request.method === 'DELETE') this.values.delete(key);
    if (request.method === 'PUT') {
      const [value, isKnown] = [await request.text(), this.values.has(key)];
      if (isKnown && request.headers.has('if-none-match')) return new Response(null, { status: 412 });
      if (!isKnown && this.values.size >= this.limit) return new Response(null, { status: 507 });
      this.values.set(key, value);
    }
    if (request.method !== 'GET') return new Response(null, { status: 204 });
    if (key === '') return Response.json([...this.values.keys()]);
    return this.values.has(key) ? new Response(this.values.get(key)) : new Response(null, { status: 404 });
  };
}
