import Commands

await CommandLineTool.runProcess()
