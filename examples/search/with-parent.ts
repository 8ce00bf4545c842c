/** A child process lives as long as the channel to its parent: it never outlives it, however the parent ends. */
export function endWithParent(undo: () => void = () => undefined): void {
  process.once('disconnect', () => {
    try {
      undo();
    } finally {
      process.exit();
    }
  });
  // Ctrl-C reaches the whole group of processes; when to end is the parent's to say.
  process.on('SIGINT', () => undefined);
}
