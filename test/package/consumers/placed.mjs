import * as hashing from 'holdfast/hashing';
import { serve } from './answers.cjs';

serve(hashing, new URL(import.meta.url));
