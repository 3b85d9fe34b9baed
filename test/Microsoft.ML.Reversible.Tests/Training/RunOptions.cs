namespace Microsoft.ML.Reversible.Tests.Training;

/// <summary>Options of small runs, and comparisons of two runs.</summary>
internal static class RunOptions
{
    /// <summary>Reports every step to an action.</summary>
    public static IProgress<TrainingProgress> At(int step, Action action) => new Listener(step, action);

    /// <summary>Every step reported, an evaluation every five and checkpoints in a folder.</summary>
    public static Action<ReversibleLmTrainer.Options> In(string? folder, Action<ReversibleLmTrainer.Options>? change = null) => o =>
    {
        (o.ReportInterval, o.EvaluationInterval, o.CheckpointFolder) = (1, 5, folder);
        change?.Invoke(o);
    };

    /// <summary>Trains, is cancelled after a step, and leaves a checkpoint of it.</summary>
    public static void CancelAt(MLContext ml, int step, Action<ReversibleLmTrainer.Options> change)
    {
        using var source = new CancellationTokenSource();
        Assert.ThrowsExactly<OperationCanceledException>(() => Corpus.Train(ml, o =>
        {
            change(o);
            (o.Progress, o.CancellationToken) = (At(step, source.Cancel), source.Token);
        }));
    }

    public static void AssertSame(ReversibleLmTransformer expected, ReversibleLmTransformer actual)
    {
        CollectionAssert.AreEqual(Curve(expected), Curve(actual));
        Assert.IsTrue(expected.Network.parameters().Zip(actual.Network.parameters(), TestModels.SameBits).All(same => same));
        Assert.AreEqual(expected.Metrics!.ValidationTokens, actual.Metrics!.ValidationTokens);

        static (int, double, double, double?, double)[] Curve(ReversibleLmTransformer model) =>
            [.. model.Metrics!.History.Select(p => (
                p.Step, p.Loss, p.GradNorm, p.ValidationLoss, p.ValidationFigures.GetValueOrDefault("bits_per_byte", -1)))];
    }

    private sealed class Listener(int step, Action action) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value)
        {
            if (value.Step == step) action();
        }
    }
}
