/** A child process lives as long as the channel to its parent: it never outlives it, however the parent ends. */
export function endWithParent(undo: () => void = () => undefined): void {
  const end = (): void => {
    try {
      undo();
    } finally {
      process.exit();
    }
  };
  // While this process was loaded, nobody listened.
  if (process.connected) process.once('disconnect', end);
  else end();
  // Ctrl-C reaches the whole group of processes; when to end is the parent's to say.
  process.on('SIGINT', () => undefined);
}
