// Benchmarks of the library, each with its own command. docs/benchmarks.md has the results and their conditions.
//
//   dotnet run -c Release --project test/Microsoft.ML.Reversible.Benchmarks -- memory
//   dotnet run -c Release --project test/Microsoft.ML.Reversible.Benchmarks -- tiny-shakespeare input.txt --scheme midpoint
//   dotnet run -c Release --project test/Microsoft.ML.Reversible.Benchmarks -- corpus 2 stories.txt wiki.txt
//   dotnet run -c Release --project test/Microsoft.ML.Reversible.Benchmarks -- generate --device cuda --precision BFloat16
//   dotnet run -c Release --project test/Microsoft.ML.Reversible.Benchmarks -- folders scratch
//   dotnet run -c Release --project test/Microsoft.ML.Reversible.Benchmarks -- micro --filter *ChunkedLoss*
//   dotnet run -c Release --project test/Microsoft.ML.Reversible.Benchmarks -- zero-shot model piqa=valid.jsonl
//   dotnet run -c Release --project test/Microsoft.ML.Reversible.Benchmarks -- rows model stories.txt
using System.CommandLine;
using Microsoft.ML.Reversible.Benchmarks;
using Microsoft.ML.Reversible.Benchmarks.Micro;

var root = new RootCommand("Benchmarks of Microsoft.ML.Reversible.")
{
    MemoryOfAStep.Command(),
    MemoryByDepth.Command(),
    TinyShakespeare.Command(),
    GradientDrift.Command(),
    HiddenStateRepresentations.Command(),
    FreshProcessLoad.Command(),
    FreshProcessEvaluation.Command(),
    FreshProcessCulture.Command(),
    OptimizerTime.Command(),
    LossTime.Command(),
    CorpusTokenization.Command(),
    TokensPerSecond.Command(),
    ZeroShotSpeed.Command(),
    RowsPerSecond.Command(),
    KilledRun.Command(),
    RegressionTask.Command(),
    SchemeTable.Command(),
    SchemeTable.RunCommand(),
    LongRun.Command(),
    RetrofitTable.Command(),
    BdiaFineTuning.Command(),
    MicroCommand.Command(),
};
foreach (Command command in (Command[])[.. LargeFolders.Commands(), .. RetrofitMemory.Commands(), .. FreshProcessBits.Commands()])
    root.Add(command);
return root.Parse(args).Invoke();
