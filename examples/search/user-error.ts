/** What the user can put right: its message is the one line that the command ends with, exit code 2. */
export class UserError extends Error {}
