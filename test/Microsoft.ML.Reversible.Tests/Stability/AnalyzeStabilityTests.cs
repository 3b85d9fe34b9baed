using Microsoft.ML.Data;
using Microsoft.ML.Reversible.Stability;
using Microsoft.ML.Reversible.Stack;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Tests.Stability;

/// <summary>Trained models, from the catalog to the report.</summary>
[TestClass]
public sealed class AnalyzeStabilityTests
{
    private static readonly MLContext Ml = new(seed: 1);

    public static IEnumerable<object[]> Schemes => Scheme.All.Select(scheme => new object[] { scheme });

    [TestMethod]
    [DynamicData(nameof(Schemes))]
    public void ATrainedModelIsAnalysedUnderEveryScheme(Scheme scheme)
    {
        using ReversibleLmTransformer model = Corpus.Train(Ml, o => o.Scheme = scheme);
        StabilityReport report = Ml.Reversible().AnalyzeStability(model, Corpus.View(Ml, Corpus.Rows), krylovDimension: 12);

        Assert.AreEqual(scheme.Name, report.Scheme.Name);
        Assert.HasCount(model.Configuration.LayerCount, report.Layers);
        foreach (LayerStability layer in report.Layers)
        {
            Assert.HasCount(24, layer.Eigenvalues);
            Assert.IsTrue(layer.ForwardGrowth > 0.5 && double.IsFinite(layer.ForwardGrowth));
            Assert.IsTrue(layer.Leftmost.Value.Real <= layer.Rightmost.Value.Real && layer.Largest.Value.Magnitude > 0);
            Assert.IsLessThan(layer.Largest.Value.Magnitude, layer.Largest.Residual);
        }
        if (scheme.IsReversible) Assert.IsLessThan(1e-3, report.Layers.Max(l => l.RebuildError?.Relative ?? 0));
        StringAssert.StartsWith(report.Verdict, scheme.Name);
        StringAssert.EndsWith(report.ToString(), $"{report.Verdict}\n{report.Suggestion}\n");
    }

    [TestMethod]
    public void TheIterationAgreesWithTheWholeJacobianOfATrainedBlock()
    {
        using ReversibleLmTransformer model = Corpus.Train(Ml, o => o.MaxSteps = 100);
        using var scope = NewDisposeScope();
        Tensor state = model.Network.Embed(tensor(new long[] { 116, 104, 101, 32 }, [1, 4])).detach();
        var jacobian = new TransposedJacobian([(model.Network.Stack.Blocks[0], state)]);
        IReadOnlyList<EigenvalueEstimate> whole = Spectrum.Whole(jacobian.Apply, (int)jacobian.Size, CPU);
        IReadOnlyList<EigenvalueEstimate> found = Spectrum.Arnoldi(jacobian.Apply, jacobian.Size, 60, seed: 1, CPU);
        double largest = whole.Max(e => e.Value.Magnitude);
        Assert.AreEqual(largest, found.Max(e => e.Value.Magnitude), 0.02 * largest);
        Assert.AreEqual(whole.Max(e => e.Value.Real), found.Max(e => e.Value.Real), 0.05 * largest);
        Assert.AreEqual(whole.Min(e => e.Value.Real), found.Min(e => e.Value.Real), 0.05 * largest);
    }

    [TestMethod]
    public void OneSeedGivesOneReportAndTheModelIsLeftAsItWas()
    {
        using ReversibleLmTransformer model = Corpus.Train(Ml, o => o.Scheme = new Bdia { K = 4 });
        IDataView data = Corpus.View(Ml, Corpus.Rows);
        Corpus.ScoredRow before = Corpus.Scores(Ml, model, "the red fox").Single();
        double[] gradients = Gradients(model);
        string report = Ml.Reversible().AnalyzeStability(model, data, krylovDimension: 8).ToString();
        Assert.AreEqual(report, Ml.Reversible().AnalyzeStability(model, data, krylovDimension: 8).ToString());
        Assert.AreNotEqual(report, Ml.Reversible().AnalyzeStability(model, data, krylovDimension: 8, seed: 1).ToString());
        Assert.AreEqual(before.LogLikelihood, Corpus.Scores(Ml, model, "the red fox").Single().LogLikelihood);
        CollectionAssert.AreEqual(gradients, Gradients(model));
    }

    private static double[] Gradients(ReversibleLmTransformer model)
    {
        using var scope = NewDisposeScope();
        return [.. model.Network.parameters().Select(p => p.grad is { } gradient ? gradient.norm().item<float>() : -1.0)];
    }

    [TestMethod]
    public void AShortTextIsOneShortWindow()
    {
        using ReversibleLmTransformer model = Corpus.Train(Ml, o => o.MaxSteps = 1);
        StabilityReport report = Ml.Reversible().AnalyzeStability(model, Corpus.View(Ml, "", "a"), krylovDimension: 5);
        // The letter and the end of text: two tokens of 32 channels, few enough for all eigenvalues.
        Assert.HasCount(64, report.Layers[0].Eigenvalues);
        Assert.AreEqual(0, report.Layers[0].Largest.Residual);
    }

    [TestMethod]
    public void BlocksInBFloat16AndExactArithmeticAreAnalysedToo()
    {
        using ReversibleLmTransformer model = Corpus.Train(
            Ml, o => (o.Precision, o.Arithmetic, o.MaxSteps) = (Precision.BFloat16, Arithmetic.Exact, 2));
        StabilityReport report = Ml.Reversible().AnalyzeStability(model, Corpus.View(Ml, Corpus.Rows), windowCount: 1, krylovDimension: 5);
        Assert.HasCount(5, report.Layers[0].Eigenvalues);
        StringAssert.StartsWith(report.Suggestion, "Exact arithmetic rebuilds the hidden states to the bit");
    }

    [TestMethod]
    public void NoTensorOutlivesAnAnalysis()
    {
        using ReversibleLmTransformer model = Corpus.Train(Ml, o => o.Scheme = Scheme.Hamiltonian);
        IDataView data = Corpus.View(Ml, Corpus.Rows);
        long before = TestModels.LiveTensors();
        for (int run = 0; run < 3; run++) Ml.Reversible().AnalyzeStability(model, data, krylovDimension: 4);
        Assert.ThrowsExactly<OperationCanceledException>(
            () => Ml.Reversible().AnalyzeStability(model, data, cancellationToken: new CancellationToken(canceled: true)));
        Assert.AreEqual(before, TestModels.LiveTensors());
    }

    [TestMethod]
    public void BadInputGetsOneClearException()
    {
        using ReversibleLmTransformer model = Corpus.Train(Ml, o => o.MaxSteps = 1);
        ReversibleCatalog catalog = Ml.Reversible();
        IDataView data = Corpus.View(Ml, Corpus.Rows);
        IDataView other = Ml.Data.LoadFromEnumerable(new[] { new Number { Value = 1 } });
        foreach (IDataView empty in new[] { Corpus.View(Ml), Corpus.View(Ml, "", "") })
        {
            var e = Thrown<InvalidOperationException>(() => catalog.AnalyzeStability(model, empty));
            StringAssert.Contains(e.Message, "no rows with text");
        }
        StringAssert.Contains(Thrown<ArgumentOutOfRangeException>(() => catalog.AnalyzeStability(model, other)).Message, "'Text'");
        var windows = Thrown<ArgumentOutOfRangeException>(() => catalog.AnalyzeStability(model, data, windowCount: 0));
        Assert.AreEqual("windowCount", windows.ParamName);
        var steps = Thrown<ArgumentOutOfRangeException>(() => catalog.AnalyzeStability(model, data, krylovDimension: 0));
        Assert.AreEqual("krylovDimension", steps.ParamName);
        Thrown<ArgumentNullException>(() => catalog.AnalyzeStability(null!, data));
        Thrown<ArgumentNullException>(() => catalog.AnalyzeStability(model, null!));
        model.Dispose();
        Thrown<ObjectDisposedException>(() => catalog.AnalyzeStability(model, data));
    }

    private static T Thrown<T>(Action action) where T : Exception => Assert.ThrowsExactly<T>(action);

    private sealed class Number
    {
        public float Value { get; set; }
    }
}
