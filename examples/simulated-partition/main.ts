/** Tests the payments under many seeds, then a bank that forgets, to see that the test would find it. */
import { isSimFailure, simulate } from 'holdfast/testing';
import { payments } from './scenario.ts';

const wanted = process.env['SIM_SEED'];
const forgetful = process.argv.includes('--forgetful');
const unknown = process.argv.slice(2).find((argument) => argument !== '--forgetful');
const isSeed = wanted === undefined || (/^\d+$/.test(wanted) && Number.isSafeInteger(Number(wanted)));

/** Prints what came out; true when all was well. */
const run = async (bankRemembers: boolean): Promise<boolean> => {
  const flags = bankRemembers ? '' : ' --forgetful';
  const replay = (seed: unknown): string => `SIM_SEED=${String(seed)} npm run example -- simulated-partition${flags}`;
  const seeds = wanted === undefined ? { runs: 200 } : { runs: 1, seed: Number(wanted) };
  try {
    const { runs, virtualMs, sometimes } = await simulate(payments({ bankRemembers }), { ...seeds, replay });
    console.log(`${String(runs)} seeds, ${String(virtualMs / 60_000)} virtual minutes: all held.`);
    for (const [place, times] of Object.entries(sometimes)) console.log(`  ${place}: in ${String(times)} of them`);
    return true;
  } catch (error) {
    if (!isSimFailure(error)) throw error;
    console.log(error.message);
    return false;
  }
};

if (unknown !== undefined || !isSeed) {
  const wrong =
    unknown === undefined ? `SIM_SEED is a whole number, not '${wanted}'` : `unexpected argument: ${unknown}`;
  console.error(`${wrong}; SIM_SEED=3 npm run example -- simulated-partition --forgetful`);
  process.exitCode = 2;
} else if (forgetful || wanted !== undefined) process.exitCode = (await run(!forgetful)) ? 0 : 1;
else {
  console.log('A bank that remembers the ids of payments:');
  const held = await run(true);
  console.log('\nA bank that forgets them; the simulator should find it out:');
  const found = !(await run(false));
  process.exitCode = held && found ? 0 : 1;
}
