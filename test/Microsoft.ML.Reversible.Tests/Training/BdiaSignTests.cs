using Microsoft.ML.Reversible.Data;
using Microsoft.ML.Reversible.Language;
using Microsoft.ML.Reversible.Tests.Storage;
using Microsoft.ML.Reversible.Training;
using Microsoft.ML.Runtime;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Tests.Training;

/// <summary>
/// The signs of γ that a run draws: 2,000 passes of 8 layers and 32 rows, two to a step, over a resume. Of independent signs the mean
/// absolute correlation of two sequences of 2,000 is √(2/2000π) = 0.018.
/// </summary>
[TestClass]
public sealed class BdiaSignTests
{
    private const int Layers = 8, Rows = 32, Steps = 1000, Passes = 2, Slots = Layers * Rows;
    private const double MostCorrelation = 0.020;

    private static sbyte[][] _signs = [];

    [ClassInitialize]
    public static void Record(TestContext _)
    {
        using var scratch = new ScratchFolder();
        var signs = new List<sbyte[]>();
        using var source = new CancellationTokenSource();
        var ml = new MLContext(seed: 1);
        Assert.ThrowsExactly<OperationCanceledException>(() => Train(ml, signs, Options(scratch.File("run"), o =>
            (o.Progress, o.CancellationToken) = (RunOptions.At(400, source.Cancel), source.Token))));
        Assert.HasCount(400 * Passes, signs);
        Train(ml, signs, Options(scratch.File("run")));
        _signs = [.. signs];
        Assert.HasCount(Steps * Passes, _signs);
    }

    [TestMethod]
    public void NoSlotIsCorrelatedWithItselfSomePassesLater()
    {
        for (int lag = 1; lag <= 8; lag++)
        {
            double mean = Enumerable.Range(0, Slots).Average(slot => Math.Abs(Correlation(slot, slot, lag)));
            Assert.IsLessThan(MostCorrelation, mean, $"lag {lag}");
        }
    }

    [TestMethod]
    public void NoTwoSlotsAreCorrelated()
    {
        double sum = 0;
        int pairs = 0;
        for (int a = 0; a < Slots; a++)
            for (int b = a + 1; b < Slots; b += 3, pairs++) sum += Math.Abs(Correlation(a, b, 0));
        Assert.IsLessThan(MostCorrelation, sum / pairs);
    }

    [TestMethod]
    public void BothSignsAreAsLikely()
    {
        double mean = _signs.Average(pass => pass.Average(sign => (double)sign));
        Assert.IsLessThan(4 / Math.Sqrt(Slots * Steps * Passes), Math.Abs(mean));
        double largest = Enumerable.Range(0, Slots).Max(slot => Math.Abs(_signs.Average(pass => (double)pass[slot])));
        Assert.IsLessThan(5 / Math.Sqrt(Steps * Passes), largest);
    }

    [TestMethod]
    public void NeighbouringSeedsOfARunGiveOtherFactorsAndDraws()
    {
        double[][] factors = [.. Enumerable.Range(1, 200).Select(seed =>
            ((MidpointA)new MidpointA().Bind(Layers, seed)).Factors.Select(a => Math.Abs(a) - 1).ToArray())];
        for (int layer = 0; layer < Layers; layer++)
        {
            double products = 0, squares = 0;
            for (int seed = 1; seed < factors.Length; seed++)
            {
                products += factors[seed][layer] * factors[seed - 1][layer];
                squares += factors[seed][layer] * factors[seed][layer];
            }
            Assert.IsLessThan(4 / Math.Sqrt(factors.Length), Math.Abs(products / squares), $"layer {layer}");
        }
    }

    private static double Correlation(int a, int b, int lag)
    {
        int count = _signs.Length - lag;
        double ofA = 0, ofB = 0, products = 0;
        for (int t = 0; t < count; t++)
        {
            ofA += _signs[t][a];
            ofB += _signs[t + lag][b];
            products += _signs[t][a] * _signs[t + lag][b];
        }
        return products / count - ofA / count * (ofB / count);
    }

    private static ReversibleLmTrainer.Options Options(string folder, Action<ReversibleLmTrainer.Options>? change = null)
    {
        ReversibleLmTrainer.Options options = Corpus.QuickOptions;
        (options.Scheme, options.LayerCount, options.HeadCount, options.Width) = (new Bdia(), Layers, 1, 8);
        (options.ContextLength, options.BatchSize, options.MaxSteps, options.GradientAccumulationSteps) = (4, Rows, Steps, Passes);
        (options.EvaluationInterval, options.ReportInterval, options.CheckpointInterval) = (Steps, 1, 200);
        options.CheckpointFolder = folder;
        change?.Invoke(options);
        return options;
    }

    /// <summary>Runs a fit with a task that only records the seeds of its passes.</summary>
    private static void Train(MLContext ml, List<sbyte[]> signs, ReversibleLmTrainer.Options options)
    {
        IHost host = ((IHostEnvironment)ml).Register("signs");
        using IChannel channel = host.Start("Training");
        using var run = new TrainingRun(options, ml, host, channel, options.KnownFingerprint(isText: true));
        using var start = LanguageStart.Make(Corpus.View(ml, Corpus.Rows), options, run.Checkpoint, run.Device, run.Seed);
        try
        {
            using var task = new Recorder(start.Model, start.Tokens, options, run.Seed, signs);
            run.Train(task);
        }
        finally
        {
            start.Abandon();
        }
    }

    private sealed class Recorder(
        LanguageModel model, TokenCache tokens, ReversibleLmTrainer.Options options, int seed, List<sbyte[]> signs)
        : LanguageTask(model, options.Windows(tokens, seed), options)
    {
        internal override Tensor Differentiate(TokenBatch batch, StepContext step)
        {
            using var scope = NewDisposeScope();
            Func<int, Tensor> draw = Network.Stack.Scheme.Draw(Layers, batch.Rows, step.Seed, CPU)!;
            signs.Add([.. Enumerable.Range(0, Layers).SelectMany(
                layer => draw(layer).flatten().data<double>().ToArray().Select(gamma => (sbyte)Math.Sign(gamma)))]);
            return zeros(1, dtype: ScalarType.Float64).MoveToOuterDisposeScope();
        }

        internal override (double CrossEntropy, double Criterion) Evaluate(TokenBatch batch) => (1, 1);
    }
}
