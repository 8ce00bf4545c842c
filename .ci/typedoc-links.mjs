/**
 * Lets `{@link Name}` in a doc comment mean what the library exports as `Name`, whichever subpath it is from: TypeDoc
 * itself asks for an import of it in that file. A name that no or two subpaths own stays a broken link.
 *
 * @param {import('typedoc').Application} app
 */
export function load(app) {
  app.converter.addUnknownSymbolResolver((reference, reflection, part) => {
    // A type, not a link: an answer is taken for an address.
    if (part === undefined) return undefined;
    const path = reference.symbolReference?.path ?? [];
    if (reference.moduleSource !== undefined || path.length === 0) return undefined;
    const [name, ...members] = path.map((part) => part.path);
    const owned = (reflection.project.children ?? [])
      .flatMap((module) => module.children ?? [])
      .filter((child) => child.name === name && !child.isReference());
    const target = members.length === 0 || owned.length !== 1 ? owned[0] : owned[0].getChildByName(members);
    return owned.length === 1 && target ? { target } : undefined;
  });
}
