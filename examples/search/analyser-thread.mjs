/** The module of the analyser's threads: theirs is a Node that knows no TypeScript, whatever the process was started with. */
import { register } from 'tsx/esm/api';

register();
const { analyseAndKeep } = await import('./analyse-and-keep.ts');

export default analyseAndKeep;
