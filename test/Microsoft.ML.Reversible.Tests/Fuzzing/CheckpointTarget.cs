using Microsoft.ML.Reversible.Tests.Storage;
using Microsoft.ML.Reversible.Training;

namespace Microsoft.ML.Reversible.Tests.Fuzzing;

/// <summary>
/// Checkpoints of a training run, resumed for their last step: with the checksums as they are, which refuse almost all damage, or made
/// anew over what is damaged, so that the readers behind them see it.
/// </summary>
internal static class CheckpointTarget
{
    private const string Checkpoint = "step-00000003";
    private static readonly string[] _rows = Corpus.Rows[..20];

    public static FuzzTarget Of(bool recomputesChecksums) => new(
        $"checkpoint, checksums {(recomputesChecksums ? "made anew" : "stale")}", Make, folder => Resume(folder, recomputesChecksums),
        typeof(InvalidDataException), typeof(InvalidOperationException), typeof(FileNotFoundException));

    private static void Make(string folder)
    {
        using var run = new ScratchFolder();
        Train(run.FullName);
        Directory.CreateDirectory(folder);
        Copy(run.File(Checkpoint), folder);
    }

    private static void Resume(string folder, bool recomputesChecksums)
    {
        using var run = new ScratchFolder();
        Directory.CreateDirectory(run.File(Checkpoint));
        Copy(folder, run.File(Checkpoint));
        if (recomputesChecksums)
        {
            File.Delete(Path.Combine(run.File(Checkpoint), Checksums.FileName));
            Checksums.Write(run.File(Checkpoint));
        }
        Train(run.FullName);
    }

    private static void Train(string folder)
    {
        var ml = new MLContext(seed: 1) { FallbackToCpu = false };
        ReversibleLmTrainer.Options options = Corpus.QuickOptions;
        (options.LayerCount, options.HeadCount, options.Width, options.ContextLength, options.BatchSize) = (1, 1, 8, 8, 2);
        (options.MaxSteps, options.CheckpointInterval, options.EvaluationInterval, options.ReportInterval) = (4, 3, 2, 1);
        (options.CheckpointFolder, options.CheckpointsKept) = (folder, 9);
        ml.Reversible().LanguageModel(options).Fit(Corpus.View(ml, _rows)).Dispose();
    }

    private static void Copy(string from, string to)
    {
        foreach (string file in Directory.GetFiles(from)) File.Copy(file, Path.Combine(to, Path.GetFileName(file)));
    }
}
