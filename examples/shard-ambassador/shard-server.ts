/** One shard: keys and their values over HTTP. It knows nothing of the others, nor of an ambassador. */

/** `GET`, `PUT` and `DELETE` of `/<key>`; `PUT` with `if-none-match: *` only when there is none; `GET /` for all keys. */
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
    return this.values.has(key) ? new Response(this.values.get(key)!) : new Response(null, { status: 404 });
  };
}
