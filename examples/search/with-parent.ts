/** A child process lives as long as the channel to its parent: it never outlives it, however the parent ends. */
export function endWithParent(): void {
  process.once('disconnect', () => process.exit());
  // Ctrl-C reaches the whole group of processes; when to end is the parent's to say.
  process.on('SIGINT', () => undefined);
}
