/**
 * Compares the public declarations of each subpath with its report in `etc/`; `--update` writes the reports.
 * Reads `dist`: run `npm run build` first.
 */
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  Extractor,
  ExtractorConfig,
  ExtractorLogLevel,
  ExtractorMessageCategory,
  type IConfigFile,
} from '@microsoft/api-extractor';
import { reportName, root, subpaths } from './subpaths.ts';

const update = process.argv.includes('--update');
const reports = join(root, 'etc');
const scratch = mkdtempSync(join(tmpdir(), 'holdfast-api-'));
const silent = { logLevel: ExtractorLogLevel.None, addToApiReportFile: false };

const config = (name: string, reportFileName: string): IConfigFile => ({
  projectFolder: root,
  mainEntryPointFilePath: join(root, 'dist', `${name}.d.ts`),
  compiler: {
    overrideTsconfig: {
      compilerOptions: {
        target: 'ES2022',
        lib: ['ES2023', 'ESNext.Disposable'],
        module: 'NodeNext',
        moduleResolution: 'NodeNext',
        types: ['node'],
        strict: true,
        skipLibCheck: true,
      },
    },
  },
  apiReport: { enabled: true, reportFileName, reportFolder: reports, reportTempFolder: scratch },
  docModel: { enabled: false },
  dtsRollup: { enabled: false },
  tsdocMetadata: { enabled: false },
  newlineKind: 'lf',
  messages: {
    compilerMessageReporting: { default: { logLevel: ExtractorLogLevel.Error } },
    // Documentation and what is exported are TypeDoc's to judge, which sees all subpaths together.
    extractorMessageReporting: { default: silent, 'ae-forgotten-export': silent },
    tsdocMessageReporting: { default: silent },
  },
});

const wanted = subpaths.map(({ name }) => reportName(name));
mkdirSync(reports, { recursive: true });
let differs = false;
for (const { name } of subpaths) {
  const configObject = config(name, reportName(name));
  const result = Extractor.invoke(
    ExtractorConfig.prepare({
      configObject,
      configObjectFullPath: undefined,
      packageJsonFullPath: join(root, 'package.json'),
    }),
    {
      localBuild: update,
      messageCallback: (message) => {
        // One line per report, below, says it better; the compiler's own errors stay.
        if (message.category === ExtractorMessageCategory.Console) message.logLevel = ExtractorLogLevel.None;
      },
    },
  );
  if (result.errorCount > 0) differs = true;
  if (result.apiReportChanged) {
    differs = true;
    console.log(
      `etc/${reportName(name)} ${update ? 'written' : 'differs: npm run api -- --update, and review the diff'}`,
    );
  }
}
for (const file of readdirSync(reports).filter((name) => !wanted.includes(name))) {
  differs = true;
  if (update) rmSync(join(reports, file));
  console.log(`etc/${file} ${update ? 'removed' : 'belongs to no subpath'}`);
}
rmSync(scratch, { recursive: true });
if (differs && !update) process.exitCode = 1;
