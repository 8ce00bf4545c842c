/** One shard: keys and values over HTTP. `PUT` with `if-none-match: *` writes only what is absent. */
export class Shard {
  readonly values = new Map<string, string>();

  readonly serve = async (request: Request): Promise<Response> => {
    const key = new URL(request.url).pathname.slice(1);
    if (request.method === 'DELETE') this.values.delete(key);
    if (request.method === 'PUT') {
      const value = await request.text();
      if (request.headers.has('if-none-match') && this.values.has(key)) return new Response(null, { status: 412 });
      this.values.set(key, value);
    }
    if (request.method !== 'GET') return new Response(null, { status: 204 });
    if (key === '') return Response.json([...this.values.keys()]);
    return this.values.has(key) ? new Response(this.values.get(key)) : new Response(null, { status: 404 });
  };
}
